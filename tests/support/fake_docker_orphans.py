"""A substitute for a host's `docker` that has one container or network: `state.json` in the folder of its first argument.

It knows the command lines of `remove_orphan.sh` alone. That a real daemon answers them so is shown by tests/lab.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any


def main(folder: Path, arguments: list[str]) -> int:
    """Answer one command line; return the exit status."""
    with (folder / "calls").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(arguments) + "\n")
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    match arguments:
        case ["container" | "network", "inspect", "--format", template, which]:
            named = which in {state["name"], state["id"]} or state["id"].startswith(which)
            print(fill(template, state) if named else "")
            return 0 if named else 1
        case ["image", "inspect", "--format", _, _]:
            print(json.dumps({"Labels": state["image"], "Env": [f"A={state['name']}"]}))
            return 1 if state["image"] is None else 0
        case ["network", "ls", *_]:
            print(state["id"])
            return 0
        case ["ps", *_]:
            print("\n".join(state["users"]))
            return 0
        case ["container" | "network", "rm", *_]:
            return 1 if state["refuses"] else 0
    print(f"the substitute for docker does not know {arguments}", file=sys.stderr)
    return 2


def fill(template: str, state: dict[str, Any]) -> str:
    """Return the template's text, as Go's template package does."""
    is_container = ".Config" in template
    values = {
        "{{.Name}}": f"/{state['name']}" if is_container else state["name"],
        "{{.Id}}": state["id"],
        "{{.Image}}": "sha256:1",
        "{{.State.Status}}": state["status"],
        "{{.State.StartedAt}}": state["started"],
        "{{json .Config.Labels}}": json.dumps(state["labels"]),
        "{{json .Labels}}": json.dumps(state["labels"]),
    }
    for name, value in values.items():
        template = template.replace(name, value)
    return re.sub(
        r'\{\{eq \(index (?:\.Config)?\s*\.Labels "([^"]*)"\) "([^"]*)"\}\}',
        lambda found: str(state["labels"].get(found[1], "") == found[2]).lower(),
        template,
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
