"""`make pr-preview` over a real git history, with the real Pulumi and no host. Needs the toolchain, not the lab's hosts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.projects import ROOT, commit_all, git
from tools.reference_setup import CIPHER, STACK_TEXT

SALT = "encryptionsalt: v1:Y+p1Ie4x3lk=:v1:OCIJ6iWFKPljilXb:xTgxB6rOgm/9GqaqFea3lbbWwwqsOw==\n"
NGINX = STACK_TEXT[STACK_TEXT.index("    nginx:\n") :]
BEFORE = SALT + STACK_TEXT.replace(
    "  ipvlan-fabric:services:\n", f"  ipvlan-fabric:token:\n    secure: {CIPHER}\n  ipvlan-fabric:services:\n"
).replace("      offset: 1\n", "      offset: 1\n      secret_environment: {TOKEN: token}\n")
ADDED = BEFORE + NGINX.replace("nginx", "web").replace("offset: 2", "offset: 3").replace("80:80", "81:80")
MOVED = ADDED.replace("10.1.2.0/24", "10.1.7.0/24")
SWITCHED = MOVED.replace("published: true", "published: false", 1)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that has the project's program and one stack, with three changes of that stack."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("ipvlan", "components", "provider"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__main__.py", "Pulumi.yaml", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    for tag, text in (("before", BEFORE), ("added", ADDED), ("moved", MOVED), ("switched", SWITCHED)):
        (folder / "Pulumi.here.yaml").write_text(text)
        commit_all(folder, tag)
        git(folder, "tag", tag)
    return folder


def preview(project: Path, base: str, head: str) -> str:
    """Return the comment of a pull request from one commit to another, as the Makefile writes it."""
    git(project, "checkout", "--quiet", head)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    done = subprocess.run(
        ["toolchain/run", ".venv/bin/python", "-m", "tools.pr_preview", "--base", base, "--project", str(project)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert CIPHER not in done.stdout
    return done.stdout


def differing(comment: str) -> list[str]:
    """Return the lines of the comment that name a resource that differs in the preview."""
    block = comment.partition("<code>pulumi preview</code>")[2]
    return [line for line in block.splitlines() if line.startswith(("+ ", "- ", "~ "))]


def test_a_service_added(project: Path) -> None:
    """The report names its containers, addresses and ports; the preview has its resources and no others."""
    comment = preview(project, "before", "added")
    assert "**No downtime.** containers: 2 new." in comment
    assert "| docker-1 | web | 10.1.1.3 |" in comment
    assert "| docker-2 | web | 192.168.140.201 81:80 | publish |" in comment
    resources = differing(comment)
    assert "+ docker:index/container:Container fabric-docker-1-web" in resources
    assert "+ docker:index/container:Container fabric-docker-2-web" in resources
    assert [line for line in resources if "centos" in line or "nginx" in line.replace("image-nginx", "")] == []


def test_a_slice_moved(project: Path) -> None:
    """The report says downtime for that host's containers; the preview shows its network and containers with new inputs."""
    comment = preview(project, "added", "moved")
    assert "**Downtime.** containers: 3 replaced. hosts: docker-2: replace network." in comment
    resources = differing(comment)
    assert "~ docker:index/network:Network fabric-docker-2-network" in resources
    containers = {line.rpartition(" ")[2] for line in resources if "Container " in line}
    assert containers == {"fabric-docker-2-centos", "fabric-docker-2-nginx", "fabric-docker-2-web"}
    assert '  - networksAdvanced[].ipv4Address: "10.1.2.2"' in comment
    assert '  + networksAdvanced[].ipv4Address: "10.1.7.2"' in comment


def test_a_published_flag_switched(project: Path) -> None:
    """The report says that nothing is recreated; the preview loses the connections and keeps every container."""
    comment = preview(project, "moved", "switched")
    assert (
        "**No container is stopped; connections over a bridge end.** containers: 2 detached from a bridge." in comment
    )
    resources = differing(comment)
    assert not any("Container " in line or "Network " in line for line in resources)
    assert any(line.startswith("- ") and "nginx-published" in line for line in resources)


def test_a_broken_config_is_shown_in_the_comment(project: Path) -> None:
    """A pull request whose config is wrong gets the list of problems as its comment, and the job fails."""
    git(project, "checkout", "--quiet", "before")
    path = project / "Pulumi.here.yaml"
    path.write_text(BEFORE.replace("offset: 2", "offset: 1"))
    try:
        done = subprocess.run(
            [
                "toolchain/run",
                ".venv/bin/python",
                "-m",
                "tools.pr_preview",
                "--base",
                "before",
                "--project",
                str(project),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        path.write_text(BEFORE)
    assert done.returncode == 1
    assert "centos on docker-1 and nginx on docker-1 have one address" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
