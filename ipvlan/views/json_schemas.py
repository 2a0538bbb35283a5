"""The JSON Schema of every document that a subcommand prints with `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from ipvlan.views.allocate import AllocateDocument
from ipvlan.views.compose_import import ImportDocument
from ipvlan.views.forget import ForgetDocument
from ipvlan.views.heal import HealDocument
from ipvlan.views.plan_json import AddressDocument, PlanDocument
from ipvlan.views.preflight import PreflightDocument
from ipvlan.views.report_json import ReportDocument
from ipvlan.views.status_json import StatusDocument
from ipvlan.views.verify_json import VerifyDocument

DOCUMENTS: Final[Mapping[str, type]] = {
    "plan": PlanDocument,
    "plan-at": AddressDocument,
    "allocate": AllocateDocument,
    "import": ImportDocument,
    "preflight": PreflightDocument,
    "verify": VerifyDocument,
    "status": StatusDocument,
    "heal": HealDocument,
    "forget": ForgetDocument,
    "report": ReportDocument,
}
"""Name of a document -> its type. `plan-at` is `ipvlan plan --at ADDRESS --json`, the others are named by their subcommand."""


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(DOCUMENTS[name]).json_schema(),
    }
