"""Settings as node parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.settings import setting
from hume_ros.parameters import declare_settings


@dataclass(frozen=True)
class Example:
    """One of each kind."""

    age: float = setting(0.5, "How old.", unit="s", low=0.1, high=60.0)
    count: int = setting(3, "How many.", low=0)
    name: str = setting("", "Who.")
    kind: str = setting("a", "Which.", choices=("a", "b"))
    span: tuple[float, float] = setting((0.5, 1.0), "From where to where.", low=0.0, high=1.0)
    share: float = setting(1.0, "How much.", low=0.0, high=1.0, read_only=False)
    rate: float = setting(200.0, "How often.", given_by="robot profile")


@contextmanager
def node(*assignments: str) -> Iterator[Node]:
    """A node as the command line `-p name:=value` starts it."""
    rclpy.init(args=["--ros-args", *(part for text in assignments for part in ("-p", text))])
    made = Node("parameters_test")
    try:
        yield made
    finally:
        made.destroy_node()
        rclpy.shutdown()


def test_values_come_from_outside_or_from_the_defaults() -> None:
    with node("age:=2", "span:=[0, 1]", "kind:=b") as owner:
        settings = declare_settings(owner, Example)
        assert settings == Example(age=2.0, span=(0.0, 1.0), kind="b")
        assert owner.get_parameter("age").type_ is Parameter.Type.DOUBLE
        assert owner.get_parameter("span").type_ is Parameter.Type.DOUBLE_ARRAY
        assert not owner.has_parameter("rate")


def test_descriptors_say_range_unit_and_choices() -> None:
    with node() as owner:
        declare_settings(owner, Example, "some.")
        age = owner.describe_parameter("some.age")
        assert age.description == "How old. Valid: a number from 0.1 to 60 s."
        assert (age.floating_point_range[0].from_value, age.floating_point_range[0].to_value) == (0.1, 60.0)
        count = owner.describe_parameter("some.count").integer_range[0]
        assert (count.from_value, count.to_value) == (0, 2**63 - 1)
        assert owner.describe_parameter("some.kind").additional_constraints == "a or b"
        assert age.read_only
        assert not owner.set_parameters([Parameter("some.age", value=1.0)])[0].successful
        assert owner.set_parameters([Parameter("some.share", value=0.5)])[0].successful


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("age:=0.01", "parameter 'age' is 0.01; valid: a number from 0.1 to 60 s"),
        ("age:=.nan", "parameter 'age' is nan; valid: a number from 0.1 to 60 s"),
        ("age:=old", "parameter 'age' is 'old'; valid: a number from 0.1 to 60 s"),
        ("count:=2.5", "parameter 'count' is 2.5; valid: a whole number from 0"),
        ("name:=no", "parameter 'name' is False; valid: text"),
        ("kind:=c", "parameter 'kind' is 'c'; valid: a or b"),
        ("span:=[1.0, 0.5]", "parameter 'span' is .*; valid: two numbers from 0 to 1, the lower one first"),
    ],
)
def test_a_wrong_value_is_named_with_range_and_unit(assignment: str, expected: str) -> None:
    with node(assignment) as owner, pytest.raises(ConfigError, match=expected):
        declare_settings(owner, Example)
