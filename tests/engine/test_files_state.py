"""Files and FilesInUse under the real engine: what the state and a preview have of texts and of secrets. No host answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_plugin_engine import Project

PROGRAM = """
import json, os, pulumi

class Own(pulumi.CustomResource):
    generation: pulumi.Output[int]

given = json.loads(os.environ["BRIDGES"])
handle = pulumi.ProviderResource("ipvlan-fabric", "handle", {"connections": os.environ["CONNECTIONS"]})
opts = pulumi.ResourceOptions(provider=handle, additional_secret_outputs=["secrets"])
secrets = {key: pulumi.Output.secret(value) for key, value in given.get("secrets", {}).items()}
if "files" in given:
    files = Own("ipvlan-fabric:index:Files", "files", {**given["files"], "generation": None, "secrets": secrets}, opts)
    in_use = {**given["in_use"], "generation": files.generation, "secrets": secrets}
    Own("ipvlan-fabric:index:FilesInUse", "in-use", in_use, opts)
"""
NO_HOST = ["/bin/sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"]
INI, TOKEN = "/etc/app/db.ini", "/run/secrets/token"
TEXT = "host = 10.1.1.2\npassword = ${secrets.password}\nport = 5432\n"
SECRETS = {"db_password": "correct-horse", "api_token": "battery-staple"}
COMMON: dict[str, Any] = {
    "host": "docker-1",
    "ssh": NO_HOST,
    "service": "app",
    "container": "app",
    "image": "app:1",
    "owner": "0123456789abcdef/docker-1/app",
}
MODE = {"path": "", "owner": "0:0", "mode": "0400"}
FILES: dict[str, Any] = {
    **COMMON,
    "files": {
        INI: {**MODE, "slot": "db.ini.1", "text": TEXT, "secrets": {"password": "db_password"}},
        TOKEN: {**MODE, "slot": "token.2", "secret": "api_token"},
    },
    "userns_host": False,
    "drifted": [],
}
IN_USE: dict[str, Any] = {
    **COMMON,
    "healthy_within": 60,
    "on_failure": "restore",
    "container_id": "c" * 64,
    "mounts": {INI: "db.ini.1", TOKEN: "token.2"},
    "change": "reload",
    "reload_signal": "SIGHUP",
    "reload_command": [],
    "ports": [],
    "secret_names": [],
    "stop_seconds": 10,
}
SECRET_SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
"""What marks a secret in a state (sdk/go/common/resource, SigKey and SecretSig); an import encrypts its plaintext."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose state has the two resources, as an `up` on a host writes them."""
    made = Project(tmp_path)
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    made.up()
    state = json.loads(made.pulumi("stack", "export", "--stack", "dev"))
    resources = state["deployment"]["resources"]
    (handle,) = (entry for entry in resources if entry["type"] == "pulumi:providers:ipvlan-fabric")
    stack = next(entry["urn"] for entry in resources if entry["type"] == "pulumi:pulumi:Stack")
    secrets = {"secrets": {**SECRET_SIGNATURE, "plaintext": json.dumps(SECRETS)}}
    staged = {"folder": f"/var/lib/ipvlan-fabric/{COMMON['owner']}", "generation": 1, "digests": {INI: "a", TOKEN: "b"}}
    for kind, name, inputs, outputs in (
        ("Files", "files", FILES, staged),
        ("FilesInUse", "in-use", {**IN_USE, "generation": 1}, {}),
    ):
        resources.append(
            {
                "urn": f"urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:index:{kind}::{name}",
                "custom": True,
                "id": "docker-1/app",
                "type": f"ipvlan-fabric:index:{kind}",
                "inputs": inputs | secrets,
                "outputs": inputs | secrets | outputs,
                "parent": stack,
                "provider": f"{handle['urn']}::{handle['id']}",
                "additionalSecretOutputs": ["secrets"],
            }
        )
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    made.pulumi("stack", "import", "--stack", "dev", "--file", str(tmp_path / "state.json"))
    (tmp_path / "state.json").unlink()
    return made


def given(*, secrets: dict[str, str] | None = None, text: str = TEXT, **changes: Any) -> dict[str, Any]:
    """Return what the program declares."""
    ini = {**FILES["files"][INI], "text": text}
    files = {**FILES, "files": {**FILES["files"], INI: ini}, **changes}
    return {"files": files, "in_use": {**IN_USE, **changes}, "secrets": secrets or SECRETS}


def recorded(project: Project, *secrets: str) -> dict[str, dict[str, Any]]:
    """Return the outputs of both resources; no secret is in the state in plaintext."""
    state = project.deployment()
    text = json.dumps(state)
    assert not [secret for secret in (*SECRETS.values(), *secrets) if secret in text]
    found = {entry["type"].rpartition(":")[2]: entry["outputs"] for entry in state["resources"] if "outputs" in entry}
    for kind in ("Files", "FilesInUse"):
        assert set(found[kind]["secrets"]) >= {"ciphertext"}
    return found


def test_texts_are_readable_and_secrets_are_not(project: Project) -> None:
    """After an update that needs no host, a preview of other lines and of another secret, and an `up` that fails."""
    assert "unchanged" in project.up(bridges=given())
    before = recorded(project)
    assert before["Files"]["files"][INI]["text"] == TEXT
    printed = project.up(bridges=given(image="app:2"))
    assert "files updated" in printed
    assert recorded(project)["Files"]["image"] == "app:2"
    assert recorded(project)["Files"]["generation"] == 1
    other = {**SECRETS, "db_password": "hunter-two-hunter"}
    change = given(image="app:2", text=TEXT.replace("5432", "5433"), secrets=other)
    preview = project.pulumi("preview", "--stack", "dev", "--diff", bridges=change)
    lines = [line.strip() for line in preview.splitlines()]
    assert any(line.startswith("-") and "port = 5432" in line for line in lines), preview
    assert any(line.startswith("+") and "port = 5433" in line for line in lines), preview
    # Known without a host: so a preview shows what other files do.
    assert any(line.startswith("~ generation") and "1 => 2" in line for line in lines), preview
    printed = project.up(status=1, bridges=change)
    assert "No route to host" in printed
    assert recorded(project, "hunter-two-hunter")["Files"]["files"][INI]["text"] == TEXT
    for shown in (preview, printed):
        for secret in (*SECRETS.values(), "hunter-two-hunter"):
            assert secret not in shown
