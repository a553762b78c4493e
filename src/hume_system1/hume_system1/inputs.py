"""Messages of System 1's command process as events of the control core."""

from __future__ import annotations

from typing import Any

from hume_ros.conversions import stamp_seconds
from hume_system1.control.events import JointStateEvent


def joint_state_event(message: Any) -> JointStateEvent:
    """A `sensor_msgs/JointState`."""
    return JointStateEvent(
        names=tuple(message.name),
        position=tuple(message.position),
        velocity=tuple(message.velocity),
        stamp=stamp_seconds(message.header.stamp),
    )
