"""Settings as node parameters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.settings import setting
from hume_ros.lifecycle import run_node
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
    steps: int = setting(3, "How many next.", low=0, read_only=False)
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
        ("age:=0.01", "parameter 'age' is 0.01. Valid: a number from 0.1 to 60 s"),
        ("age:=.nan", "parameter 'age' is nan. Valid: a number from 0.1 to 60 s"),
        ("age:=old", "parameter 'age' is 'old'. Valid: a number from 0.1 to 60 s"),
        ("count:=2.5", "parameter 'count' is 2.5. Valid: a whole number from 0"),
        ("name:=no", "parameter 'name' is False. Valid: text"),
        ("kind:=c", "parameter 'kind' is 'c'. Valid: a or b"),
        ("span:=[1.0, 0.5]", "parameter 'span' is .*. Valid: two numbers from 0 to 1, the lower one first"),
    ],
)
def test_a_wrong_value_is_named_with_range_and_unit(assignment: str, expected: str) -> None:
    with node(assignment) as owner, pytest.raises(ConfigError, match=expected):
        declare_settings(owner, Example)


@pytest.mark.parametrize(
    ("assignment", "name", "expected"),
    [
        ("age:=1", "age", 1.0),
        ("share:=0", "share", 0.0),
        ("span:=[0, 1]", "span", (0.0, 1.0)),
        ("span:=[0.25, 1.0]", "span", (0.25, 1.0)),
    ],
)
def test_whole_numbers_are_taken_where_a_number_is_wanted(assignment: str, name: str, expected: object) -> None:
    with node(assignment) as owner:
        assert getattr(declare_settings(owner, Example), name) == expected


def test_a_running_node_takes_whole_numbers_too() -> None:
    with node() as owner:
        declare_settings(owner, Example, "some.")
        for value in (0, 1):
            assert owner.set_parameters([Parameter("some.share", value=value)])[0].successful
            assert owner.get_parameter("some.share").type_ is Parameter.Type.DOUBLE
            assert owner.get_parameter("some.share").value == value
        assert owner.set_parameters([Parameter("some.steps", value=5)])[0].successful
        assert owner.get_parameter("some.steps").type_ is Parameter.Type.INTEGER


@pytest.mark.parametrize(
    ("name", "value"),
    [("share", 2), ("share", -1), ("share", "1"), ("share", True), ("share", [1]), ("steps", 1.0), ("age", 1)],
)
def test_a_running_node_takes_nothing_else(name: str, value: object) -> None:
    """Out of range, of another type, or read-only."""
    with node() as owner:
        before = declare_settings(owner, Example)
        assert not owner.set_parameters([Parameter(name, value=value)])[0].successful
        assert owner.get_parameter(name).value == getattr(before, name)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-p", "span:=[0.5, 1]"], "Write the numbers of a list alike, such as [0.9, 1.0]"),
        (["-p", "age"], "the ROS arguments cannot be read"),
        (["-r", "age"], "Couldn't parse remap rule"),
        (["--params-file", "/absent.yaml"], "/absent.yaml"),
        (["--unknown"], "--unknown"),
    ],
)
def test_ros_arguments_that_cannot_be_read_end_the_process_with_a_word(
    arguments: list[str], expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_node(lambda: Node("parameters_test"), ["--ros-args", *arguments]) == 2
    told = capfd.readouterr().err
    assert expected in told
    assert ".c:" not in told.partition("hume: ")[2]


@pytest.mark.parametrize("assignment", ["use_sim_time:=1", "use_sim_time:=yes please"])
def test_a_parameter_of_rclpy_of_a_wrong_type_ends_the_process_with_a_word(assignment: str) -> None:
    program = "from hume_ros.lifecycle import *; run_process(lambda: Node('parameters_test'))"
    finished = subprocess.run(
        [sys.executable, "-c", program, "--ros-args", "-p", assignment],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert "hume: Trying to set parameter 'use_sim_time'" in finished.stderr
    assert "Traceback" not in finished.stderr
