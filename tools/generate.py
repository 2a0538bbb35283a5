"""Writes what is generated from the code: JSON Schemas, tables of the docs, docs/bad-input.md, docs/errors.md, pictures.

`python -m tools.generate` writes, `python -m tools.generate --check` writes nothing and exits 1 where a file is out of date.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from ipvlan.config.bridge_model import BridgeConfig, BridgeEndpointConfig
from ipvlan.config.file_model import FileConfig
from ipvlan.config.json_schema import common_schema, stack_schema
from ipvlan.config.models import (
    ContainerSettings,
    FabricConfig,
    Healthcheck,
    HostConfig,
    RolloutConfig,
    ServiceConfig,
    SshConfig,
    Ulimit,
)
from ipvlan.config.types.base import Model
from ipvlan.config.types.devices import DeviceMap, Gpu
from ipvlan.config.types.mount_maps import Mount, MountBind, MountTmpfs, MountVolume
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.plan.container_updates import BY_SETTING, UPDATES
from ipvlan.plan.docker_versions import RULES
from ipvlan.plan.make import make_plan
from ipvlan.plan.provider_arguments import NOT_CARRIED
from ipvlan.plan.validate import load_stack
from ipvlan.views.drift_table import drift_table
from ipvlan.views.json_schemas import DOCUMENTS, schema
from ipvlan.views.markdown import table
from ipvlan.views.svg import as_svg
from provider.package import VERSION
from provider.package_schema import package_schema
from tools.component_tables import component_tables
from tools.compose_page import compose_tables
from tools.error_pages import bad_input_page, error_page
from tools.printed import with_printed

ROOT = Path(__file__).resolve().parent.parent
END = "<!-- end of what is generated -->"


def main() -> int:
    """Write or check all generated files; 0 when nothing is out of date."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for path, text in files().items():
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if before == text:
            continue
        if check:
            stale += 1
            sys.stderr.write(f"{path.relative_to(ROOT)} is out of date: run `make schema`\n")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 1 if stale else 0


def files() -> dict[Path, str]:
    """Every generated file and what it must hold."""
    config, versions, reference, troubleshooting, l3, compose = (
        ROOT / "docs" / f"{page}.md"
        for page in ("config", "docker-versions", "reference", "troubleshooting", "modes/l3", "compose")
    )
    return {
        **{ROOT / "docs" / "schemas" / f"{name}.schema.json": _json(schema(name)) for name in DOCUMENTS},
        ROOT / "schema" / "stack.schema.json": _json(stack_schema()),
        ROOT / "schema" / "common.schema.json": _json(common_schema()),
        ROOT / "schema" / "package.schema.json": _json(package_schema(VERSION)),
        ROOT / "docs" / "bad-input.md": _page(bad_input_page()),
        ROOT / "docs" / "errors.md": _page(error_page()),
        # What `ipvlan diagram --form svg` makes; the README shows it.
        ROOT / "docs" / "fabric.svg": as_svg(make_plan(load_stack("dev", ROOT)), "dev"),
        config: with_printed(_between(config, "ipvlan/config/models.py", _tables())),
        l3: with_printed(l3.read_text(encoding="utf-8")),
        versions: _between(versions, "ipvlan/plan/docker_versions.py", _versions()),
        troubleshooting: _between(troubleshooting, "ipvlan/checks/drift_kinds.py", drift_table()),
        reference: _between_in(
            _between(reference, "components/", component_tables()),
            "ipvlan/plan/provider_arguments.py",
            _not_carried(),
        ),
        compose: _between(compose, "ipvlan/config/compose/", compose_tables()),
    } | {
        ROOT / "docs" / "modes" / f"{example.stem}.svg": _drawn(example)
        for example in sorted((ROOT / "examples").glob("*.yaml"))
    }


def _drawn(example: Path) -> str:
    """Return the diagram of an example, as `ipvlan diagram --form svg` draws the stack."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / f"Pulumi.{example.stem}.yaml"
        copied.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
        return as_svg(make_plan(load_stack(example.stem, Path(folder))), example.stem)


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _between(path: Path, source: str, generated: Iterable[str]) -> str:
    """Return the file's text with the lines `generated` between the marks that name `source`."""
    return _between_in(path.read_text(encoding="utf-8"), source, generated)


def _between_in(text: str, source: str, generated: Iterable[str]) -> str:
    """Return a text with the lines `generated` between the marks that name `source`."""
    begin = f"<!-- generated from {source} by `make schema` -->"
    head, _, rest = text.partition(begin)
    lines = "\n".join(generated)
    return f"{head}{begin}\n{lines}\n{END}{rest.partition(END)[2]}"


def _not_carried() -> Iterator[str]:
    yield ""
    yield from table(
        ("Argument", "Why no key leads to it"), ((f"`{name}`", NOT_CARRIED[name]) for name in sorted(NOT_CARRIED))
    )


def _versions() -> Iterator[str]:
    yield ""
    yield from table(("Docker", "Limitation", "Behaviour", "Fix", "Source"), _version_rows())


def _version_rows() -> Iterator[tuple[str, ...]]:
    for rule in RULES:
        since, until = (".".join(map(str, end)) if end else "" for end in (rule.since, rule.until))
        which = (
            f"from {since} to before {until}" if since and until else f"from {since}" if since else f"before {until}"
        )
        then = "refused" if rule.refused else "reported by `preflight`"
        yield which, rule.what, then, rule.fix, rule.source


def _tables() -> Iterator[str]:
    yield from _table("`ipvlan-fabric:fabric`", FabricConfig)
    yield from _table("`ipvlan-fabric:hosts.<name>`", HostConfig)
    title = "`ipvlan-fabric:services.<name>`: where it runs and what is reached"
    yield from _table(title, ServiceConfig, ContainerSettings.model_fields)
    yield from _table("`rollout`, of the fabric and of a service", RolloutConfig)
    yield from _settings()
    yield from _table("`healthcheck`", Healthcheck)
    yield from _table("`ulimits.<name>`", Ulimit)
    yield from _table("An entry of `mounts`", Mount)
    yield from _table("`bind`, of an entry of `mounts`", MountBind)
    yield from _table("`volume`, of an entry of `mounts`", MountVolume)
    yield from _table("`tmpfs`, of an entry of `mounts`", MountTmpfs)
    yield from _table("An entry of `devices` that is a map", DeviceMap)
    yield from _table("An entry of `gpus`", Gpu)
    yield from _table("`ipvlan-fabric:volumes.<key>`", VolumeConfig)
    yield from _table("`ipvlan-fabric:bridges.<key>`", BridgeConfig)
    yield from _table("`bridges.<key>`, of a service", BridgeEndpointConfig)
    yield from _table("`files.<path>`, of a service", FileConfig)
    yield from _table("`ipvlan-fabric:ssh`", SshConfig)


def _table(title: str, model: type[Model], skip: Collection[str] = ()) -> Iterator[str]:
    yield from ("", f"### {title}", "")
    rows = (_cells(model, name) for name in model.model_fields if name not in skip)
    yield from table(("Key", "Default", "What it is"), rows)


def _settings() -> Iterator[str]:
    """Yield the table of Docker's own settings, each with what a change of it does, and why."""
    yield from ("", "### `ipvlan-fabric:services.<name>`: Docker's own settings", "")
    rows = ((*_cells(ContainerSettings, name), BY_SETTING[name].update) for name in ContainerSettings.model_fields)
    yield from table(("Key", "Default", "What it is", "A change"), rows)
    yield ""
    for reason in dict.fromkeys(row.reason for row in UPDATES):
        names = [f"`{row.setting}`" for row in UPDATES if row.reason == reason]
        yield f"- {', '.join(names) if len(names) < len(UPDATES) / 2 else 'All others'}: {reason}."


def _cells(model: type[Model], name: str) -> tuple[str, ...]:
    field = model.model_fields[name]
    if field.is_required():
        default = "required"
    else:
        value = field.get_default(call_default_factory=True)
        unset = value in (None, (), {}, RolloutConfig())
        default = "" if unset else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`{name}`", default, field.description or ""


if __name__ == "__main__":
    sys.exit(main())
