"""What is commanded, measured and said in a running stack, looked at a few times per second."""

from __future__ import annotations

from itertools import islice

import numpy as np
from hume_msgs.msg import System1Status
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from hume_core.robot import ArmControllerType, RobotProfile
from hume_ros import qos
from hume_ros.conversions import commanded_positions, known_joint_values
from hume_ros.sampled_topics import SampledTopics

_STATUS = "hume/status"


class MotionSamples:
    """The newest of each.

    Args:
        node: in whose namespace the topics are.
        profile: names them.

    Attributes:
        commanded, measured: (n,) joint positions in policy order, rad. NaN: not known yet.
        status: of System 1. None: none came since the last look.
    """

    def __init__(self, node: Node, profile: RobotProfile) -> None:
        self._names, self._commands = profile.joint_names, profile.controllers.arm.topic
        self._joint_states = profile.joint_states
        self.commanded = np.full(len(self._names), np.nan)
        self.measured = np.full(len(self._names), np.nan)
        self.status: System1Status | None = None
        trajectory = profile.controllers.arm.type is ArmControllerType.JOINT_TRAJECTORY
        self._topics = SampledTopics(node)
        self._topics.add(JointState, self._joint_states, qos.JOINT_STATES)
        self._topics.add(JointTrajectory if trajectory else Float64MultiArray, self._commands, qos.SENSOR)
        self._topics.add(System1Status, _STATUS, qos.CHUNK)

    def look(self, now: float) -> None:
        """Take what has come since the last look.

        Args:
            now: ROS time, s.
        """
        self._look_at_joint_states()
        for message in islice(self._topics.take(self._commands), 1):
            found = commanded_positions(message, self._names, now)
            _merge(self.commanded, np.array([found.get(name, np.nan) for name in self._names]))
        self.status = next(self._topics.take(_STATUS), None)

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
