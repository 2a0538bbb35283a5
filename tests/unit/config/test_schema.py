"""The generated files are up to date, and the schemas accept what the models accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from ipvlan import PROJECT
from ipvlan.config.json_schema import common_schema, stack_schema
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.config.yaml_file import Checkout, read
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import ConfigError
from ipvlan.views.plan_json import document
from tests.support.configs import raw_configs
from tests.support.json_documents import validate
from tools.generate import files
from tools.reference_setup import changed, reference_config

ROOT = Path(__file__).resolve().parents[3]
VALIDATOR = jsonschema.validators.validator_for(stack_schema())(stack_schema())
STACKS = ("dev", "staging", "prod")


def as_stack(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a stack file with these sections."""
    return {"config": {f"{PROJECT}:{key}": value for key, value in raw.items()}}


def test_generated_files_are_up_to_date() -> None:
    """What is committed is what the code generates today."""
    stale = [
        path.name for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make schema`"


@pytest.mark.parametrize("stack", STACKS)
def test_stacks_are_valid(stack: str) -> None:
    """Every committed stack gives a plan without a warning, fits the schema, and its document fits the plan's schema."""
    plan = make_plan(load_stack(stack, ROOT))
    assert plan.warnings == ()
    assert plan.hosts
    VALIDATOR.validate(read(Checkout(ROOT), f"Pulumi.{stack}.yaml"))
    validate(document(plan, stack), "plan")


def test_common_file_fits_its_schema() -> None:
    """The shared file of the worked examples fits the schema of shared files."""
    jsonschema.validate(read(Checkout(ROOT), "stacks/common.yaml"), common_schema())


@pytest.mark.parametrize(
    "changes",
    [
        {"fabric.subnett": "10.1.0.0/16"},
        {"fabric.mode": "l4"},
        {"hosts.docker-1.parent": 33},
        {"services.nginx.ports": [80]},
        {"services.nginx.publish": True},
        {"services.nginx.environment": {"PORT": 80}},
        {"services.nginx.gpus": -1},
        {"services.nginx.extra_hosts": ["a"]},
        {"services.nginx.tmpfs": ["run"]},
        {"services.nginx.tmpfs": "run"},
        {"services.nginx.mounts": [{"type": "volume", "source": "data", "target": "data"}]},
        {"services.nginx.mounts": [{"type": "tmpfs", "target": "/x", "tmpfs": {"mode": "00"}}]},
        {"services.nginx.memory": -1},
        {"services.nginx.memory_swap": -2},
        {"services.nginx.memory_swap": 0},
        {"services.nginx.volumes": ["/a:/b:foo"]},
    ],
    ids=str,
)
def test_schema_refuses(changes: dict[str, Any]) -> None:
    """The schema refuses what the models refuse for its shape."""
    VALIDATOR.validate(as_stack(reference_config()))
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(as_stack(changed(changes)))
    with pytest.raises(ConfigError):
        make_plan(parse(changed(changes)))


@settings(max_examples=25, deadline=None)
@given(raw_configs())
def test_schema_accepts_what_the_models_accept(raw: dict[str, Any]) -> None:
    """Whatever valid config is drawn, with every way to write an address, a range or a port, fits the schema."""
    parse(raw)
    assert [error.message for error in VALIDATOR.iter_errors(as_stack(raw))] == []


def test_the_schema_is_a_schema() -> None:
    """What the other tests validate with fits the schema of schemas."""
    VALIDATOR.check_schema(stack_schema())


def test_sections_are_declared() -> None:
    """Pulumi.yaml declares every config key, with a type and a description."""
    declared = read(Checkout(ROOT), "Pulumi.yaml")["config"]
    assert set(declared) == {*SECTIONS, COMMON}
    for key, entry in declared.items():
        assert entry["type"] == ("string" if key == COMMON else "object")
        assert entry["description"]


def test_null_takes_an_entry_of_the_common_file_out(tmp_path: Path) -> None:
    """A stack's `null` removes a service of the shared file, and its own keys win one by one."""
    (tmp_path / "common.yaml").write_text(
        "services: {web: {image: r/web:1, offset: 3}, old: {image: r/old:1, offset: 4}}"
    )
    raw = {**changed({}), "common": "common.yaml"}
    raw["services"] = {"old": None, "web": {"offset": 5}}
    config = parse(raw, Checkout(tmp_path))
    assert set(config.services) == {"web"}
    assert (config.services["web"].image, config.services["web"].offset) == ("r/web:1", 5)
