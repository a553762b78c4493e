"""What is commanded and measured in a running stack, looked at a few times per second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import commanded_positions, known_joint_values
from hume_ros.sampled_topics import SampledTopics


class MotionSamples:
    """The newest of each.

    Args:
        node: in whose namespace the topics are.
        profile: names them.

    Attributes:
        commanded, measured: (n,) joint positions in policy order, rad. NaN: not known yet.
    """

    def __init__(self, node: Node, profile: RobotProfile) -> None:
        self._names = profile.joint_names
        self._commands = {arm.controller.topic: arm.joint_names for arm in profile.arms}
        self._joint_states = profile.joint_states
        self.commanded = np.full(len(self._names), np.nan)
        self.measured = np.full(len(self._names), np.nan)
        self._topics = SampledTopics(node)
        self._topics.add(JointState, self._joint_states, qos.JOINT_STATES)
        for topic in self._commands:
            self._topics.add(JointTrajectory if profile.plays_trajectories else Float64MultiArray, topic, qos.SENSOR)

    def look(self, now: float) -> None:
        """Take what has come since the last look.

        Args:
            now: ROS time, s.
        """
        self._look_at_joint_states()
        for topic, names in self._commands.items():
            self._look_at_commands(topic, names, now)

    def _look_at_commands(self, topic: str, names: Sequence[str], now: float) -> None:
        for message in islice(self._topics.take(topic), 1):
            found = commanded_positions(message, names, now)
            _merge(self.commanded, np.array([found.get(name, np.nan) for name in self._names]))

    def close(self) -> None:
        """Leave the topics."""
        self._topics.close()

    def _look_at_joint_states(self) -> None:
        """Drivers may send a part of the joints each: go back until the newest of every joint is found."""
        new = np.full(len(self._names), np.nan)
        for message in self._topics.take(self._joint_states):
            positions = known_joint_values(message, self._names)
            missing = np.isnan(new)
            new[missing] = positions[missing]
            if np.isfinite(new).all():
                break
        _merge(self.measured, new)


def _merge(known: NDArray[np.float64], new: NDArray[np.float64]) -> None:
    there = np.isfinite(new)
    known[there] = new[there]
