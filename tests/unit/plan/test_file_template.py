"""What a template becomes: the words of the plan, what stays as it is, what is refused, and where a secret is put in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan.config.models import StackConfig
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.file_template import Names, Rendered, near_words, render
from ipvlan.plan.files import with_secrets
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tools.reference_setup import REMOVE, changed


def names_of(changes: dict[str, Any]) -> Names:
    """Return what templates can name in the reference setup with changes."""
    config: StackConfig = parse(changed(changes))
    return Names.of(config, AddressSpace.from_config(config.fabric, config.hosts, config.services))


NAMES = names_of({"services.one": {"image": "one", "offset": 7, "hosts": ["docker-2"]}})


def rendered(text: str, *secrets: str, names: Names = NAMES) -> Rendered:
    """Return the template for nginx on docker-1."""
    return render(text, names, service="nginx", host="docker-1", secrets=secrets)


def refused(text: str, *secrets: str, names: Names = NAMES) -> list[tuple[int, str]]:
    """Return the line and the fix of each issue."""
    return [(issue.line, issue.fix) for issue in rendered(text, *secrets, names=names).issues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${service.address}", "10.1.1.2"),
        ("${service.name}", "nginx"),
        ("${host.name} ${host.address}", "docker-1 192.168.140.200"),
        ("${hosts.docker-2.address}", "192.168.140.201"),
        ("${addresses.one}", "10.1.2.7"),
        ("${addresses.nginx.docker-2}", "10.1.2.2"),
        ("${fabric.name} ${fabric.subnet} ${fabric.gateway}", "ipvlanl2 10.1.0.0/16 10.1.0.1"),
        # A list, each line once per host, in the order of the hosts, with the other words of the line.
        (
            "a\n  - ${addresses.nginx.*}:80 # ${host.name}\nb",
            "a\n  - 10.1.1.2:80 # docker-1\n  - 10.1.2.2:80 # docker-1\nb",
        ),
        ("${addresses.one.*}\n", "10.1.2.7\n"),
        ("${addresses.nginx.*} ${addresses.nginx.*}", "10.1.1.2 10.1.1.2\n10.1.2.2 10.1.2.2"),
        ("x ${addresses.nginx.*}\r\ny\r\n", "x 10.1.1.2\r\nx 10.1.2.2\r\ny\r\n"),
        # The escape, of each word; what it writes is no reference any more.
        ("$${service.name} $${hosts.x.address} $${secrets.x}", "${service.name} ${hosts.x.address} ${secrets.x}"),
        ("$$${service.name}", "$${service.name}"),
        ("$${addresses.nginx.*}", "${addresses.nginx.*}"),
        # A value beside letters, and two values side by side.
        ("a${service.name}b${service.name}${host.name}$", "anginxbnginxdocker-1$"),
    ],
)
def test_a_template_has_the_values_of_the_plan(text: str, expected: str) -> None:
    """Each word, a list of addresses, and the escape."""
    result = rendered(text)
    assert (result.issues, result.content.decode(), result.secrets) == ((), expected, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "proxy_set_header Host $host; set $x ${host}; log '$remote_addr ${uri}';",
        "$$ $$$ $ ${} $${ ${x} $1 $service.name $hosts ${services.a} ${Host.name} ${ host.name }",
        "${SERVICE.NAME} ${service} ${env:X} {{ service.name }} %{host.name} #{host.name} $(host.name) \\${",
        'if ($http_cookie ~* "a=([^;]+)(?:;|$)") { set $id $1; }\n\n\ufeffx\r\n\ty\u2028z',
    ],
)
def test_every_other_dollar_stays(text: str) -> None:
    """nginx, shells, compose and Go have dollars and braces of their own."""
    assert rendered(text).content.decode() == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a\n${service.adress}", "did you mean ${service.address}?"),
        ("a\n${hosts.docker-3.address}", "write one of ${hosts.docker-1.address}, ${hosts.docker-2.address};"),
        ("a\n${hosts.docker-22.address}", "did you mean ${hosts.docker-2.address}?"),
        ("a\n${hosts.docker-1}", "write ${hosts.HOST.address}"),
        ("a\n${hosts.docker-1.name}", "write ${hosts.HOST.address}"),
        ("a\n${addresses.ngnix.docker-1}", "did you mean ${addresses.nginx.docker-1}?"),
        ("a\n${addresses.ngnix.*}", "did you mean ${addresses.nginx.*}?"),
        ("a\n${addresses.one.docker-1}", "did you mean ${addresses.one.docker-2}?"),
        ("a\n${addresses.nginx}", "name the host: ${addresses.nginx.HOST}"),
        # Not ${addresses.nginx}, which would be refused next: it is on two hosts.
        ("a\n${addresses.ngnix}", "write one of ${addresses.nginx.docker-1}, ${addresses.nginx.docker-2}"),
        ("a\n${addresses.}", "${addresses.one}"),
        ("a\n${addresses.nope.*}", "write one of ${addresses."),
        ("a\n${fabric.mode}", "write one of ${fabric.name}, ${fabric.subnet}, ${fabric.gateway};"),
        ("a\n${fabric.}", "write one of ${fabric.name}, ${fabric.subnet}, ${fabric.gateway};"),
        ("a\n${host.ip}", "write one of ${host.name}, ${host.address};"),
        ("a\n${host.name", "write ${...} in one line"),
        ("a\n${addresses.nginx.*} ${addresses.centos.*}", "write a line for each of the two"),
        ("a\n${secrets.pasword}", "did you mean ${secrets.password}?"),
        ("a\n${secrets.}", "secrets: {NAME: CONFIG_KEY}"),
    ],
)
def test_a_word_that_stands_for_nothing_is_refused(text: str, hint: str) -> None:
    """With its line, and the nearest name that there is."""
    [(line, fix)] = refused(text, "password")
    assert line == 2
    assert hint in fix


def test_all_mistakes_of_a_template_are_found_at_once() -> None:
    """Each with its own line."""
    assert [line for line, _ in refused("${host.x}\n${host.name}\n${host.y} ${service.z}\n${host.")] == [1, 3, 3, 4]


def test_names_with_dots() -> None:
    """What fits one service and host alone is meant; what fits two ways is refused, and each can be named in full."""
    services: dict[str, Any] = {"nginx": {"image": "a", "offset": 2}}
    services |= {name: {"image": "a", "offset": 3 + number} for number, name in enumerate(("web", "web.eu", "a.b"))}
    hosts = {
        name: {"address": f"192.168.140.{number}", "parent": "ens33", "slice": f"10.1.{number}.0/24"}
        for number, name in enumerate(("docker-1", "eu", "eu.west", "west"), start=1)
    }
    names = names_of({"services": services, "hosts": hosts})
    expected = {"a.b.eu": "10.1.2.5", "a.b.eu.west": "10.1.3.5", "web.docker-1": "10.1.1.3", "web.eu.eu": "10.1.2.4"}
    expected |= {"web.west": "10.1.4.3", "web.eu.eu.west": "10.1.3.4"}
    text = "\n".join(f"${{addresses.{reference}}}" for reference in expected)
    assert rendered(text, names=names).content.decode().split("\n") == [*expected.values()]
    assert rendered("${hosts.eu.west.address}", names=names).content == b"192.168.140.3"
    # Service web on host eu, or service web.eu; service web on eu.west, or web.eu on west.
    for reference in ("web.eu", "web.eu.west"):
        [issue] = rendered(f"${{addresses.{reference}}}", names=names).issues
        assert "fits service web" in issue.problem
        assert "service web.eu" in issue.problem
    assert rendered("${addresses.web.eu.*}", names=names).content.count(b"\n") == 3


def test_a_service_without_an_address_is_refused() -> None:
    """A container that is not on the fabric has none."""
    changes = {
        "bridges": {"backend": {}},
        "services.one": {"image": "one", "fabric": False, "bridges": ["backend"]},
    }
    for reference in ("addresses.one.docker-1", "addresses.one.*"):
        [issue] = rendered(f"${{{reference}}}", names=names_of(changes)).issues
        assert "service one has no address on the fabric" in issue.problem


def test_l3_has_no_gateway_to_name() -> None:
    """There is none in that mode."""
    names = names_of({"fabric.mode": "l3", "fabric.gateway": REMOVE})
    assert "no gateway" in rendered("${fabric.gateway}", names=names).issues[0].problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=${secrets.x} ${host.name}", "a=v$1 docker-1"),
        ("${secrets.x}${secrets.y}${secrets.x}", "v$1${secrets.x}v$1"),
        # What the source means as it is stays so, beside a secret too.
        ("$${secrets.x} ${secrets.x}", "${secrets.x} v$1"),
        ("$$${secrets.x} ${secrets.x}", "$${secrets.x} v$1"),
        ("$$$${secrets.x} ${secrets.x}", "$$${secrets.x} v$1"),
        ("$${host.name} ${secrets.x}", "${host.name} v$1"),
        ("$host ${host} $ ${secrets.x}$", "$host ${host} $ v$1$"),
        ("${secrets.y}", "${secrets.x}"),
    ],
)
def test_a_secret_is_put_in_where_its_reference_is(text: str, expected: str) -> None:
    """And nowhere else: neither what is escaped, nor what a secret has in it, is a reference."""
    result = rendered(text, "x", "y")
    assert result.issues == ()
    values = {"x": "v$1", "y": "${secrets.x}"}
    used = {name: values[name] for name in result.secrets}
    assert with_secrets(result.content, used).decode() == expected


PARTS = st.lists(
    st.sampled_from(
        ["$", "$$", "{", "}", "${secrets.x}", "$${secrets.x}", "${secrets.", "secrets.x", "${host.name}", "a", "\n"]
    ),
    max_size=12,
)


@given(PARTS)
def test_what_the_plugin_writes_is_what_the_template_means(parts: list[str]) -> None:
    """Escapes and references read from left to right, in one pass with the values: the two passes give the same."""
    text = "".join(parts)
    result = rendered(text, "x")
    if result.issues:
        return
    expected, rest = "", text
    while rest:
        for written, meaning in (
            ("$${secrets.", "${secrets."),
            ("$${host.", "${host."),
            ("${secrets.x}", "V"),
            ("${host.name}", "docker-1"),
        ):
            if rest.startswith(written):
                expected, rest = expected + meaning, rest.removeprefix(written)
                break
        else:
            expected, rest = expected + rest[0], rest[1:]
    values = {"x": "V"} if result.secrets else {}
    assert with_secrets(result.content, values).decode() == expected


def test_a_secret_without_a_value_is_an_error() -> None:
    """A file with the reference in the place of the value is never written."""
    with pytest.raises(KeyError):
        with_secrets(b"${secrets.x}", {"y": "v"})


def test_a_template_does_not_grow_without_end() -> None:
    """Rendering ends where the file is too large: 100 hosts, and every line once for each."""
    hosts = {
        f"h{number}": {"address": f"192.168.140.{number}", "parent": "ens33", "slice": f"10.1.{number}.0/24"}
        for number in range(1, 101)
    }
    names = names_of({"hosts": hosts, "services.nginx.ports": []})
    began = time.process_time()
    result = render("${addresses.nginx.*}\n" * 6000, names, service="nginx", host="h1", secrets=())
    assert time.process_time() - began < 5
    assert result.too_large
    assert len(result.content) <= LARGEST_SOURCE
    exact = render("x" * LARGEST_SOURCE, names, service="nginx", host="h1", secrets=())
    assert not exact.too_large
    assert render("x" * LARGEST_SOURCE + "\n", names, service="nginx", host="h1", secrets=()).too_large


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        ("a\n${secret.password}", 2, "write ${secrets.password}"),
        ("${address.web}", 1, "write ${addresses.web}"),
        ("${Host.name}", 1, "write ${host.name}"),
        ("${ host.name }", 1, "write ${host.name}"),
        ("${fabrik.name}", 1, "write ${fabric.name}"),
    ],
)
def test_a_word_that_is_nearly_one_is_a_warning(text: str, line: int, fix: str) -> None:
    """It stays as it is, which hardly anybody means."""
    assert rendered(text).content.decode() == text
    ((found, shown),) = [(issue.line, issue.fix) for issue in near_words(text)]
    assert found == line
    assert shown.startswith(fix)


@pytest.mark.parametrize(
    "text",
    [
        "$host ${host} ${uri} $remote_addr",
        "${server.port} ${port.x} ${env.X} ${spring.name}",
        "${service.name}",
        "$${secrets.x}",
    ],
)
def test_a_word_of_others_is_none(text: str) -> None:
    """nginx, shells and Java have words of their own."""
    assert not list(near_words(text))


@pytest.mark.parametrize(
    ("texts", "codes"),
    [
        ({"a": "$host"}, ["IPF269"]),
        ({"a": "$host", "b": "${host.name}"}, []),
        ({"a": "$${host.name}"}, []),
        ({"a": "${secret.x}"}, ["IPF268"]),
        ({"a": "${secret.x}", "b": "${host.name} ${address.x}\n${secret.x}"}, ["IPF268", "IPF268", "IPF268"]),
    ],
)
def test_a_template_that_replaces_nothing_is_a_warning(tmp_path: Path, texts: dict[str, str], codes: list[str]) -> None:
    """Once for all files of a folder and all hosts; one with a slip has that alone."""
    for name, text in texts.items():
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_text(text, encoding="utf-8")
    files = {"/etc/d/": {"source": "d/", "template": True}}
    plan = make_plan(parse(changed({"services.nginx.files": files}), Checkout(tmp_path)))
    found = [warning for warning in plan.warnings if warning.code.startswith("IPF26")]
    assert [warning.code for warning in found] == codes
    assert {warning.severity for warning in found} <= {"warning"}
