"""A substitute for systemctl: it runs the commands of a oneshot unit as systemd would.

Beside it are `units`, the folder of the units, and `calls`, what it was called with. That a real systemd behaves so is shown by
tests/lab.
"""

import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
UNITS = HERE / "units"


def main(arguments: list[str]) -> int:  # noqa: PLR0911  # a status for each command line
    """Act as systemctl would; return the exit status."""
    with (HERE / "calls").open("a") as calls:
        calls.write(" ".join(arguments) + "\n")
    words = [argument for argument in arguments if not argument.startswith("--")]
    match words:
        case ["daemon-reload"]:
            return 0
        case ["enable", unit]:
            link = wanted_link(unit)
            link.parent.mkdir(exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(UNITS / unit)
            return 0
        case ["disable", unit]:
            if not (UNITS / unit).exists():
                return 1
            wanted_link(unit).unlink(missing_ok=True)
            return 0
        case ["stop", unit]:
            active(unit).unlink(missing_ok=True)
            # What systemd no longer has the text of has no commands (after daemon-reload).
            return run(unit, "ExecStop") if (UNITS / unit).exists() else 0
        case ["reload-or-restart", unit]:
            if active(unit).exists():
                return run(unit, "ExecReload")
            status = run(unit, "ExecStart")
            if status == 0:
                active(unit).touch()
            return status
        case ["status", unit]:
            print(f"{unit}: failed")
            return 3
        case ["reset-failed", _]:
            return 1
    print(f"fake systemctl does not know: {arguments}", file=sys.stderr)
    return 64


def wanted_link(unit: str) -> Path:
    """Return what `enable` creates."""
    return UNITS / "multi-user.target.wants" / unit


def active(unit: str) -> Path:
    """Return what stands for a unit that was started."""
    return HERE / f"{unit}.active"


def run(unit: str, key: str) -> int:
    """Run the unit's commands of that kind; a `-` before one means that it may fail (systemd.service(5))."""
    for line in (UNITS / unit).read_text().splitlines():
        name, _, command = line.partition("=")
        if name != key:
            continue
        words = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(command.removeprefix("-"))]
        completed = subprocess.run(words, check=False, capture_output=command.startswith("-"))
        if completed.returncode != 0 and not command.startswith("-"):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
