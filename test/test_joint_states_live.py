"""Joint states of several publishers on a running graph: what the nodes ask for, and what the doctor finds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState

from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_ros.observation_source import probe_sensors
from hume_tools.doctor.listener import _Listener
from hume_tools.doctor.sources import judge_sources

pytestmark = pytest.mark.ros

PROFILE = RobotProfile.load("ur5e")
ARM = list(PROFILE.joint_names)
FINGER = [PROFILE.gripper.joint] if PROFILE.gripper else []


class Drivers:
    """Nodes that publish joint states, each its own joints, until they are closed."""

    def __init__(self, *joints: list[str], velocity: float | None = None) -> None:
        self._nodes = [rclpy.create_node(f"driver_{k}") for k in range(len(joints))]
        self._publishers = [node.create_publisher(JointState, PROFILE.joint_states, 10) for node in self._nodes]
        self._joints, self._velocity = joints, velocity
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            for node, publisher, names in zip(self._nodes, self._publishers, self._joints, strict=True):
                message = JointState(name=names, position=[0.1] * len(names))
                if self._velocity is not None:
                    message.velocity = [self._velocity] * len(names)
                message.header.stamp = node.get_clock().now().to_msg()
                publisher.publish(message)

    def close(self) -> None:
        """Leave the graph."""
        self._stop.set()
        self._thread.join()
        for node in self._nodes:
            node.destroy_node()


@pytest.fixture
def drivers(ros_domain: int) -> Iterator[list[Drivers]]:
    running: list[Drivers] = []
    yield running
    for driver in running:
        driver.close()


def found() -> dict[str, Any]:
    """What the doctor says of the joint states."""
    profile = PROFILE.model_copy(update={"cameras": {}})
    node, executor = rclpy.create_node("doctor"), SingleThreadedExecutor()
    executor.add_node(node)
    try:
        graph = _Listener(node, executor, profile).listen(1.0)
    finally:
        executor.shutdown(timeout_sec=0.5)
        node.destroy_node()
    return {finding.what: finding for finding in judge_sources(profile, graph)}


def test_a_robot_whose_drivers_publish_their_own_joints_is_usable(observer: Any, drivers: list[Drivers]) -> None:
    drivers.append(Drivers(ARM[:4], ARM[4:], FINGER))
    probe_sensors(observer.node, PROFILE, [], 10.0)
    findings = found()
    assert findings["joint names"].good
    assert "joint publishers" not in findings


def test_a_joint_that_nobody_publishes_is_named(observer: Any, drivers: list[Drivers]) -> None:
    drivers.append(Drivers(ARM))
    begin = time.monotonic()
    with pytest.raises(ObservationError, match=f"no joint '{FINGER[0]}'. They have: {ARM[0]}"):
        probe_sensors(observer.node, PROFILE, [], 2.0)
    assert time.monotonic() - begin > 1.0


def test_the_doctor_names_two_publishers_of_a_joint_and_velocities_that_are_nan(
    ros_domain: int, drivers: list[Drivers]
) -> None:
    drivers.append(Drivers([*ARM, *FINGER], ARM[2:3], velocity=float("nan")))
    findings = found()
    assert findings["joint publishers"].found == f"joint '{ARM[2]}' comes from driver_0, driver_1"
    assert not findings["joint publishers"].optional
    assert f"nan) for {ARM[0]}" in findings["joint velocities"].found
