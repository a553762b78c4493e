"""The table of fields in docs/add_my_robot.md: every field of a profile, with its default and its bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hume_core import plausible_types as plausible
from hume_core.robot_file import OneArmFile, SeveralArmsFile

PAGE = Path(__file__).parents[3] / "docs" / "add_my_robot.md"
ONE_ROW = ("state", "tool.base", "tool.offset", "action.response", "cameras.KEY.policy", "arms", "grippers")
"""Their own fields stand on pages of their own, or in other rows."""
UNBOUNDED = 1e9
WORDS = {False: "false", True: "true", "": "empty", None: "left out"}
UNITS = {
    plausible.Angle: [plausible.LARGEST_ANGLE],
    plausible.Velocity: [plausible.LARGEST_VELOCITY],
    plausible.Acceleration: [plausible.LARGEST_ACCELERATION],
    plausible.Jerk: [plausible.LARGEST_JERK],
    plausible.Tracking: [plausible.LARGEST_TRACKING],
    plausible.Period: [plausible.SHORTEST_PERIOD, plausible.LONGEST_PERIOD],
    plausible.Age: [plausible.LONGEST_AGE],
}
CHECKS = {
    item.func: bounds for alias, bounds in UNITS.items() for item in get_args(alias) if isinstance(item, AfterValidator)
}


@cache
def rows() -> dict[str, tuple[str, str]]:
    """Field -> default and bounds of its row."""
    table = PAGE.read_text(encoding="utf-8").partition("## Every field")[2].partition("\n## ")[0]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        for name in re.findall(r"`([\w.]+)`", cells[1]) if len(cells) > 4 else []:
            found[name] = (cells[2].strip("`"), cells[3])
    return found


def models(annotation: Any) -> list[type[BaseModel]]:
    """Sections within a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models(part)]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field that is a value, by its path."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = [] if path in ONE_ROW else models(field.annotation)
        if not inner:
            yield path, field
        for section in inner:
            yield from fields(section, f"{path}.KEY." if path == "cameras" else f"{path}.")


FIELDS = {**dict(fields(SeveralArmsFile)), **dict(fields(OneArmFile))}


def test_the_table_has_every_field_and_no_other() -> None:
    assert set(rows()) == set(FIELDS)


def written(default: Any) -> str:
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, tuple):
        return str(list(default))
    return WORDS[default] if isinstance(default, (bool, type(None))) or default == "" else str(default)


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"state"}))
def test_the_default_is_that_of_the_code(name: str) -> None:
    default = FIELDS[name].default
    if name.startswith("tool."):
        default = OneArmFile.model_fields["tool"].default
    if default is None and models(FIELDS[name].annotation) == [] and name in ("joints.position",):
        default = PydanticUndefined
    assert rows()[name][0] == ("" if default is PydanticUndefined else written(default))


def constraints(item: Any) -> Iterator[Any]:
    """Everything that a field's value is held against, wherever in its type."""
    yield item
    for part in (*getattr(item, "metadata", ()), *get_args(getattr(item, "annotation", item))):
        if not isinstance(part, (str, int)):
            yield from constraints(part)


def plausible_bounds(field: FieldInfo) -> list[float]:
    """Of quantities whose unit is asked about."""
    return [bound for item in constraints(field) for bound in CHECKS.get(getattr(item, "func", None), [])]


def bounds(field: FieldInfo) -> list[float]:
    """The tightest lower and upper one. Those that no quantity reaches are left out."""
    *low, high = plausible_bounds(field) or [UNBOUNDED]
    lows, highs = low, [high]
    for item in constraints(field):
        lows += [value for name in ("ge", "gt") if (value := getattr(item, name, None)) is not None]
        highs += [value for name in ("le", "lt") if (value := getattr(item, name, None)) is not None]
    tightest = [max(lows, default=-UNBOUNDED), min(highs)]
    return [float(bound) for bound in tightest if abs(bound) < UNBOUNDED]


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"state", "joints"}))
def test_the_bounds_are_those_of_the_code(name: str) -> None:
    text = rows()[name][1]
    numbers = {float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)}
    missing = [bound for bound in bounds(FIELDS[name]) if float(f"{abs(bound):.4g}") not in numbers]
    assert missing == []


def test_what_is_most_likely_another_unit_is_marked() -> None:
    marked = {name for name, (_, bound) in rows().items() if "(unit)" in bound}
    assert marked == {name for name, field in FIELDS.items() if plausible_bounds(field)}
    assert {bound for name in marked for bound in plausible_bounds(FIELDS[name])} == {
        bound for values in UNITS.values() for bound in values
    }


@pytest.mark.parametrize("bound", sorted({bound for values in UNITS.values() for bound in values}))
def test_every_plausible_bound_stands_in_the_table(bound: float) -> None:
    assert any(f"{bound:.4g}" in text for _, text in rows().values())
