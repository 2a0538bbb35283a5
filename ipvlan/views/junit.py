"""The result of `ipvlan status` as JUnit's XML, which GitLab, GitHub's actions and Jenkins read.

It goes where logs go: into artifacts and issues that more people read than may read a container's log. So of what a container
printed it has the number of lines alone.

One suite per host. Its cases are the host itself, its network, and each container that is planned on it.
Out of scope: what counts as a difference (`ipvlan.checks.drift`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from ipvlan.checks.difference import Difference
from ipvlan.checks.status import HostStatus, Status
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import Plan

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can have, not even as a reference (XML 1.0, 2.2)."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

HOST_CASE: Final = "the host"
"""The case of what is neither about the network nor about a planned container."""

_NETWORK_KINDS: Final = "network-"
"""How the names of the kinds begin that are about a network."""


@dataclass(slots=True)
class _Case:
    """One thing that `status` looks at on a host, and what differs there."""

    name: str
    differences: list[Difference] = field(default_factory=list)

    @property
    def errors(self) -> list[Difference]:
        """What makes it fail."""
        return [difference for difference in self.differences if difference.severity == "error"]

    @property
    def notes(self) -> list[Difference]:
        """What is for information."""
        return [difference for difference in self.differences if difference.severity == "info"]


def junit_xml(status: Status, plan: Plan, stack: str, *, service: str | None = None) -> str:
    """Return the document.

    Args:
        status: What was found.
        plan: What is planned.
        stack: The stack's name.
        service: The only service whose containers were looked at, None for all.
    """
    root = ET.Element("testsuites", name=xml_text(f"ipvlan status of stack {stack}"), time=f"{status.seconds:.3f}")
    for host in status.hosts:
        root.append(_suite(host, plan, stack, service))
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}'


def xml_text(text: str) -> str:
    """Return the text without what XML 1.0 forbids; `ElementTree` escapes the rest when it writes."""
    return _FORBIDDEN.sub(_REPLACEMENT, text)


def _suite(host: HostStatus, plan: Plan, stack: str, service: str | None) -> ET.Element:
    suite = ET.Element("testsuite", name=xml_text(host.plan.name))
    answered = isinstance(host.snapshot, HostSnapshot)
    cases = _cases(host, plan, service)
    for case in cases:
        element = ET.SubElement(
            suite, "testcase", name=xml_text(case.name), classname=xml_text(f"{stack}.{host.plan.name}"), time="0"
        )
        if case.errors:
            # A host that does not answer is no failed check: nothing could be checked.
            _finding(element, "failure" if answered else "error", case.errors)
        elif not answered:
            ET.SubElement(element, "skipped", message="the host does not answer: not checked")
        if case.notes:
            ET.SubElement(element, "system-out").text = xml_text(_texts(case.notes))
    suite.set("tests", str(len(cases)))
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(sum(element.find(tag) is not None for element in suite)))
    suite.set("time", "0")
    return suite


def _cases(host: HostStatus, plan: Plan, service: str | None) -> list[_Case]:
    of_host, of_network = _Case(HOST_CASE), _Case(f"network {plan.network_name}")
    containers = {
        planned.service: _Case(f"container {planned.name}")
        for planned in host.plan.containers
        if service is None or planned.service == service
    }
    for difference in host.differences:
        if difference.service in containers:
            case = containers[difference.service]
        elif difference.kind.startswith(_NETWORK_KINDS):
            case = of_network
        else:
            case = of_host
        case.differences.append(difference)
    return [of_host, of_network, *containers.values()]


def _finding(element: ET.Element, tag: str, differences: list[Difference]) -> None:
    """Add one element for all of them: GitLab shows one for each case."""
    message = "; ".join(f"{difference.kind}: {difference.problem}" for difference in differences)
    kinds = ", ".join(sorted({difference.kind for difference in differences}))
    ET.SubElement(element, tag, message=xml_text(message), type=kinds).text = xml_text(_texts(differences))


def _texts(differences: Iterable[Difference]) -> str:
    """Return what `status` prints of them, without what a container printed: the problem and the fix."""
    return "\n".join(
        "\n".join(
            [
                f"{difference.kind}: {difference.problem}",
                *_left_out(difference.output),
                f"    {difference.fix}",
            ]
        )
        for difference in differences
    )


def _left_out(output: tuple[str, ...]) -> Iterable[str]:
    if output:
        yield f"    (left out, lines that it printed: {len(output)}; without --format, `ipvlan status` shows them)"
