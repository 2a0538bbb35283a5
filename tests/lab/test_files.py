"""Files of the project in containers: what is in them, what a change does, what a failed one does, drift, and what is left.

The tests share one stack; each goes on from the one before. `web` reloads, `app` is restarted, `job` is replaced.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, ROOT, Lab, Stack, new_stack
from tests.support.lab_commands import assert_as_planned, differences, image_of, ipvlan

pytestmark = pytest.mark.steps

HOST = HOSTS[0]
FOLDER = ROOT / "labtest-files"
"""Sources are below the project's folder; git ignores this one."""
PASSWORD, TOKEN, NEW_TOKEN = "hunter2-files", "correct-horse", "battery-staple"  # of a disposable stack
PLACE = "/var/lib/ipvlan-fabric"


def site(text: str) -> str:
    """Return a site of nginx that answers with the text and the name that was asked for."""
    return f'server {{ listen 8080; location / {{ return 200 "{text} $host\\n"; }} }}\n'


INFO = """\
here ${service.address} on ${host.name}
all ${addresses.web.*}
password ${secrets.password}
not ours ${HOME} $${service.name}
"""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files in the project's folder, to change, and the stack."""

    stack: Stack

    def write(self, name: str, text: str) -> None:
        """Write one of them."""
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def files(lab: Lab) -> Iterator[Sources]:
    """Bring three services with files up; at the end nothing of them is on the hosts."""
    before = {host: lab.footprint(host) for host in HOSTS}
    with new_stack(lab) as stack:
        sources = Sources(stack)
        sources.write("conf.d/site.conf", site("one"))
        sources.write("info.txt", INFO)
        sources.write("app.txt", "one\n")
        sources.write("job.txt", "one\n")
        stack.set_secret("db-password", PASSWORD)
        stack.set_secret("api-token", TOKEN)
        nginx, init = image_of(stack, "nginx"), image_of(stack, "centos")
        command = stack.config["services"]["centos"]["command"]
        stack.config["services"] = {
            "web": {
                "image": nginx, "offset": 2, "ports": ["80:8080"], "published": True, "reload": ["nginx", "-s", "reload"],
                "files": {
                    "/etc/nginx/conf.d/": "labtest-files/conf.d/",
                    "/etc/app/info.txt": {
                        "source": "labtest-files/info.txt", "template": True, "secrets": {"password": "db-password"},
                        "owner": "33:33", "mode": "0440",
                    },
                    "/etc/app/token": {"secret": "api-token"},
                },
            },
            "app": {
                "image": init, "command": command, "offset": 3, "hosts": [HOST], "read_only": True,
                "tmpfs": ["/run"], "files": {"/etc/app.txt": "labtest-files/app.txt"},
            },
            "job": {
                "image": init, "command": command, "offset": 4, "hosts": [HOST], "files_change": "replace",
                "files": {"/etc/job.txt": "labtest-files/job.txt"},
            },
        }  # fmt: skip
        try:
            stack.up(timeout=600)
            yield sources
        finally:
            shutil.rmtree(FOLDER)
    assert {host: lab.footprint(host) for host in HOSTS} == before
    assert {host: lab.ssh(host, f"ls -A {PLACE} 2>/dev/null || true") for host in HOSTS} == dict.fromkeys(HOSTS, "")


def lives(lab: Lab, host: str = HOST) -> dict[str, tuple[str, str]]:
    """Return name -> id and time of the start."""
    documents = json.loads(lab.ssh(host, "docker ps -q | xargs docker inspect"))
    return {each["Name"].removeprefix("/"): (each["Id"], each["State"]["StartedAt"]) for each in documents}


def page(lab: Lab, host: str = HOST) -> str:
    """Return what a client of the LAN gets at the published port of `web`."""
    return lab.exec("curl", "-s", "-m", "5", "-H", "Host: x", f"http://{ADDRESSES[host]}/", check=False).stdout.strip()


def content(lab: Lab, name: str, path: str, host: str = HOST) -> str:
    """Return a file as the container sees it."""
    return lab.ssh(host, f"docker exec {name} cat {path}").strip()


def no_secret(*texts: str) -> None:
    """Assert that no text has the value of a secret."""
    for text in texts:
        for value in (PASSWORD, TOKEN, NEW_TOKEN):
            assert value not in text


def test_they_are_in_the_containers(lab: Lab, files: Sources) -> None:
    """With the plan's addresses and the secrets, owner and mode; no output and no state has a secret in plaintext."""
    for number, host in enumerate(HOSTS, 1):
        assert page(lab, host) == "one x"
        assert content(lab, "web", "/etc/app/info.txt", host).splitlines() == [
            f"here 10.1.{number}.2 on {host}",
            "all 10.1.1.2",
            "all 10.1.2.2",
            f"password {PASSWORD}",
            "not ours ${HOME} ${service.name}",
        ]
        assert content(lab, "web", "/etc/app/token", host) == TOKEN
        stat = lab.ssh(host, "docker exec web stat -c '%a %u:%g' /etc/app/info.txt /etc/app/token").split("\n")
        assert stat[:2] == ["440 33:33", "400 0:0"]
        assert lab.ssh(host, f"stat -c '%a %U' {PLACE} {PLACE}/*").split("\n")[:2] == ["700 root", "700 root"]
    assert content(lab, "app", "/etc/app.txt") == "one"
    exported = files.stack.pulumi("stack", "export").stdout
    preview = files.stack.pulumi("preview", "--diff").stdout
    no_secret(exported, preview, files.stack.file.read_text(encoding="utf-8"))
    assert_as_planned(files.stack)


def test_a_reload_keeps_the_container(lab: Lab, files: Sources) -> None:
    """The preview has the changed lines; each file is new in the container, twice, and its id and start are as before."""
    before = {host: lives(lab, host) for host in HOSTS}
    for text in ("two", "three"):
        files.write("conf.d/site.conf", site(text))
        files.write("info.txt", f"{text}\n{INFO}")
        shown = files.stack.pulumi("preview", "--diff").stdout
        assert f"{text} $host" in shown
        no_secret(shown)
        done = files.stack.up("--diff")
        no_secret(done.stdout + done.stderr)
        for host in HOSTS:
            assert page(lab, host) == f"{text} x"
            assert content(lab, "web", "/etc/app/info.txt", host).startswith(f"{text}\nhere")
            assert lives(lab, host) == before[host]
    files.stack.set_secret("api-token", NEW_TOKEN)
    files.stack.up()
    assert content(lab, "web", "/etc/app/token") == NEW_TOKEN
    assert lives(lab) == before[HOST]
    assert_as_planned(files.stack)


def test_a_broken_file_is_taken_back(lab: Lab, files: Sources) -> None:
    """`up` fails with what the command says, the old file answers all the time, and the same bytes fail again at once."""
    before = {host: lives(lab, host) for host in HOSTS}
    files.write("conf.d/site.conf", "server { nonsense; }\n")
    failed = files.stack.up(check=False)
    assert failed.returncode != 0
    assert "IPF814" in failed.stdout + failed.stderr
    assert "nonsense" in failed.stdout + failed.stderr
    began = time.monotonic()
    again = files.stack.up(check=False)
    took = time.monotonic() - began
    assert (again.returncode != 0, "IPF818" in again.stdout + again.stderr) == (True, True), (took, again.stdout)
    for host in HOSTS:
        assert page(lab, host) == "three x"
        assert lives(lab, host) == before[host]
    files.write("conf.d/site.conf", site("four"))
    files.stack.up()
    assert {page(lab, host) for host in HOSTS} == {"four x"}
    assert_as_planned(files.stack)


def test_restart_and_replace(lab: Lab, files: Sources) -> None:
    """Without `reload` the container is started again with the same id; with `files_change: replace` it is another one."""
    before = lives(lab)
    files.write("app.txt", "two\n")
    files.write("job.txt", "two\n")
    files.stack.up()
    after = lives(lab)
    assert content(lab, "app", "/etc/app.txt") == content(lab, "job", "/etc/job.txt") == "two"
    assert after["app"][0] == before["app"][0]
    assert after["app"][1] != before["app"][1]
    assert after["job"][0] != before["job"][0]
    assert after["web"] == before["web"]
    files.stack.assert_unchanged()


def test_a_restored_container_has_its_files(lab: Lab, files: Sources) -> None:
    """Where the replacement does not come up the previous container runs again, with the file that it had."""
    job = files.stack.config["services"]["job"]
    good, job["command"] = job["command"], ["false"]
    files.write("job.txt", "three\n")
    failed = files.stack.up(check=False, timeout=400)
    assert failed.returncode != 0
    assert content(lab, "job", "/etc/job.txt") == "two"
    job["command"] = good
    files.stack.up(timeout=400)
    assert content(lab, "job", "/etc/job.txt") == "three"
    assert_as_planned(files.stack)


def test_a_first_file_that_is_broken(lab: Lab, files: Sources) -> None:
    """`up` fails, as the container does not come up; with another file the next one succeeds."""
    services = files.stack.config["services"]
    files.write("late.txt", "bad\n")
    services["late"] = {
        "image": services["job"]["image"], "offset": 5, "hosts": [HOST], "restart": "no",
        "command": ["sh", "-c", 'grep -q good /etc/late.txt && exec /usr/sbin/init'],
        "files": {"/etc/late.txt": "labtest-files/late.txt"},
    }  # fmt: skip
    failed = files.stack.up(check=False, timeout=400)
    assert failed.returncode != 0
    assert "late" in failed.stdout + failed.stderr
    files.write("late.txt", "good\n")
    files.stack.up(timeout=400)
    assert content(lab, "late", "/etc/late.txt") == "good"
    del services["late"]
    files.stack.up()


def test_an_edit_on_the_host_is_drift(lab: Lab, files: Sources) -> None:
    """It is named, as root sees it, and `heal` puts the planned bytes back."""
    folder = f"{PLACE}/*/{HOST}"
    lab.ssh(
        HOST,
        f"echo edited >> $(ls -d {folder}/web/live/info.txt.*); sed -i s/three/edited/ {folder}/job/live/job.txt.*",
    )
    found = {(name, service) for name, host, service in differences(lab)}
    assert {("file-different", "web"), ("file-different", "job")} <= found
    healed = ipvlan(lab, "heal", "--yes", timeout=400)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert "edited" not in content(lab, "web", "/etc/app/info.txt") + content(lab, "job", "/etc/job.txt")
    assert_as_planned(files.stack)


def test_a_service_without_files_leaves_none(lab: Lab, files: Sources) -> None:
    """Where a service has no files any more its folder is gone; others keep theirs."""
    services: dict[str, Any] = files.stack.config["services"]
    del services["app"]["files"]
    files.stack.up()
    left = lab.ssh(HOST, f"ls {PLACE}/*/{HOST}").split()
    assert sorted(left) == ["job", "web"]
    folders = [Path(line).name for line in lab.ssh(HOST, f"ls -d {PLACE}/*").split()]
    assert len(folders) == 1
