"""The base of what is read from robot profiles and policy contracts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Part of a robot profile or policy contract: unknown fields are refused, values cannot be written."""

    model_config = ConfigDict(extra="forbid", frozen=True)
