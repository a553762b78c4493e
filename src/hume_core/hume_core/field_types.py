"""Types of the fields of robot profiles and policy contracts, with their bounds."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from hume_core.action_spaces import find_action_space
from hume_core.errors import ActionSpaceError

_LARGEST = 1e9
"""Beyond every quantity of a robot, in whatever unit."""
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("must hold no control characters")
    return name


Positive = Annotated[float, Field(gt=0, le=_LARGEST, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]


def _prefix(text: str) -> str:
    if text and not _PREFIX.fullmatch(text):
        raise ValueError("a prefix has letters, digits and _, and begins with a letter, such as left_")
    return text


Prefix = Annotated[str, AfterValidator(_prefix)]
"""Stands before names of ROS. Empty: none."""


def _known_space(name: str) -> str:
    try:
        return find_action_space(name).name
    except ActionSpaceError as error:
        raise ValueError(str(error)) from error


SpaceName = Annotated[str, AfterValidator(_known_space)]
