"""Timers that go on when /clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node


def steady_timer(node: Node, period: float, callback: Callable[[], None]) -> Any:
    """Call `callback` every `period` seconds of the steady clock, on the spin thread."""
    return node.create_timer(period, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
