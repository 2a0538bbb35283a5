"""The commands in `lab/`. Each prints progress on standard error and results on standard output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from lab import apt, client, containerimage, hosts, network, nfs, process, services, stackfile
from lab.errors import LabError
from lab.lock import lock
from lab.run import attempt, say, step
from lab.settings import CHECKOUT, NAMESPACES, ROLES, Settings, check_gateway, from_environment, role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

_RECORD = "lab.json"
"""Written last by `up`: the suites of the hosts. While it exists, the lab was complete once."""


def main(command: Callable[[Settings, Sequence[str]], int]) -> int:
    """Run a command with the arguments of the command line; an expected failure is one readable message and exit status 1."""
    try:
        return command(_current(from_environment()), sys.argv[1:])
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; lab/up cleans up and starts again", file=sys.stderr)
        return 130


def up(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/up`: start the lab; return at once if it runs already."""
    _no_arguments(argv)
    _need_root()
    with _locked(settings):
        if _complete(settings):
            off = [host for host in ROLES if not process.running(settings.state / f"{host.name}.pid")]
            if off:
                with step(f"booting {', '.join(host.name for host in off)}, switched off before"):
                    hosts.boot(settings, off)
            _stack(settings)
            return 0
        apt.install_missing()
        if settings.state.exists() or any_namespace(settings):
            say(f"lab {settings.name} is incomplete (crashed, or interrupted): it is removed and started again")
        _remove(settings)
        settings.state.mkdir(parents=True)
        hosts.sockets(settings).mkdir(parents=True, exist_ok=True)
        images, keys = _built(settings)
        with step(f"lab {settings.name}: network, registry, hosts"):
            network.create(settings)
            client.prepare(settings, keys)
            services.start(settings, images / "registry")
            hosts.start(settings)
            services.wait_for_registry(settings)
        (settings.state / _RECORD).write_text(json.dumps({"suites": dict(settings.suites)}), encoding="utf-8")
        references = containerimage.references(images)
        for path in (CHECKOUT / "Pulumi.dev.yaml", *sorted((CHECKOUT / "examples").glob("*.yaml"))):
            for line in stackfile.follow(path, references):
                say(line)
        _stack(settings)
    return 0


def build(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/build`: install and build what the lab needs, into the caches; start nothing. It needs neither Pulumi nor `.venv`."""
    _no_arguments(argv)
    _need_root()
    with _locked(settings):
        if not _complete(settings):
            apt.install_missing()
            _built(settings)
    return 0


def down(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/down`: remove hosts, namespaces, processes, disks and the lab's stack state; keep the caches."""
    _no_arguments(argv)
    _need_root()
    with _locked(settings):
        _remove(settings)
    return 0


def clean(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/clean`: remove this lab, as `lab/down` does, and the lab's caches."""
    down(settings, argv)
    shutil.rmtree(settings.cache, ignore_errors=True)
    parent = settings.state.parent
    if parent.is_dir() and not any(path for path in parent.iterdir() if path.suffix != ".lock"):
        shutil.rmtree(parent)
    return 0


def status(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/status`: print a line per part; exit status 0 if all of them run."""
    _no_arguments(argv)
    complete = _complete(settings)
    print(f"lab {settings.name}: {'up' if complete else 'down'}  ({settings.state})")
    for host in ROLES:
        pid = process.running(settings.state / f"{host.name}.pid")
        print(
            f"  {host.name:14} {host.address:16} {settings.suites[host.name]:9} {f'running, pid {pid}' if pid else 'off'}"
        )
    for name in services.NAMES:
        pid = process.running(settings.state / f"{name}.pid")
        print(f"  {name:41} {f'running, pid {pid}' if pid else 'off'}")
    return 0 if complete and all(process.running(settings.state / f"{host.name}.pid") for host in ROLES) else 1


def ssh(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/ssh HOST COMMAND...`: run a command on docker-1, docker-2 or the router; without a command, a shell."""
    if not argv:
        raise LabError("usage: lab/ssh docker-1|docker-2|router [COMMAND...]")
    _need_up(settings)
    name, *command = argv
    if name == "router":
        return _become(["ip", "netns", "exec", settings.namespace("router"), *(command or ["bash"])], dict(os.environ))
    return _become(client.command(settings, ["ssh", role(name).name, *command]), dict(os.environ))


def execute(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/exec COMMAND...`: run a command in the client, where the hosts can be reached, with the stack's environment."""
    if not argv:
        raise LabError("usage: lab/exec COMMAND...")
    _need_up(settings)
    return _become(client.command(settings, argv), client.environment(settings))


def power(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/power HOST off|on|cut|reboot`: switch a host and wait; after on and reboot Docker answers."""
    actions = ("off", "on", "cut", "reboot")
    if len(argv) != 2 or argv[1] not in actions:
        raise LabError(f"usage: lab/power HOST {'|'.join(actions)}")
    _need_up(settings)
    with _locked(settings):
        hosts.power(settings, role(argv[0]).name, argv[1])
    return 0


def router_gateway(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/router-gateway on|off [ADDRESS/PREFIX]`: give the router the fabric's gateway, by default 10.1.0.1/16, or take it."""
    if not 1 <= len(argv) <= 2 or argv[0] not in {"on", "off"}:
        raise LabError("usage: lab/router-gateway on|off [ADDRESS/PREFIX]")
    _need_up(settings)
    address = argv[1] if len(argv) == 2 else settings.fabric_gateway or "10.1.0.1/16"
    check_gateway(address)
    network.router_gateway(settings, address, on=argv[0] == "on")
    return 0


def router_nfs(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/router-nfs on|off`: let the router export /export by NFS 4; prints the folder of this machine that it exports."""
    if len(argv) != 1 or argv[0] not in {"on", "off"}:
        raise LabError("usage: lab/router-nfs on|off")
    _need_up(settings)
    if argv[0] == "on":
        print(nfs.start(settings))
    else:
        nfs.end(settings)
    return 0


def router_routes(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/router-routes on|off`: add the routes on standard input (`ipvlan plan --routes`) to the router, or remove them."""
    if len(argv) != 1 or argv[0] not in ("on", "off"):
        raise LabError(
            "usage: lab/router-routes on|off < ROUTES, one `ip route replace DESTINATION via ADDRESS` per line"
        )
    _need_up(settings)
    network.router_routes(settings, sys.stdin.read(), on=argv[0] == "on")
    return 0


def images(settings: Settings, argv: Sequence[str]) -> int:
    """`lab/images`: print a line `name reference@digest` per image of the lab's registry."""
    _no_arguments(argv)
    for name, reference in containerimage.references(containerimage.images(settings)).items():
        print(name, reference)
    return 0


def any_namespace(settings: Settings) -> bool:
    """Return whether a namespace of this lab exists, of a lab that runs or crashed."""
    return any(os.path.exists(f"/run/netns/{settings.namespace(part)}") for part in NAMESPACES)  # noqa: PTH110


def _current(settings: Settings) -> Settings:
    record = settings.state / _RECORD
    if not record.is_file():
        return settings
    suites = json.loads(record.read_text(encoding="utf-8"))["suites"]
    if os.environ.get("LAB_SUITE") and suites != settings.suites and _complete(settings):
        raise LabError(
            f"lab {settings.name} runs {', '.join(suites.values())}, LAB_SUITE asks for {os.environ['LAB_SUITE']}: "
            "run lab/down first, or set LAB_NAME to give the other lab a name of its own"
        )
    return replace(settings, suites=suites)


def _complete(settings: Settings) -> bool:
    if not (settings.state / _RECORD).is_file() or not network.exists(settings) or not services.running(settings):
        return False
    return all(
        process.running(settings.state / f"{host.name}.pid") or (settings.state / f"{host.name}.off").exists()
        for host in ROLES
    )


def _built(settings: Settings) -> tuple[Path, dict[str, str]]:
    """Return the folder of the container images, and the hosts' public keys; build both that are missing, side by side.

    One mostly waits for the Debian archive while the other unpacks.
    """
    with ThreadPoolExecutor(1) as pool:
        images = pool.submit(containerimage.images, settings)
        keys = hosts.host_keys(settings)
        return images.result(), keys


def _remove(settings: Settings) -> None:
    hosts.end(settings)
    services.end(settings)
    nfs.end(settings)
    network.remove(settings)
    shutil.rmtree(settings.state, ignore_errors=True)


def _stack(settings: Settings) -> None:
    marker = settings.state / "stack"
    environment = client.environment(settings)
    if (
        marker.exists()
        or not (CHECKOUT / "Pulumi.yaml").is_file()
        or not shutil.which("pulumi", path=environment["PATH"])
    ):
        return
    done = attempt(
        ["pulumi", "stack", "select", "--create", client.STACK, "--non-interactive"],
        environment=environment,
        cwd=CHECKOUT,
    )
    if done.returncode != 0:
        raise LabError(f"pulumi stack select --create {client.STACK}: {done.stderr.strip() or done.stdout.strip()}")
    marker.touch()


def _become(command: Sequence[str], environment: dict[str, str]) -> int:
    os.execvpe(command[0], list(command), environment)  # noqa: S606  # an argument list needs no shell


def _locked(settings: Settings) -> AbstractContextManager[None]:
    return lock(settings.state.parent / f"{settings.name}.lock")


def _need_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab creates network namespaces and disks: run it as root")


def _need_up(settings: Settings) -> None:
    if not network.exists(settings) or not (settings.state / _RECORD).is_file():
        raise LabError(f"lab {settings.name} is not up: run lab/up")


def _no_arguments(argv: Sequence[str]) -> None:
    if argv:
        raise LabError(f"{argv[0]}: this command takes no arguments; LAB_NAME and LAB_SUITE are environment variables")
