"""No subcommand and no error prints a secret, or a value that could be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError
from tests.support.projects import commit_all, ipvlan, write_project
from tools.reference_setup import CIPHER, STACK_TEXT

CLEAR = "correct-horse-battery-staple"
WITH_SECRET = (
    STACK_TEXT
    + "      secret_environment: {TOKEN: api-token}\n"
    + f"      environment: {{PASSWORD: {CLEAR}}}\n"
    + f"  ipvlan-fabric:api-token:\n    secure: {CIPHER}\n"
)


def printed(folder: Path) -> str:
    """Return everything that the subcommands without hosts print about the stack."""
    calls = (
        ["plan"],
        ["plan", "--json"],
        ["plan", "--at", "10.1.1.2"],
        ["allocate"],
        ["allocate", "--json"],
        ["report", "--base", "HEAD~1"],
        ["report", "--base", "HEAD~1", "--json"],
    )
    return "".join(done.stdout + done.stderr for done in (ipvlan(folder, *arguments) for arguments in calls))


def test_commands_print_no_secret(tmp_path: Path) -> None:
    """Neither the encrypted secret nor a value of `environment` is in any output; the secret's name is."""
    path = write_project(tmp_path, WITH_SECRET.replace(CIPHER, CIPHER[:-6]).replace(CLEAR, "tr0ub4dor"))
    commit_all(tmp_path, "before")
    path.write_text(WITH_SECRET)
    commit_all(tmp_path, "after")
    output = printed(tmp_path)
    assert "TOKEN" in output
    assert "secret api-token has a new value" in output
    for text in (CIPHER, CIPHER.split(":")[2], CLEAR, "tr0ub4dor"):
        assert text not in output


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (WITH_SECRET.replace(f"\n    secure: {CIPHER}", f" {CLEAR}"), "ipvlan-fabric:api-token"),
        (
            WITH_SECRET.replace(f"PASSWORD: {CLEAR}", f"PASSWORD: {{secure: {CIPHER}}}"),
            "services.nginx.environment.PASSWORD",
        ),
        (WITH_SECRET.replace(f"PASSWORD: {CLEAR}", f"PASSWORD: [{CLEAR}]"), "services.nginx.environment.PASSWORD"),
        (WITH_SECRET.replace(f"{{PASSWORD: {CLEAR}}}", CLEAR), "services.nginx.environment"),
        (WITH_SECRET.replace("TOKEN: api-token", "TOKEN: api-tokem"), "services.nginx.secret_environment.TOKEN"),
    ],
    ids=["in plaintext", "encrypted inside the map", "a list", "no map", "a name that is not set"],
)
def test_errors_print_no_secret(tmp_path: Path, text: str, key: str) -> None:
    """A message about a secret names its key and never its value."""
    write_project(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_stack("dev", tmp_path)
    assert [problem.key for problem in refused.value.problems] == [key]
    assert CLEAR not in str(refused.value)
    assert CIPHER not in str(refused.value)
