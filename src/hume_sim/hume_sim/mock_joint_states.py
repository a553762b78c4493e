"""The joint states of a stand-in robot: of one driver or of several, any of which may fall silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from hume_core.errors import ConfigError
from hume_core.texts import did_you_mean
from hume_sim.mock_arm import JointGroup, MockArm

_SILENT = "silent_parts"


class MockJointStates:
    """Publishes what the joints measure.

    Args:
        node: who publishes. Its parameter `silent_parts` may be set at any time.
        topic: of the joint states.
        arm: the robot.
        separate: whether each arm and each gripper has a publisher of its own, as with one driver each.
        silent: paths of the arms and grippers that nothing is heard of, with commas between them.

    Raises:
        ConfigError: the robot has no such part. Lists those that it has.
    """

    def __init__(self, node: Node, topic: str, arm: MockArm, *, separate: bool, silent: str) -> None:
        self._arm = arm
        drivers: list[tuple[JointGroup, ...]] = [(group,) for group in arm.groups] if separate else [arm.groups]
        self._drivers = [(groups, node.create_publisher(JointState, topic, 10)) for groups in drivers]
        self._silent = self._checked(silent)
        node.add_on_set_parameters_callback(self._on_set)

    def publish(self, stamp: Any) -> None:
        """Publish the state of now, with a stamp."""
        positions, velocities = self._arm.position.tolist(), self._arm.velocity.tolist()
        for groups, publisher in self._drivers:
            heard = [group for group in groups if group.path not in self._silent]
            if not heard:
                continue
            message = JointState(name=[name for group in heard for name in group.names])
            message.header.stamp = stamp
            message.position = [number for group in heard for number in positions[group.place]]
            message.velocity = [number for group in heard for number in velocities[group.place]]
            publisher.publish(message)

    def _checked(self, text: str) -> frozenset[str]:
        valid = [group.path for group in self._arm.groups]
        paths = [path.strip() for path in text.split(",") if path.strip()]
        for path in paths:
            if path not in valid:
                raise ConfigError(
                    f"{_SILENT} names '{path}', which the robot does not have. Valid: {', '.join(valid)}"
                    f"{did_you_mean(path, valid)}"
                )
        return frozenset(paths)

    def _on_set(self, parameters: Sequence[Parameter[Any]]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name != _SILENT:
                continue
            try:
                self._silent = self._checked(str(parameter.value))
            except ConfigError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)
