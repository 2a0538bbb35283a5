"""Files of the project in the program: what is registered, in which order, and what a container without files has of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.files import FilePlan, FilesPlan
from ipvlan.plan.resource_names import Urns
from tests.program.test_rollout_edges import having, waits_for
from tests.support.live_parts import reference_plan
from tests.support.states import OWNER, read_state, settled, state_of
from tests.support.strict_monitor import Registered, Run

RunProgram = Callable[..., Run]

CONF = "/etc/nginx/nginx.conf"
INI = "/etc/app/db.ini"
TOKEN = "/run/secrets/token"
NAME = "fabric-docker-1-nginx"
FOLDER = f"/var/lib/ipvlan-fabric/{OWNER}/docker-1/nginx"
SECRETS = {"db_password": "correct-horse", "api_token": "battery-staple"}


def slot(target: str, *, folder: str | None = None) -> str:
    """Return the slot of a file that is mounted alone, or of that folder."""
    return FilePlan(
        target=target, folder=folder, source=None, content=b"", secrets={}, whole_secret=None, owner="0:0", mode="0444"
    ).slot


@pytest.fixture
def nginx(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the config of nginx, with one file; the project's folder has what it and others are made of."""
    (tmp_path / "files" / "conf.d").mkdir(parents=True)
    (tmp_path / "files" / "nginx.conf").write_text("listen 80;\nproxy_set_header Host $host;\n", encoding="utf-8")
    (tmp_path / "files" / "db.ini").write_text(
        "host = ${service.address}\npassword = ${secrets.password}\n", encoding="utf-8"
    )
    (tmp_path / "files" / "icon.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "files" / "conf.d" / "a.conf").write_text("a\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    service: dict[str, Any] = config["services"]["nginx"]
    service["files"] = {CONF: "files/nginx.conf"}
    return service


def with_secrets(service: dict[str, Any]) -> None:
    """Give the service a template with a secret, and a secret that is a whole file."""
    service["files"] |= {
        INI: {"source": "files/db.ini", "template": True, "secrets": {"password": "db_password"}, "owner": "101:101"},
        TOKEN: {"secret": "api_token"},
    }


def plain(registered: Registered) -> str:
    """Return what is readable of the inputs: what the engine encrypts is left out."""

    def readable(value: Any) -> Any:
        if isinstance(value, dict):
            return None if set(value) == {"secret"} else {key: readable(inner) for key, inner in value.items()}
        return [readable(inner) for inner in value] if isinstance(value, list) else value

    # The config key of a file that is a secret's value stands under `secret` too, and is none.
    return json.dumps(readable(registered.inputs), default=str)


@pytest.mark.usefixtures("nginx")
def test_files_are_registered_on_each_host(run: RunProgram, config: dict[str, Any]) -> None:
    """Below the host's component, served by our plugin, with their text in lines; the tokens are part of every state."""
    made = run(config, preview=True)
    files, in_use = made.named(f"{NAME}-files"), made.named(f"{NAME}-files-in-use")
    assert (files.type, in_use.type) == ("ipvlan-fabric:index:Files", "ipvlan-fabric:index:FilesInUse")
    for registered in (files, in_use):
        assert registered.parent == made.named("fabric-docker-1").urn
        assert registered.provider.endswith("::fabric-connections")
    assert files.inputs == {
        "host": "docker-1",
        "ssh": files.inputs["ssh"],
        "service": "nginx",
        "container": "nginx",
        "image": config["services"]["nginx"]["image"],
        "owner": f"{OWNER}/docker-1/nginx",
        "files": {
            CONF: {
                "slot": slot(CONF),
                "path": "",
                "owner": "0:0",
                "mode": "0444",
                "text": "listen 80;\nproxy_set_header Host $host;\n",
            }
        },
        "secrets": {},
        "userns_host": False,
        "drifted": [],
    }
    assert made.named("fabric-docker-2-nginx-files").inputs["owner"] == f"{OWNER}/docker-2/nginx"


@pytest.mark.usefixtures("nginx")
def test_the_order_around_a_container(run: RunProgram, config: dict[str, Any]) -> None:
    """Files are staged when the image for a helper is there, before anything is tried; they are used when the container is up."""
    made = run(config)
    order = ["image-nginx-000000000000", "nginx-files", "nginx-handover", "nginx", "nginx-published-bridge"]
    order = [f"fabric-docker-1-{name}" for name in (*order, "nginx-settled", "nginx-files-in-use")]
    for position, name in enumerate(order):
        assert waits_for(made, name).issuperset(order[:position]), name
    assert made.named(order[-1]).inputs["generation"] == 1


@pytest.mark.usefixtures("nginx")
def test_the_next_host_waits_until_the_files_are_in_use(run: RunProgram, config: dict[str, Any]) -> None:
    """Also before it stages its own: what the first host refuses is on no other one. So does a service that comes after."""
    config["services"]["centos"]["after"] = ["nginx"]
    made = run(config, recorded=having("nginx", "centos", hosts=("docker-1", "docker-2")))
    for name in ("fabric-docker-2-nginx-files", "fabric-docker-2-nginx-handover", "fabric-docker-1-centos-handover"):
        assert f"{NAME}-files-in-use" in waits_for(made, name)
    assert f"{NAME}-files-in-use" not in waits_for(run(config), "fabric-docker-2-nginx-files")


def test_mounts_are_read_only_below_the_owner(run: RunProgram, config: dict[str, Any], nginx: dict[str, Any]) -> None:
    """One per file, and one for all files of a folder; the rehearsal gets the same."""
    nginx["files"] |= {"/etc/nginx/conf.d/": "files/conf.d/"}
    nginx["volumes"] = ["/srv:/srv:z"]
    made = run(config)
    folder_slot = slot("/etc/nginx/conf.d/a.conf", folder="/etc/nginx/conf.d")
    expected = [
        {"type": "bind", "source": f"{FOLDER}/live/{name}", "target": target, "readOnly": True}
        for target, name in (("/etc/nginx/conf.d", folder_slot), (CONF, slot(CONF)))
    ]
    assert made.named(NAME).inputs["mounts"] == expected
    assert made.named(f"{NAME}-handover").inputs["arguments"]["mounts"] == expected
    assert made.named(f"{NAME}-files").inputs["files"]["/etc/nginx/conf.d/a.conf"] == {
        "slot": folder_slot, "path": "a.conf", "owner": "0:0", "mode": "0444", "text": "a\n",
    }  # fmt: skip
    assert made.named(f"{NAME}-files-in-use").inputs["mounts"] == {
        CONF: slot(CONF),
        "/etc/nginx/conf.d": folder_slot,
    }


def test_secret_values_are_secrets_to_the_engine(
    run: RunProgram, config: dict[str, Any], nginx: dict[str, Any]
) -> None:
    """They are in one input alone, which is secret in the state as an output too; the text has their names.

    What shows the container's log has them as well, to leave them out: its failure goes into the record of the update.
    """
    with_secrets(nginx)
    config["bridges"], nginx["bridges"] = {"backend": {}}, ["backend"]
    made = run(config, secrets=SECRETS, preview=True)
    files = made.named(f"{NAME}-files")
    assert files.inputs["files"][INI]["text"] == "host = 10.1.1.2\npassword = ${secrets.password}\n"
    assert files.inputs["files"][INI]["secrets"] == {"password": "db_password"}
    assert files.inputs["files"][TOKEN]["secret"] == "api_token"
    values = files.inputs["secrets"]
    assert values == {"secret": SECRETS} or values == {key: {"secret": value} for key, value in SECRETS.items()}
    for registered in made.resources.values():
        assert not [value for value in SECRETS.values() if value in plain(registered)], registered.name
    for part in ("files", "files-in-use", "settled", "endpoints", "published-bridge"):
        assert made.named(f"{NAME}-{part}").secret_outputs == ("secrets",)
        assert made.named(f"{NAME}-{part}").inputs["secrets"] == values


def test_what_is_no_text_is_carried_too(run: RunProgram, config: dict[str, Any], nginx: dict[str, Any]) -> None:
    """Byte by byte, in base64."""
    nginx["files"]["/srv/icon.png"] = "files/icon.png"
    assert run(config).named(f"{NAME}-files").inputs["files"]["/srv/icon.png"]["base64"] == "iVBOR/8="


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("restart", "", [])),
        ({"reload": "hup"}, ("reload", "SIGHUP", [])),
        ({"reload": ["nginx", "-s", "reload"]}, ("reload", "", ["nginx", "-s", "reload"])),
        ({"files_change": "replace"}, ("replace", "", [])),
    ],
)
def test_what_a_change_does(
    run: RunProgram, config: dict[str, Any], nginx: dict[str, Any], given: dict[str, Any], expected: tuple[object, ...]
) -> None:
    """Where it replaces, the handover has the files' generation, which replaces the container when it is another one."""
    before = run(config)
    for part in ("settled", "published-bridge"):
        # None of its files has a secret.
        assert "secrets" not in before.named(f"{NAME}-{part}").inputs
        assert before.named(f"{NAME}-{part}").secret_outputs == ()
    nginx |= given
    made = run(config)
    inputs = made.named(f"{NAME}-files-in-use").inputs
    assert (inputs["change"], inputs["reload_signal"], inputs["reload_command"]) == expected
    handover = made.named(f"{NAME}-handover")
    assert handover.inputs.get("files_generation") == (1 if expected[0] == "replace" else None)
    assert handover.inputs["files_folder"] == FOLDER
    # What a change does is no reason to change what runs.
    assert made.named(NAME).replacement_trigger == before.named(NAME).replacement_trigger
    assert made.named(NAME).inputs == before.named(NAME).inputs


@pytest.mark.usefixtures("nginx")
def test_one_that_was_never_up_is_replaced_by_other_files(run: RunProgram, config: dict[str, Any]) -> None:
    """Its handover knows that the container in the state was not up, and which files it was created with."""

    def flags(made: Run, service: str) -> list[object]:
        hosts = ("docker-1", "docker-2")
        return [made.named(f"fabric-{host}-{service}-handover").inputs.get("files_unsettled") for host in hosts]

    proof = settled("docker-1", "nginx")
    proof["outputs"]["container_id"] = "c1"
    containers = {(f"docker-{number}", "nginx"): f"c{number}" for number in (1, 2)}
    state = read_state(state_of(containers, {}, more=[proof, settled("docker-2", "nginx")]))
    made = run(config, recorded=lambda _stack: state)
    assert flags(made, "nginx") == [None, True]
    assert made.named(f"{NAME}-handover").inputs["files_staged"] == 1
    assert flags(made, "centos") == [None, None]
    assert flags(run(config, preview=True), "nginx") == [None, None]


def test_a_container_without_files_has_no_new_input(
    run: RunProgram, config: dict[str, Any], nginx: dict[str, Any], reference: Run
) -> None:
    """The other services of the stack, and every service of a stack without files, are registered as before."""
    made = run(config)
    for host in ("docker-1", "docker-2"):
        for name in (f"fabric-{host}-centos", f"fabric-{host}-centos-handover", f"fabric-{host}-centos-settled"):
            assert made.named(name).inputs == reference.named(name).inputs
            assert made.named(name).dependencies == reference.named(name).dependencies
    del nginx["files"]
    assert run(config).resources == reference.resources
    assert not [each for each in reference.resources.values() if "files" in each.name or "Files" in each.type]


@pytest.mark.usefixtures("nginx")
def test_the_host_check_knows_of_files(run: RunProgram, config: dict[str, Any], reference: Run) -> None:
    """A host that gets files is asked whether its Docker has users of its own; another host is not asked again."""
    config["services"]["nginx"]["hosts"] = ["docker-1"]
    made = run(config)

    def asked(result: Run, host: str) -> Any:
        return json.loads(result.named(f"fabric-{host}-check").inputs["stdin"])["required"]

    assert asked(made, "docker-1") == {**asked(reference, "docker-1"), "with_files": ["nginx"]}
    assert "with_files" not in asked(made, "docker-2")


@pytest.mark.usefixtures("nginx")
def test_heal_names_both_resources(run: RunProgram, config: dict[str, Any]) -> None:
    """Among those of their container, by their complete names; a container without files has none."""
    planned = reference_plan().host("docker-1").container("nginx")
    with_files = replace(planned, files=FilesPlan(files=(), change="restart"))
    urns = Urns("test", "ipvlan-fabric")
    assert set(urns.of_files(with_files)) <= set(urns.of_container(with_files)) <= run(config).resources.keys()
    assert [urn.rpartition("::")[2] for urn in urns.of_files(with_files)] == [f"{NAME}-files", f"{NAME}-files-in-use"]
    assert urns.of_files(planned) == []


def test_files_of_a_container_with_bridges(run: RunProgram, config: dict[str, Any], nginx: dict[str, Any]) -> None:
    """They are staged before it is created, and compared when its endpoints have started it."""
    config["bridges"] = {"backend": {"name": "backend"}}
    nginx["bridges"] = ["backend"]
    # The hosts are asked for their bridges otherwise.
    made = run(config, preview=True)
    assert {f"{NAME}-endpoints", f"{NAME}-settled"} <= waits_for(made, f"{NAME}-files-in-use")
    assert {"fabric-docker-1-bridge-backend", f"{NAME}-files"} <= waits_for(made, f"{NAME}-handover")
