"""One declaration per setting: checks, texts, tables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from hume_core.errors import ConfigError
from hume_core.settings import (
    build,
    check,
    check_value,
    declared,
    find,
    markdown_table,
    parse_text,
    same_as,
    setting,
)


@dataclass(frozen=True)
class Inner:
    """Held by another class."""

    speed: float = setting(1.0, "How fast.", unit="m/s", low=0.5, high=2.0)


@dataclass(frozen=True)
class Example:
    """One of each kind."""

    inner: Inner = field(default_factory=Inner)
    age: float = setting(0.5, "How old.", unit="s", low=0.1, high=60.0)
    level: float = setting(math.inf, "Enough; inf: never.", high=math.inf)
    open_ended: float = setting(3.0, "Any | finite number.", unit="Hz")
    count: int = setting(3, "How many.", low=0)
    flag: bool = setting(False, "Whether.")
    name: str = setting("", "Who.")
    kind: str = setting("a", "Which.", choices=("a", "b"))
    span: tuple[float, float] = setting((0.5, 1.0), "From where to where.", low=0.0, high=1.0)
    spaces: tuple[str, ...] = setting((), "Which ones.", given_by="robot profile")
    maybe: int | None = same_as(find(Inner, "speed"), default=None, help="Perhaps.", unit="", low=1, high=9)

    def __post_init__(self) -> None:
        check(self, "example")


def test_declarations_are_complete_and_flat() -> None:
    names = [item.name for item in declared(Example)]
    assert names[:2] == ["speed", "age"]
    item = find(Example, "age")
    assert (item.kind, item.default, item.unit, item.low, item.high, item.help) == (
        float,
        0.5,
        "s",
        0.1,
        60.0,
        "How old.",
    )
    assert (find(Example, "maybe").kind, find(Example, "maybe").optional) == (int, True)


@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("age", 0.05, "a number from 0.1 to 60 s"),
        ("age", math.nan, "a number from 0.1 to 60 s"),
        ("age", True, "a number from 0.1 to 60 s"),
        ("age", "1", "a number from 0.1 to 60 s"),
        ("level", math.nan, "a number or inf"),
        ("level", -math.inf, "a number or inf"),
        ("open_ended", math.inf, "a number in Hz"),
        ("count", -1, "a whole number from 0"),
        ("count", 1.0, "a whole number from 0"),
        ("count", None, "a whole number from 0"),
        ("flag", 1, "true or false"),
        ("name", 3, "text"),
        ("kind", "c", "a or b"),
        ("span", (0.9, 0.5), "two numbers from 0 to 1, the lower one first"),
        ("span", (0.5, 1.5), "two numbers from 0 to 1, the lower one first"),
        ("span", (0.5,), "two numbers from 0 to 1, the lower one first"),
        ("span", (0.5, "x"), "two numbers from 0 to 1, the lower one first"),
        ("spaces", "a", "texts"),
        ("maybe", 10, "a whole number from 1 to 9"),
    ],
)
def test_a_wrong_value_is_named_with_range_and_unit(name: str, value: Any, valid: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Example(**{name: value})
    assert str(caught.value) == f"example '{name}' is {value!r}. Valid: {valid}"


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("age", 2, 2.0),
        ("level", math.inf, math.inf),
        ("span", [0, 1], (0.0, 1.0)),
        ("maybe", None, None),
        ("spaces", ["x"], ("x",)),
    ],
)
def test_values_become_the_settings_type(name: str, value: Any, result: Any) -> None:
    found = check_value(find(Example, name), value)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("age", "2", 2.0),
        ("count", "4", 4),
        ("flag", "ON", True),
        ("flag", "false", False),
        ("name", "true", "true"),
        ("span", "[0.1, 0.2]", (0.1, 0.2)),
        ("spaces", "a, b", ("a", "b")),
        ("maybe", "", None),
    ],
)
def test_texts_are_read(name: str, text: str, result: Any) -> None:
    assert parse_text(find(Example, name), text) == result


@pytest.mark.parametrize(("name", "text"), [("age", "old"), ("count", "1.5"), ("flag", "maybe"), ("span", "1")])
def test_a_text_that_is_no_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"argument '{name}' is .*. Valid: "):
        parse_text(find(Example, name), text, "argument")


def test_instances_are_built_from_flat_values() -> None:
    asked: list[str] = []
    values = {"speed": 2.0, "count": 7}

    def value_of(item: Any) -> Any:
        asked.append(item.name)
        return values.get(item.name, item.default)

    built = build(Example, value_of)
    assert (built.inner.speed, built.count, built.age) == (2.0, 7, 0.5)
    assert "spaces" not in asked


def test_a_field_that_is_not_declared_is_a_mistake() -> None:
    @dataclass(frozen=True)
    class Bare:
        plain: int = 3

    with pytest.raises(TypeError, match="'plain' of Bare is not declared"):
        declared(Bare)


def test_tables_show_what_can_be_set() -> None:
    table = markdown_table(Example, "argument", "x.").splitlines()
    assert table[0] == "| argument | default | valid | meaning |"
    assert "| `x.age` | `0.5` | a number from 0.1 to 60 s | How old. |" in table
    assert "| `x.open_ended` | `3.0` | a number in Hz | Any \\| finite number. |" in table
    assert "| `x.flag` | `false` | true or false | Whether. |" in table
    assert "| `x.span` | `[0.5, 1.0]` | two numbers from 0 to 1, the lower one first | From where to where. |" in table
    assert "| `x.maybe` | unset | a whole number from 1 to 9 | Perhaps. |" in table
    assert not [row for row in table if "spaces" in row]
