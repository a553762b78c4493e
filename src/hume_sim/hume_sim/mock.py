"""ROS node: stands in for the robot of any profile. Sensors publish, commands are followed as its controllers do.

Images are made up, or come from a bag. There is no scene: nothing can be grasped or hit. Where the profile has a
controller_manager, one is served too: while it has stopped a controller, that controller's commands are ignored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from hume_core.errors import ActionSpaceError, ConfigError
from hume_core.realtime import raise_ordinary_threads
from hume_core.robot import (
    ArmController,
    Camera,
    GripperController,
    GripperControllerType,
    RobotProfile,
)
from hume_ros import qos
from hume_ros.lifecycle import LINGER, run_process
from hume_ros.observation_source import image_type
from hume_ros.parameters import declare_settings
from hume_ros.timers import steady_timer
from hume_sim.messages import from_joint_trajectory, to_image, to_stamp, to_time
from hume_sim.mock_arm import JointGroup, MockArm, Servos, moving_picture
from hume_sim.mock_gripper import MockGripperServer
from hume_sim.mock_joint_states import MockJointStates
from hume_sim.mock_manager import Gate
from hume_sim.settings import MockParameters

_MOST_RECORDED = 300
_WARN_PERIOD = 2.0


class MockNode(Node):
    """Publishes what the profile's driver and cameras would, and takes its command topics.

    Raises:
        ConfigError: a parameter is wrong, or the bag lacks a camera.
        RobotProfileError: unknown robot.
    """

    def __init__(self) -> None:
        super().__init__("hume_mock")
        settings = declare_settings(self, MockParameters)
        if not settings.robot:
            raise ConfigError("the parameter 'robot' must be set")
        profile = RobotProfile.load(settings.robot, settings.prefix, settings.prefix_controllers)
        self._size = (settings.image_height, settings.image_width)
        self._clock_publisher = self.create_publisher(Clock, "/clock", 1) if settings.publish_clock else None
        self._recorded = _read_images(Path(settings.bag), profile) if settings.bag else {}
        self._period, self._frame = 1.0 / settings.joint_state_rate, 0
        servos = Servos(settings.servo_lag, settings.enforce_command_limits, settings.wrap_continuous)
        self._arm = MockArm(profile, servos, self._period, settings.interpolate_from_desired_state)
        self._joint_states = MockJointStates(
            self,
            profile.joint_states,
            self._arm,
            separate=settings.separate_joint_states,
            silent=settings.silent_parts,
        )
        self._cameras: dict[str, tuple[Camera, Any]] = {
            key: (camera, self.create_publisher(image_type(camera), camera.topic, 2))
            for key, camera in profile.cameras.items()
        }
        self._gate = Gate(self, profile, settings.interpolate_from_desired_state)
        self.extra_nodes = self._gate.nodes
        """Nodes of the controllers and their manager, which are spun beside this one."""
        self._grippers: list[MockGripperServer] = []
        self._subscribe(profile, settings)
        self._started, self._priority = time.monotonic(), settings.priority
        steady_timer(self, self._period, self._step)
        steady_timer(self, 1.0 / settings.camera_rate, self._publish_images)
        self.get_logger().info(f"standing in for robot '{profile.name}'")

    def raise_threads(self) -> None:
        """Put all threads of this process above ordinary programs. For a process that is the stand-in alone.

        It stands for hardware: a robot does not fall silent when its computer is busy.
        """
        if self._priority > 0:
            raise_ordinary_threads(self._priority, round_robin=True)

    def _subscribe(self, profile: RobotProfile, settings: MockParameters) -> None:
        for arm, joints in zip(profile.arms, self._arm.arms, strict=True):
            self._take(arm.controller, profile.plays_trajectories, joints)
        for gripper, joints in zip(profile.grippers, self._arm.grippers, strict=True):
            controller = gripper.controller
            if controller is None:
                continue
            if controller.type is GripperControllerType.GRIPPER_ACTION:
                kind = f"control_msgs/action/{settings.gripper_action}"
                server = MockGripperServer(self, controller.topic, kind, self._arm, joints, settings.gripper_refuses)
                self._grippers.append(server)
            else:
                self._take(controller, controller.type is GripperControllerType.JOINT_TRAJECTORY, joints)

    def _take(self, controller: ArmController | GripperController, trajectory: bool, joints: JointGroup) -> None:
        """Hand what comes on a controller's topic to its joints, while the controller is active."""

        def follow(message: Any) -> None:
            joints.follow(from_joint_trajectory(message, joints.names), to_stamp(message), self._now())

        def command(message: Any) -> None:
            joints.command(message.data)

        def hold() -> None:
            joints.hold(self._arm.measured(joints))

        take = self._gate.guard(controller.managed_name, follow if trajectory else command, hold)
        self._listen(JointTrajectory if trajectory else Float64MultiArray, controller.topic, take)

    def _listen(self, message_type: type, topic: str, callback: Callable[[Any], None]) -> None:
        def receive(message: Any) -> None:
            try:
                callback(message)
            except ActionSpaceError as error:
                self.get_logger().warning(f"ignored {topic}: {error}", throttle_duration_sec=_WARN_PERIOD)

        self.create_subscription(message_type, topic, receive, qos.COMMAND)

    def destroy_node(self) -> None:
        """Leave the graph at once, with the nodes beside this one. The action server would hold the node there."""
        for gripper in self._grippers:
            gripper.close()
        self._gate.close()
        super().destroy_node()

    def _nanoseconds(self) -> int:
        if self._clock_publisher is not None:
            return round(1e9 * (time.monotonic() - self._started))
        return int(self.get_clock().now().nanoseconds)

    def _now(self) -> float:
        """ROS time of this robot, s."""
        return 1e-9 * self._nanoseconds()

    def _stamp(self) -> Any:
        return to_time(self._nanoseconds())

    def _step(self) -> None:
        self._arm.step(self._period, self._now())
        for gripper in self._grippers:
            gripper.step()
        stamp = self._stamp()
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=stamp))
        self._joint_states.publish(stamp)

    def _publish_images(self) -> None:
        self._frame += 1
        stamp = self._stamp()
        for key, (camera, publisher) in self._cameras.items():
            recorded = self._recorded.get(key)
            message = recorded[self._frame % len(recorded)] if recorded else self._made_up(camera, key)
            message.header.stamp = stamp
            publisher.publish(message)

    def _made_up(self, camera: Camera, key: str) -> Any:
        picture = moving_picture(*self._size, self._frame)
        if camera.transport == "raw":
            return to_image(picture, key, to_time(0))
        import cv2

        coded = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]))[1]
        return CompressedImage(format="rgb8; jpeg compressed bgr8", data=coded.tobytes())


def _read_images(bag: Path, profile: RobotProfile) -> dict[str, list[Any]]:
    """The first images of each camera in a bag.

    Raises:
        ConfigError: the bag cannot be read, or lacks a camera's topic.
    """
    from rosbags.highlevel import AnyReader, AnyReaderError

    images: dict[str, list[Any]] = {}
    try:
        with AnyReader([bag]) as reader:
            for key, camera in profile.cameras.items():
                found = [c for c in reader.connections if c.topic.strip("/") == camera.topic.strip("/")]
                if not found:
                    topics = ", ".join(sorted(c.topic for c in reader.connections))
                    raise ConfigError(f"bag '{bag}' has no topic '{camera.topic}' for camera '{key}'. It has: {topics}")
                raw = (data for _, _, data in reader.messages(connections=found))
                kind = image_type(camera)
                images[key] = [deserialize_message(bytes(data), kind) for data in islice(raw, _MOST_RECORDED)]
    except (AnyReaderError, OSError) as error:
        raise ConfigError(f"bag '{bag}' cannot be read: {error}") from error
    return images


def main() -> None:
    """Entry point `hume_mock`: run the node until SIGINT or SIGTERM."""
    run_process(_node, linger=LINGER)


def _node() -> MockNode:
    node = MockNode()
    node.raise_threads()
    return node


if __name__ == "__main__":
    main()
