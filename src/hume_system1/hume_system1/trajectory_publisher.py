"""Publishes a `TrajectoryStream`. Everything is allocated beforehand, so that a tick only fills in numbers."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_system1.command_topic import CommandTopic
from hume_system1.control.stamp_clock import StampClock
from hume_system1.control.trajectory_stream import TrajectoryStream

_NS = 1_000_000_000


class TrajectoryPublisher(CommandTopic):
    """The messages of one `joint_trajectory_controller`.

    Args:
        node: whose clock gives the stamps.
        topic: of the controller.
        names: joints.
        stream: points of the next message.
        derivatives: whether points carry velocities and accelerations. Without, the controller goes in lines.
    """

    def __init__(
        self, node: Node, topic: str, names: Sequence[str], stream: TrajectoryStream, derivatives: bool = True
    ) -> None:
        super().__init__(node, JointTrajectory, topic)
        self._stream = stream
        self._message = JointTrajectory(joint_names=list(names))
        self._clock = StampClock()
        fields = ("positions", "velocities", "accelerations") if derivatives else ("positions",)
        empty = bytes(8 * len(names))
        self._points = [
            JointTrajectoryPoint(**{field: array("d", empty) for field in fields}) for _ in range(stream.capacity)
        ]
        self._numbers = [[np.frombuffer(getattr(point, field)) for point in self._points] for field in fields]

    def publish(self, turns: NDArray[np.float64] | float = 0.0) -> None:
        """Send the stream's newest message.

        Args:
            turns: (n,) what is added to every position, for drivers that count the turns of a joint otherwise, rad.
        """
        stream, points = self._stream, self._points
        states = (stream.positions + turns, stream.velocities, stream.accelerations)
        for values, rows in zip(self._numbers, states):  # noqa: B905
            for value, row in zip(values, rows):  # noqa: B905
                value[:] = row
        begin = stream.times[0]
        for point, since in zip(points, (stream.times - begin).tolist()):  # noqa: B905
            seconds = int(since)
            point.time_from_start.sec, point.time_from_start.nanosec = seconds, int((since - seconds) * 1e9)
        self._clock.update(time.monotonic_ns(), self._node.get_clock().now().nanoseconds)
        stamp = self._message.header.stamp
        stamp.sec, stamp.nanosec = divmod(self._clock.at(round(begin * 1e9)), _NS)
        self._message.points = points[: stream.count]
        self._publisher.publish(self._message)
