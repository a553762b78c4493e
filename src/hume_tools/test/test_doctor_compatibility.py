"""Which subscriptions get a command, and which publishers the stack receives from, by the rules of the middleware."""

from __future__ import annotations

from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from rclpy.duration import Duration  # noqa: E402
from rclpy.qos import (  # noqa: E402
    DurabilityPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
    qos_profile_system_default,
)

from hume_ros import qos  # noqa: E402
from hume_tools.doctor.compatibility import qos_mismatch  # noqa: E402


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"reliability": ReliabilityPolicy.BEST_EFFORT}, ""),
        ({"durability": DurabilityPolicy.TRANSIENT_LOCAL}, "transient local subscription"),
        ({"deadline": Duration(seconds=1)}, "deadline"),
        ({"liveliness": LivelinessPolicy.MANUAL_BY_TOPIC}, "liveliness"),
        ({"liveliness_lease_duration": Duration(seconds=1)}, "lease duration"),
    ],
)
def test_a_subscription_that_asks_for_more_than_is_sent_is_named(changes: dict[str, Any], problem: str) -> None:
    found = qos_mismatch(qos.COMMAND, QoSProfile(depth=1, **changes))
    assert problem in found
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(
    "publisher",
    [qos.COMMAND, qos.LATCHED, qos_profile_sensor_data, qos_profile_system_default, QoSProfile(depth=5)],
)
def test_the_stack_receives_from_nearly_all_sensors(publisher: QoSProfile) -> None:
    assert qos_mismatch(publisher, qos.SENSOR) == ""
