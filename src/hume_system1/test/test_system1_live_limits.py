"""Limits are tightened live through parameters, and never loosened."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.limits import MotionLimits
from hume_system1.control.core import ControlCore
from hume_system1.live_limits import LiveLimits, scaled

LIMITS = MotionLimits(("a", "b"), *(np.full(2, value) for value in (-1.0, 1.0, 2.0, 10.0, 100.0, 0.2)))


@pytest.fixture
def node() -> Iterator[Node]:
    rclpy.init(args=["--ros-args", "-p", "limit_scale.jerk:=0.5"])
    node = Node("limits_test")
    yield node
    node.destroy_node()
    rclpy.shutdown()


def set_scale(node: Node, kind: str, value: float) -> tuple[bool, str]:
    result = node.set_parameters([Parameter(f"limit_scale.{kind}", value=value)])[0]
    return result.successful, result.reason


def test_scales_set_at_start_hold_from_the_first_command(node: Node) -> None:
    limits = LiveLimits(node).apply(LIMITS)
    assert limits.jerk.tolist() == [50.0, 50.0]
    assert limits.velocity.tolist() == [2.0, 2.0]


def test_running_limits_are_tightened_and_not_loosened(node: Node) -> None:
    live = LiveLimits(node)
    core = ControlCore(live.apply(LIMITS))
    live.connect(core, LIMITS)
    assert set_scale(node, "velocity", 0.25) == (True, "")
    with pytest.raises(ConfigError, match="loosened"):
        core.tighten(scaled(LIMITS, {"velocity": 0.5, "jerk": 0.5}))
    done, reason = set_scale(node, "velocity", 0.5)
    assert not done
    assert "'velocity' of joint 'a' would be loosened" in reason
    assert node.get_parameter("limit_scale.velocity").value == 0.25
    assert live.apply(LIMITS).velocity.tolist() == [0.5, 0.5]


def test_an_unconfigured_node_may_loosen_again(node: Node) -> None:
    live = LiveLimits(node)
    live.connect(ControlCore(live.apply(LIMITS)), LIMITS)
    live.connect(None)
    assert set_scale(node, "jerk", 1.0)[0]
    assert live.apply(LIMITS).jerk.tolist() == [100.0, 100.0]


@pytest.mark.parametrize("value", [0.0, -1.0, 1.5, float("nan")])
def test_a_scale_out_of_range_is_refused(node: Node, value: float) -> None:
    LiveLimits(node)
    assert not set_scale(node, "velocity", value)[0]
