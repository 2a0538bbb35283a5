"""Each key of a compose service: what it becomes, and what is said of the rest."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml

from ipvlan.config.compose.node import Kind
from ipvlan.config.compose.table import ROWS
from tests.support.compose_files import carried_files, carried_keys

FORMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"command": "run --it 'a b'"}, {"command": ["run", "--it", "a b"]}),
    ({"command": ["a", 1]}, {"command": ["a", "1"]}),
    ({"entrypoint": "/start -x"}, {"entrypoint": ["/start", "-x"]}),
    ({"container_name": "x1"}, {"container_name": "x1"}),
    ({"restart": "on-failure:3"}, {"restart": "on-failure:3"}),
    ({"user": 1000}, {"user": "1000"}),
    ({"init": "true", "privileged": True, "read_only": False}, {"init": True, "privileged": True, "read_only": False}),
    ({"cpu_shares": "512"}, {"cpu_shares": 512}),
    ({"cap_add": ["NET_ADMIN"], "cap_drop": ["ALL"]}, {"cap_add": ["NET_ADMIN"], "cap_drop": ["ALL"]}),
    ({"security_opt": ["no-new-privileges:true"]}, {"security_opt": ["no-new-privileges:true"]}),
    ({"dns": "10.0.0.1", "dns_search": ["a", "b"]}, {"dns": ["10.0.0.1"], "dns_search": ["a", "b"]}),
    (
        {"environment": {"A": 1, "B": True, "C": 1.5, "D": "x"}},
        {"environment": {"A": "1", "B": "true", "C": "1.5", "D": "x"}},
    ),
    ({"environment": ["A=b=c", "D="]}, {"environment": {"A": "b=c", "D": ""}}),
    ({"labels": {"a": None, "b": 1}}, {"labels": {"a": "", "b": "1"}}),
    ({"sysctls": ["net.core.somaxconn=1024"]}, {"sysctls": {"net.core.somaxconn": "1024"}}),
    ({"extra_hosts": ["a:10.0.0.1", "b=10.0.0.2"]}, {"extra_hosts": {"a": "10.0.0.1", "b": "10.0.0.2"}}),
    ({"tmpfs": "/run:size=64m"}, {"tmpfs": {"/run": "size=64m"}}),
    ({"tmpfs": ["/a", "/b"]}, {"tmpfs": {"/a": "", "/b": ""}}),
    (
        {"ulimits": {"nofile": 10, "nproc": {"soft": 1, "hard": 2}}},
        {"ulimits": {"nofile": {"soft": 10, "hard": 10}, "nproc": {"soft": 1, "hard": 2}}},
    ),
    ({"shm_size": "64mb", "mem_limit": "1.5g"}, {"shm_size": "64m", "memory": "1536m"}),
    ({"mem_limit": 1073741824, "shm_size": "512KiB"}, {"memory": "1g", "shm_size": "1m"}),
    ({"mem_limit": 1000000000}, {"memory": "954m"}),
    ({"init": "yes", "read_only": "True", "tty": "off"}, {"init": True, "read_only": True, "tty": False}),
    (
        {"environment": {"A": 2.0, "B": 999999.5, "C": 0.0001}},
        {"environment": {"A": "2", "B": "999999.5", "C": "0.0001"}},
    ),
    ({"command": """a 'b;c' "d\\"e|" f\\;g"""}, {"command": ["a", "b;c", 'd"e|', "f;g"]}),
    ({"links": ["db:mysql", "nobody"]}, {"after": ["db"]}),
    ({"links": ["db"], "depends_on": ["db"]}, {"after": ["db"]}),
    ({"stop_grace_period": "1m30s", "stop_signal": "SIGINT"}, {"stop_timeout": 90, "stop_signal": "SIGINT"}),
    ({"stop_grace_period": "1500ms"}, {"stop_timeout": 2}),
    ({"cgroup": "host"}, {"cgroupns_mode": "host"}),
    ({"healthcheck": {"disable": True}}, {"healthcheck": {"test": ["NONE"]}}),
    ({"healthcheck": {"test": "curl -f x || exit 1"}}, {"healthcheck": {"test": ["CMD-SHELL", "curl -f x || exit 1"]}}),
    (
        {"healthcheck": {"test": ["CMD", "x"], "interval": "5s", "retries": "3"}},
        {"healthcheck": {"test": ["CMD", "x"], "interval": "5s", "retries": 3}},
    ),
    ({"healthcheck": {"interval": "5s"}}, {"healthcheck": {"test": [], "interval": "5s"}}),
    (
        {"logging": {"driver": "local", "options": {"max-size": "10m", "max-file": 3}}},
        {"log_driver": "local", "log_opts": {"max-size": "10m", "max-file": "3"}},
    ),
    ({"depends_on": ["db"]}, {"after": ["db"]}),
    ({"depends_on": {"db": {"condition": "service_healthy"}}}, {"after": ["db"]}),
    (
        {"devices": ["/dev/kvm", {"source": "/dev/a", "target": "/dev/b", "permissions": "rw"}, {"source": "/dev/c"}]},
        {"devices": ["/dev/kvm", "/dev/a:/dev/b:rw", "/dev/c"]},
    ),
    ({"deploy": {"resources": {"limits": {"memory": "64M"}}}, "mem_limit": "1g"}, {"memory": "64m"}),
    (
        {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 3}}, "restart": "always"},
        {"restart": "on-failure:3"},
    ),
    ({"deploy": {"restart_policy": {"condition": "any"}}}, {"restart": "always"}),
    ({"deploy": {"mode": "replicated", "replicas": 1}, "scale": 1, "x-own": 1, "profiles": []}, {}),
    ({"network_mode": "bridge"}, {}),
    ({"gpus": "all"}, {"gpus": "all"}),
    (
        {"gpus": [{"count": 1, "capabilities": ["gpu", "utility"], "driver": "nvidia", "options": ["a=b"]}]},
        {"gpus": [{"count": 1, "capabilities": ["utility"], "driver": "nvidia", "options": {"a": "b"}}]},
    ),
    ({"gpus": [{"device_ids": ["0", 1], "capabilities": ["gpu"]}]}, {"gpus": [{"device_ids": ["0", "1"]}]}),
    ({"gpus": [{"count": "all"}]}, {"gpus": [{"count": "all"}]}),
    (
        {"deploy": {"resources": {"reservations": {"devices": [{"device_ids": ["3"], "capabilities": ["gpu"]}]}}}},
        {"gpus": [{"device_ids": ["3"]}]},
    ),
]


@pytest.mark.parametrize(("keys", "expected"), FORMS, ids=lambda keys: ",".join(map(str, keys)))
def test_a_key_in_each_form(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    """What compose takes for a key, as the stack file has it."""
    assert carried_keys(keys, profiles=["*"])[0] == expected


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in ROWS.values()
        if row.path.startswith("services.")
        and row.path.count(".") == 2
        and row.kind in ("absent", "unneeded")
        and row.key != "profiles"
    ],
    ids=lambda row: row.key,
)
def test_what_has_no_key_here_is_listed_with_the_text_of_the_table(row: Any) -> None:
    """One line per key, whatever its value."""
    value: Any = {"networks": ["back"], "scale": 2, "network_mode": "host", "deploy": {"endpoint_mode": "vip"}}.get(
        row.key, ["x"]
    )
    settings, left_out = carried_keys({row.key: value})
    assert settings == {}
    (entry,) = left_out.values()
    if row.key != "deploy":
        assert (entry.key, entry.reason) == (row.key, row.text)
        assert entry.kind == ("not-needed" if row.kind == "unneeded" else "not-carried")


@pytest.mark.parametrize(
    ("keys", "left_out"),
    [
        ({"memory_limit": 1}, "memory_limit"),
        ({"environment": ["ONLY_A_NAME"]}, "environment.ONLY_A_NAME"),
        ({"restart": "sometimes"}, "restart"),
        ({"mem_limit": "1k"}, "memory"),
        ({"mem_limit": 1000000000}, "memory"),
        ({"deploy": {"resources": {"limits": {"memory": 1000000000}}}}, "deploy.resources.limits.memory"),
        ({"command": "mongod --bind_ip_all > /dev/null 2>&1"}, "command"),
        ({"memswap_limit": "1g"}, "memswap_limit"),
        ({"memswap_limit": -1}, "memswap_limit"),
        ({"memswap_limit": "1g", "mem_limit": "2g"}, "memswap_limit"),
        ({"mem_reservation": "2g", "mem_limit": "1g"}, "mem_reservation"),
        ({"command": "a;b"}, "command"),
        ({"command": "a (b)"}, "command"),
        ({"command": 'grep "\\d+"'}, "command"),
        ({"command": "echo `date`"}, "command"),
        ({"environment": {"X": 123456789.5}}, "environment.X"),
        (
            {"restart": "always", "deploy": {"restart_policy": {"max_attempts": 3}}},
            "deploy.restart_policy.max_attempts",
        ),
        (
            {"deploy": {"restart_policy": {"condition": "any", "max_attempts": 3}}},
            "deploy.restart_policy.max_attempts",
        ),
        ({"ports": ["[::]:8085:80"]}, "ports[0]"),
        ({"ports": [{"target": 80, "published": 8085, "host_ip": "::"}]}, "ports[0]"),
        ({"links": ["db"]}, "links[0]"),
        ({"links": ["nobody"]}, "links[0]"),
        ({"links": [["db"]]}, "links[0]"),
        ({"cap_add": ["NOTHING"]}, "cap_add[0]"),
        ({"sysctls": {"vm.swappiness": 1}}, "sysctls.vm.swappiness"),
        ({"ulimits": {"nothing": 1}}, "ulimits.nothing"),
        ({"ulimits": {"nofile": "x"}}, "ulimits.nofile"),
        ({"healthcheck": {"test": ["curl"]}}, "healthcheck.test"),
        ({"healthcheck": {"test": ["NONE"], "interval": "soon"}}, "healthcheck.interval"),
        ({"depends_on": ["nobody"]}, "depends_on.nobody"),
        ({"depends_on": {"db": {"condition": "service_completed_successfully"}}}, "depends_on.db"),
        ({"depends_on": {"db": {"restart": True}}}, "depends_on.db.restart"),
        ({"command": []}, "command"),
        ({"command": "a 'b"}, "command"),
        ({"entrypoint": ""}, "entrypoint"),
        ({"extra_hosts": {"a": ["10.0.0.1", "10.0.0.2"]}}, "extra_hosts.a"),
        ({"dns": ["10.0.0.1", "fe80::1"]}, "dns[1]"),
        ({"pid": "service:db"}, "pid"),
        ({"gpus": [{"count": "many"}]}, "gpus[0]"),
        ({"gpus": [{"count": 1, "other": 2}]}, "gpus[0].other"),
        ({"gpus": "x"}, "gpus"),
        (
            {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["tpu"]}]}}}},
            "deploy.resources.reservations.devices[0]",
        ),
        ({"init": "maybe"}, "init"),
        ({"environment": {"A": ["x"]}}, "environment.A"),
        ({"environment": "A=1"}, "environment"),
        ({"ports": {"a": 1}}, "ports"),
        ({"networks": {"back": {"aliases": ["x"]}}}, "networks.back.aliases"),
        ({"logging": ["x"]}, "logging"),
        ({"deploy": {"resources": {"limits": {"pids": 5}}}}, "deploy.resources.limits.pids"),
        ({"deploy": {"replicas": 3}}, "deploy.replicas"),
        ({"deploy": {"labels": {"a": "b"}}}, "deploy.labels.a"),
        ({"deploy": {"update_config": {"order": "start-first"}}}, "deploy.update_config.order"),
        ({"deploy": "x"}, "deploy"),
    ],
)
def test_what_cannot_be_carried_is_listed(keys: dict[str, Any], left_out: str) -> None:
    """The key, down to the entry that it is about."""
    entries = carried_keys(keys)[1]
    assert left_out.replace("memory", "mem_limit", 1) in entries or left_out in entries
    assert all(entry.reason and entry.kind in get_args(Kind) for entry in entries.values())


def test_what_deploy_wins_over_is_listed() -> None:
    """Its own key is there for nothing, in compose too; the default of a key is no such key."""
    deploy = {"resources": {"limits": {"memory": "64M"}}, "restart_policy": {"condition": "any"}}
    settings, left_out = carried_keys({"mem_limit": "1g", "restart": "no", "deploy": deploy})
    assert settings == {"memory": "64m", "restart": "always"}
    assert {entry.key: (entry.kind, entry.reason) for entry in left_out.values()} == {
        "mem_limit": ("not-needed", "deploy.resources.limits.memory wins over it, as in compose"),
        "restart": ("not-needed", "deploy.restart_policy.condition wins over it, as in compose"),
    }
    assert carried_keys({"deploy": deploy})[1] == {}


def test_a_part_that_is_refused_leaves_the_rest() -> None:
    """Of a list and a mapping the other entries are carried."""
    settings, left_out = carried_keys({"cap_add": ["AA", "NET_ADMIN", "BB"], "sysctls": {"vm.a": "1", "net.b": "2"}})
    assert settings == {"cap_add": ["NET_ADMIN"], "sysctls": {"net.b": "2"}}
    assert set(left_out) == {"cap_add[0]", "cap_add[2]", "sysctls.vm.a"}


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *(
            (name, True)
            for name in ("PASSWORD", "DB_PASS", "MYSQL_ROOT_PASSWORD", "WEBPASSWORD", "API_KEY", "APP_SECRET")
        ),
        *((name, True) for name in ("GITHUB_TOKEN", "ApiToken", "AWS_SECRET_ACCESS_KEY", "SMTP_PWD", "APP_KEY")),
        *((name, True) for name in ("TS_AUTHKEY", "SMTP_AUTH", "BASIC_AUTH", "DB_PW", "JWT", "SALT")),
        *((name, False) for name in ("PASSWORD_FILE", "DB_HOST", "TZ", "KEYBOARD", "COMPASS", "BYPASSED", "MONKEY")),
    ],
)
def test_names_that_look_like_a_secret(name: str, is_secret: bool) -> None:
    """One line of advice, with the names and no value; a path of a file and an empty value are none."""
    left_out = carried_keys({"environment": {name: "hunter2"}})[1]
    assert bool(left_out) == is_secret
    assert all(
        entry.kind == "advice" and name in entry.reason and "hunter2" not in entry.reason for entry in left_out.values()
    )
    assert carried_keys({"environment": {name: ""}})[1] == {}
    assert carried_keys({"environment": {name: "1"}})[1] == {}


def test_a_login_in_a_url_looks_like_a_secret() -> None:
    """Whatever the variable is called."""
    left_out = carried_keys({"environment": {"MONGO_URI": "mongodb://u:hunter2@db/x", "URL": "https://a:8080/@x"}})[1]
    assert left_out["environment"].reason.startswith("MONGO_URI looks")


def test_which_services_are_carried() -> None:
    """Those with an image, and with a profile only where it is chosen."""
    text = """
services:
  aa: {image: a}
  bb: {image: b, profiles: [debug, test]}
  cc: {build: .}
  dd: {extends: {service: aa}}
  ee: {image: "x:${NO}"}
  ff:
  gg: {image: g, depends_on: [bb, cc]}
include: [other.yaml]
x-own: 1
surprise: 1
"""
    project = carried_files(text)
    assert set(project.services) == {"aa", "gg"}
    listed = [(entry.service, entry.key) for entry in project.left_out]
    assert listed == [
        *(("bb", "profiles"), ("cc", "build"), ("dd", "extends"), ("ee", "image"), ("ff", "")),
        *(("gg", "depends_on.bb"), ("gg", "depends_on.cc"), ("", "include"), ("", "surprise")),
    ]
    for profile in ("test", "*"):
        project = carried_files(text, profiles=[profile])
        assert set(project.services) == {"aa", "bb", "gg"}
        assert project.services["gg"].settings["after"] == ["bb"]


def test_another_container_name_is_advice() -> None:
    """In compose others find the service by its name too; one that is alone has no others."""
    text = "services: {aa: {image: a, container_name: x1}, bb: {image: b, container_name: bb}}"
    assert [(entry.service, entry.key, entry.kind) for entry in carried_files(text).left_out] == [
        ("aa", "container_name", "advice")
    ]
    assert carried_files("services: {aa: {image: a, container_name: x1}}").left_out == ()


@pytest.mark.parametrize(
    ("keys", "listed"),
    [
        ("scale: 0", "scale"),
        ("deploy: {replicas: 0}", "deploy.replicas"),
        ("network_mode: none", "network_mode"),
        ("network_mode: 'service:vpn'", "network_mode"),
        ("network_mode: 'container:vpn'", "network_mode"),
    ],
)
def test_a_service_that_would_run_differently_is_left_out(keys: str, listed: str) -> None:
    """Compose runs none of it, or outside of every network that it could reach here."""
    project = carried_files(f"services: {{aa: {{image: a, {keys}}}, bb: {{image: b, depends_on: [aa]}}}}")
    assert set(project.services) == {"bb"}
    assert [entry.key for entry in project.left_out] == [listed, "depends_on.aa"]


def test_what_says_nothing_is_not_listed() -> None:
    """Defaults, and keys without entries."""
    text = """
services: {web: {image: a, secrets: [], configs: [], volumes: ["xx:/x"]}}
volumes: {xx: {driver: local}}
networks: {n: {driver: bridge}}
secrets: {}
configs:
"""
    assert carried_files(text).left_out == ()
    assert [entry.key for entry in carried_files(text.replace("bridge", "macvlan")).left_out] == ["networks.n.driver"]


def test_configs_and_secrets_are_listed_with_the_line_to_write() -> None:
    """Where compose puts them, with owner and mode; and what to do with the value."""
    text = """
services:
  web:
    image: a
    configs: [app, {source: app, target: /etc/a.conf, uid: "101", mode: 288}, {source: inline, target: b.conf}, gone, {target: /x}]
    secrets:
      - token
      - {source: token, target: "pass word", gid: 5, mode: "0400"}
      - {source: shell, target: /etc/k}
      - source: odd.name
configs:
  app: {file: ./conf/app.conf}
  inline: {content: "x"}
secrets:
  token: {file: ./token.txt}
  shell: {environment: TOKEN}
  odd.name: {external: true}
"""
    project = carried_files(text)
    assert "files" not in project.services["web"].settings
    copied = "copy ./conf/app.conf to files/app in the project, and commit it; then write files: "
    set_token = "`pulumi config set --secret token < ./token.txt`, then write files: "
    by_root = ", with owner: where its program does not run as root"
    assert {entry.key: entry.reason for entry in project.left_out} == {
        "configs[0]": copied + "{/app: files/app}",
        "configs[1]": copied + '{/etc/a.conf: {source: files/app, owner: "101:0", mode: "0440"}}',
        "configs[2]": "write its text into files/inline in the project, and commit it; then write files: {/b.conf: files/inline}",
        "configs[3]": "no entry of this name is at the top of the file",
        "configs[4]": "it has no source",
        "secrets[0]": set_token + "{/run/secrets/token: {secret: token}}" + by_root,
        "secrets[1]": set_token + '{\'/run/secrets/pass word\': {secret: token, owner: "0:5", mode: "0400"}}',
        "secrets[2]": "`pulumi config set --secret shell`, then write files: {/etc/k: {secret: shell}}" + by_root,
        "secrets[3]": "`pulumi config set --secret NAME`, then write files: {/run/secrets/odd.name: {secret: NAME}}"
        + by_root,
    }


@pytest.mark.parametrize("mode", ['"1777"', "u=r", "-1", "true"])
def test_a_mode_that_files_do_not_have_is_refused(mode: str) -> None:
    """No line is advised that the stack file would not take."""
    text = f"services: {{web: {{image: a, configs: [{{source: x, mode: {mode}}}]}}}}\nconfigs: {{x: {{file: ./x}}}}\n"
    (entry,) = carried_files(text).left_out
    assert entry.reason == 'its mode is none that `files` has: write four octal digits up to "0777"'


@pytest.mark.parametrize(
    ("name", "declared", "entry", "expected"),
    [
        # A shell would run the second command.
        ("tok", {"file": "./my token; id"}, "tok", "`pulumi config set --secret tok < './my token; id'`"),
        # The key would take the place of a section of the stack.
        ("hosts", {"file": "./a"}, "hosts", "`pulumi config set --secret NAME < ./a`"),
        ("common", {"file": "./a"}, "common", "`pulumi config set --secret NAME < ./a`"),
        # A mode says nothing of who reads it.
        (
            "tok",
            {"file": "./a"},
            {"source": "tok", "mode": "0400"},
            "with owner: where its program does not run as root",
        ),
    ],
)
def test_the_command_for_a_secret_can_be_pasted(
    name: str, declared: dict[str, str], entry: object, expected: str
) -> None:
    """It sets what it says, and nothing else."""
    text = yaml.safe_dump({"services": {"app": {"image": "a", "secrets": [entry]}}, "secrets": {name: declared}})
    text = text.replace("mode: '0400'", 'mode: "0400"')
    (found,) = [left for left in carried_files(text).left_out if left.key == "secrets[0]"]
    assert expected in found.reason
