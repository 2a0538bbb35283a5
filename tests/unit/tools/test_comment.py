"""What the comment of a pull request leaves out where it is too long, and what it never does."""

from __future__ import annotations

import pytest

from ipvlan.plan.powers import ContainerPower, Power
from ipvlan.problems import MOST_SHOWN, ConfigError, Problem
from tools.comment import LONGEST_COMMENT, Part, comment

SECTION = "### Dangerous settings: what new and changed containers may do"


def power(setting: str, value: str = "x", *, service: str = "s", is_new: bool = True) -> ContainerPower:
    """Return a power of a container on docker-1."""
    row = Power(setting=setting, value=value, meaning=f"what {setting} means")
    return ContainerPower(host="docker-1", service=service, power=row, is_new=is_new)


def part(stack: str, *powers: ContainerPower, rest: str = "") -> Part:
    """Return a part whose report is as `as_markdown` writes it."""
    rows = "".join(
        f"| {each.power.setting} | {each.power.value} | {each.host} | {each.service} | {each.power.meaning} |\n"
        for each in powers
    )
    section = f"{SECTION} ({len(powers)})\n\n{rows}\n" if powers else ""
    return Part(f"## Stack `{stack}`\n\n**Downtime.** more.\n\n{section}{rest}", stack=stack, powers=powers)


def flood(stack: str, setting: str = "sysctls", number: int = 199) -> Part:
    """Return a part with many long values."""
    return part(stack, *(power(setting, f"{'v' * 70}{count:03}") for count in range(number)))


def test_a_comment_that_is_too_long_keeps_what_is_dangerous() -> None:
    """Previews are left out first, then the topology and the tables; it says what, and how to see it."""
    rows = "| a | b |\n" * 2500
    long = part(
        "dev",
        power("privileged"),
        rest=f"### Replaced (3000)\n\n{rows}\n<details><summary>Topology</summary>\n{rows}</details>\n",
    )._replace(title="passed", preview="+ one\n  + line\n" * 9000)
    text, lost = comment([long] * 3)
    assert lost == 0
    assert len(text) <= LONGEST_COMMENT
    assert text.count(SECTION) == text.count("| privileged | x |") == 3
    assert "**Left out, there is no room: the topology.** `ipvlan report` prints it." in text
    assert "**Left out, there is no room: Replaced (3000).**" in text
    assert text.count("**Left out, there is no room:** run `pulumi preview --diff`") == 3
    one = comment([Part("## Stack `dev`\n", "passed", "+ one\n  + line\n" * 9000)]).text
    assert "... cut: " in one
    assert "more resources: run `pulumi preview --diff`\n```" in one


@pytest.mark.parametrize("setting", ["sysctls", "volumes"])
def test_a_flood_in_other_stacks_hides_nothing_dangerous(setting: str) -> None:
    """All stacks have one table: what is new first, then by danger; of one rank, each stack has its turn."""
    dev = part("dev", power("privileged", "true"), power("volumes", "/:/host"), power("ports", "80", is_new=False))
    text, lost = comment([dev, *(flood(f"zz{number}", setting) for number in range(3))])
    lines = text.splitlines()
    assert len(text) <= LONGEST_COMMENT
    assert lines[1] == "## Dangerous settings of all stacks, the most dangerous first (600)"
    assert lines[5].startswith("| new | dev | s | docker-1 | privileged | true |")
    assert lines[6].startswith("| new | dev | s | docker-1 | volumes | \\/:/host |")
    assert all(text.count(f"| new | zz{number} |") > 50 for number in range(3))
    assert lost == 600 - sum(line.startswith(("| new |", "| as before |")) for line in lines)
    assert f"**{lost} more have no room, so this job fails:**" in text
    for stack in ("dev", "zz0", "zz1", "zz2"):
        assert f"## Stack `{stack}`\n\n**Downtime.** more.\n" in text
    assert "in the table of all stacks, at the top" in text


def test_what_is_new_comes_before_what_was_there() -> None:
    """However dangerous the latter is."""
    before = part("a", *(power("privileged", f"{'v' * 70}{number}", is_new=False) for number in range(250)))
    text, lost = comment([before, part("b", power("sysctls", "net.x=1"))])
    assert text.splitlines()[5].startswith("| new | b | s | docker-1 | sysctls |")
    assert "| as before | a |" in text
    assert lost == 251 - text.count("\n| new |") - text.count("\n| as before |")


def test_a_row_that_the_report_has_no_room_for_is_in_the_common_table() -> None:
    """A table of a report ends after some rows; its later ones are not lost without a word."""
    text, lost = comment([part("a", *(power("sysctls", str(number)) for number in range(300)))])
    assert lost == 0
    assert text.count("| new | a | s | docker-1 | sysctls |") == 300


def test_errors_of_other_stacks_hide_nothing_dangerous() -> None:
    """Of a long error the beginning stays; where that has no room either, it goes before any section of a report."""
    problems = [
        Problem(code="IPF020", key=f"services.s.unknown{number}", value="1", problem="p" * 80, effect="e", fix="f" * 80)
        for number in range(MOST_SHOWN)
    ]
    error = str(ConfigError(problems))
    broken = Part("## Stack `bad`\n\n**The config cannot be used.**\n", error=error, failed=True)
    dev = part("dev", power("privileged", "true"), rest="### Replaced (1)\n\n| a |\n")
    assert "unknown99" in comment([dev, broken]).text
    for number in (4, 40):
        text, lost = comment([dev, *[broken] * number])
        assert len(text) <= LONGEST_COMMENT
        assert lost == 0
        assert "## Stack `dev`\n\n**Downtime.** more.\n" in text
        assert f"{SECTION} (1)\n\n| privileged | true | docker-1 |" in text
        assert "### Replaced (1)\n" in text
        assert text.count("**The config cannot be used.**") == number
    few = comment([dev, *[broken] * 4]).text
    assert few.count("characters more: run `ipvlan plan`\n```\n") in (2, 3)
    assert "**Left out, there is no room: why.** `ipvlan plan` prints it." in text


def test_hundreds_of_stacks_have_the_table_first() -> None:
    """Not even their names have room, and the comment says so; what is dangerous in the last of them is there."""
    parts = [part(f"{'n' * 50}{number}") for number in range(900)]
    text, lost = comment([*parts, part("last", power("privileged", "true"))])
    assert len(text) <= LONGEST_COMMENT
    assert lost == 0
    assert "| new | last | s | docker-1 | privileged | true |" in text
    assert "(cut: this is not all of it." in text
    summary = Part("## Stack `a`\n\nThe earlier state is wrong:\n\n- `x`: y\n" * 3000 + "\n**Downtime.** more.\n")
    assert comment([summary]).text.endswith("\n\n**Downtime.** more.\n")
