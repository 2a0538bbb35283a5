"""What all models of the stack config have in common: frozen, strict about keys and numbers.

Out of scope: the models (`ipvlan.config.models`, `ipvlan.config.volume_model`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Frozen, and strict about keys and numbers: `"1"` is not 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)


Flag = Annotated[bool, Field(strict=True)]
