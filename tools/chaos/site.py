"""The stack that the faults hit, and the edits of its file.

Two hosts, four services: `centos` and the published `nginx` on both; `app` on docker-1 with a file and a bridge network; `store` on
docker-2 with a volume. docker-1 has a shim. Beside them each host has a container, a network and a volume of others.
"""

from __future__ import annotations

import shutil
from typing import Any, Final

from lab.harness import HOSTS, ROOT, Stack

FIRST, SECOND = HOSTS
STACK_NAME: Final = "labtest-chaos"
"""Git ignores its file."""
FOLDER: Final = ROOT / "labtest-files" / "chaos"
FABRIC: Final = "ipvlanl2"
BACKEND: Final = "ipvlanl2-backend"
ADDRESSES: Final = {
    (host, service): f"10.1.{number}.{offset}"
    for number, (host, last) in enumerate(((FIRST, "app"), (SECOND, "store")), 1)
    for service, offset in (("centos", 1), ("nginx", 2), (last, 3))
}
"""Host and service -> the planned address, unless an edit has moved it."""
OTHERS_NAME: Final = "shop-web"


def configure(stack: Stack, images: dict[str, str]) -> None:
    """Give the stack its config, and write the file of `app`."""
    write_file(0)
    services = stack.config["services"]
    command = services["centos"]["command"]
    services["nginx"]["published"] = True
    stack.config["hosts"][FIRST]["shim"] = True
    stack.config["bridges"] = {"backend": {}}
    stack.config["volumes"] = {"data": {}}
    services["app"] = {
        "image": images["nginx"], "offset": 3, "hosts": [FIRST], "ports": ["8081:80"], "bridges": {"backend": {}},
        "files": {"/etc/app.txt": "labtest-files/chaos/app.txt"},
    }  # fmt: skip
    services["store"] = {
        "image": images["debian-init"], "command": command, "offset": 3, "hosts": [SECOND], "volumes": ["data:/data"],
    }  # fmt: skip


def write_file(number: int) -> None:
    """Write the file that `app` has."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "app.txt").write_text(f"number {number}\n", encoding="utf-8")


def remove_files() -> None:
    """Remove what `configure` wrote."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def edit(stack: Stack, name: str, number: int, images: dict[str, str]) -> None:
    """Change the config: one of `sequences.EDITS`; `number` makes it differ from the last such edit."""
    services: dict[str, Any] = stack.config["services"]
    app = services["app"]
    match name:
        case "env":
            services["nginx"]["environment"] = {"CHAOS": str(number)}
        case "image":
            new = "nginx" if services["nginx"]["image"] == images["nginx-next"] else "nginx-next"
            services["nginx"]["image"] = images[new]
        case "address":
            app["addresses"] = {FIRST: f"10.1.1.{30 + number % 100}"}
        case "file":
            write_file(number)
        case "publish":
            app["published"] = not app.get("published", False)
        case "service":
            if services.pop("extra", None) is None:
                services["extra"] = {"image": images["nginx"], "offset": 9, "environment": {"CHAOS": str(number)}}
        case "alias":
            app["bridges"] = {"backend": {"aliases": [f"app{number}"]}}
        case _:
            raise ValueError(name)
    stack.write()


def planned_address(stack: Stack, host: str, service: str) -> str:
    """Return the address that the config has for a container."""
    moved: dict[str, str] = stack.config["services"][service].get("addresses", {})
    return moved.get(host, ADDRESSES[host, service])
