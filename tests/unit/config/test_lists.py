"""Lists where compose takes lists: they mean what the mapping means, and what cannot be one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ipvlan import PROJECT
from ipvlan.config.json_schema import common_schema, stack_schema
from ipvlan.config.models import ServiceConfig
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import changed

VALIDATOR = jsonschema.validators.validator_for(stack_schema())(stack_schema())


def nginx(key: str, value: Any) -> ServiceConfig:
    """Return the service with one key."""
    return parse(changed({f"services.nginx.{key}": value})).services["nginx"]


@pytest.mark.parametrize(
    ("key", "short", "long"),
    [
        ("environment", ["A=b", "URL=x?a=b", "EMPTY="], {"A": "b", "URL": "x?a=b", "EMPTY": ""}),
        ("environment", [], {}),
        ("labels", ["a=b", "alone", "rule=Host(`x`) && y==z"], {"a": "b", "alone": "", "rule": "Host(`x`) && y==z"}),
        ("extra_hosts", ["db:10.1.1.9", "web=10.1.1.8"], {"db": "10.1.1.9", "web": "10.1.1.8"}),
        ("extra_hosts", ["up:host-gateway"], {"up": "host-gateway"}),
        ("sysctls", ["net.core.somaxconn=1024"], {"net.core.somaxconn": "1024"}),
        ("tmpfs", ["/run:size=64m,mode=1777", "/var/x"], {"/run": "size=64m,mode=1777", "/var/x": ""}),
        ("tmpfs", "/run", {"/run": ""}),
        ("dns", "10.1.0.53", ["10.1.0.53"]),
        ("dns_search", "example.com", ["example.com"]),
        (
            "ulimits",
            {"nofile": 1024, "core": -1},
            {"nofile": {"soft": 1024, "hard": 1024}, "core": {"soft": -1, "hard": -1}},
        ),
        ("healthcheck", {"test": "curl -f x || exit 1"}, {"test": ["CMD-SHELL", "curl -f x || exit 1"]}),
        ("group_add", [44, "video"], ["44", "video"]),
    ],
)
def test_a_list_means_the_mapping(key: str, short: Any, long: Any) -> None:
    """Both give one plan, and both fit the schema of editors."""
    assert nginx(key, short) == nginx(key, long)
    for value in (short, long):
        raw = changed({f"services.nginx.{key}": value})
        stack = {"config": {f"{PROJECT}:{section}": content for section, content in raw.items()}}
        assert [error.message for error in VALIDATOR.iter_errors(stack)] == []


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("environment", ["TOKEN"], "IPF193"),
        ("environment", ["A=1", "A=2"], "IPF194"),
        ("environment", [{"A": "1"}], "IPF111"),
        ("environment", [8], "IPF111"),
        ("environment", "A=1", "IPF102"),
        ("environment", ["=1"], "IPF413"),
        ("labels", ["a", "a=1"], "IPF194"),
        ("labels", ["ipvlan-fabric.plan=x"], "IPF411"),
        ("extra_hosts", ["db"], "IPF193"),
        ("extra_hosts", ["db:somewhere"], "IPF113"),
        ("extra_hosts", ["db:host_gateway"], "IPF113"),
        ("extra_hosts", ["db:[::1]"], "IPF114"),
        ("sysctls", ["vm.swappiness=1"], "IPF160"),
        ("tmpfs", ["run"], "IPF150"),
        ("tmpfs", ["/run:fast"], "IPF151"),
        ("tmpfs", 5, "IPF102"),
        ("ulimits", {"nofile": -2}, "IPF106"),
        ("ulimits", {"nofile": True}, "IPF102"),
        ("ulimits", {"nofile": "1024"}, "IPF102"),
        ("dns", 5, "IPF103"),
    ],
)
def test_what_is_no_list_is_refused(key: str, value: Any, code: str) -> None:
    """With the code of the entry's own rule, where the list is one."""
    with pytest.raises(ConfigError) as error:
        make_plan(parse(changed({f"services.nginx.{key}": value})))
    assert {problem.code for problem in error.value.problems} == {code}
    assert all(problem.key.startswith(f"services.nginx.{key}") for problem in error.value.problems)


def test_a_list_and_a_mapping_of_two_files(tmp_path: Path) -> None:
    """The stack's own value wins complete, as any value of a service does, in each shape."""
    (tmp_path / "common.yaml").write_text(
        "services: {aa: {image: r/a:1, offset: 3, environment: {A: '1', B: '2'}},"
        " bb: {image: r/b:1, offset: 4, environment: [A=1]}}"
    )
    raw = {**changed({}), "common": "common.yaml"}
    raw["services"] = {"aa": {"environment": ["B=3"]}, "bb": {"environment": {"C": "4"}}}
    services = parse(raw, Checkout(tmp_path)).services
    assert services["aa"].environment == {"B": "3"}
    assert services["bb"].environment == {"C": "4"}
    jsonschema.validate({"services": {"b": {"environment": ["A=1"]}}}, common_schema())


def test_the_other_rules_see_the_list() -> None:
    """A bad list keeps no other rule of the service from being found."""
    with pytest.raises(ConfigError) as error:
        make_plan(
            parse(
                changed(
                    {
                        "services.nginx.environment": ["A"],
                        "services.nginx.memory": "1g",
                        "services.nginx.memory_swap": "512m",
                    }
                )
            )
        )
    assert sorted(problem.code for problem in error.value.problems) == ["IPF193", "IPF447"]
