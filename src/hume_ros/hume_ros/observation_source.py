"""Gathers synchronised observations from the topics of a robot profile. The newest wins. Nothing queues."""

from __future__ import annotations

import queue
import time
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.wait_for_message import wait_for_message
from sensor_msgs.msg import CompressedImage, Image, JointState

from hume_core.errors import ObservationError
from hume_core.robot import Camera, RobotProfile
from hume_core.state_composer import StateComposer
from hume_ros import qos
from hume_ros.conversions import image_to_rgb
from hume_ros.encoded_message import EncodedMessage
from hume_ros.joint_state_merger import JointStateMerger
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import (
    JOINT_STATES,
    ObservationBuffer,
    check_cameras,
    state_vector,
)

# Its synchroniser is not used: see `message_sync`.
try:
    import message_filters
except ImportError:
    from hume_ros import message_sync as message_filters

_WARN_PERIOD = 2.0
_SPIN = 0.05

__all__ = ["ObservationSource", "image_type", "probe_sensors", "state_vector"]


def image_type(camera: Camera) -> type:
    """Message type of a camera's topic."""
    return CompressedImage if camera.transport == "compressed" else Image


class ObservationSource(ObservationBuffer):
    """Subscribes to cameras and joint states and keeps the newest matching set.

    Args:
        node: owner of the subscriptions. Its spin thread delivers the messages.
        profile: which topics, and how far apart stamps may lie.
        cameras: the policy's camera keys. A subset of the profile's.
        history: number of past states T that the policy wants.
        composer: of the states. None: that of the profile.
    """

    def __init__(
        self,
        node: Node,
        profile: RobotProfile,
        cameras: list[str],
        history: int = 1,
        composer: StateComposer | None = None,
    ) -> None:
        check_cameras(profile, cameras)
        self._node = node
        states = message_filters.Subscriber(node, JointState, profile.joint_states, qos_profile=qos.JOINT_STATES)
        self._subscriptions = [states.sub]
        sources: dict[str, Any] = {key: self._camera(profile.cameras[key]) for key in cameras}
        sources[JOINT_STATES] = states
        super().__init__(profile, sources, history, on_problem=self._warn, composer=composer)

    def _camera(self, camera: Camera) -> MessageSource:
        """Pictures that are decoded only where a policy looks at them."""
        source, kind = MessageSource(), image_type(camera)

        def deliver(data: bytes) -> None:
            try:
                message = EncodedMessage(data, kind)
            except ObservationError as error:
                self._warn(f"{camera.topic}: {error}")
            else:
                source.deliver(message)

        subscriber = message_filters.Subscriber(self._node, kind, camera.topic, qos_profile=qos.SENSOR, raw=True)
        subscriber.registerCallback(deliver)
        self._subscriptions.append(subscriber.sub)
        return source

    def _warn(self, problem: str) -> None:
        self._node.get_logger().warning(problem, throttle_duration_sec=_WARN_PERIOD)

    def close(self) -> None:
        """Drop the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self.wake()


def probe_sensors(
    node: Node, profile: RobotProfile, cameras: list[str], timeout: float, composer: StateComposer | None = None
) -> NDArray[np.float32]:
    """Wait for one usable message on every topic that the policy needs. Blocks the calling thread.

    Args:
        node: that asks. A short-lived node beside it listens, so that its executor may be busy.
        profile: topics and joint names.
        cameras: the policy's camera keys.
        timeout: for all topics together, s.
        composer: of the state. None: that of the profile.

    Returns:
        The first state (s,).

    Raises:
        ObservationError: names the topic that is silent, or what is wrong with its messages.
    """
    deadline = time.monotonic() + timeout
    # Global arguments would give the probe the name of its node.
    probe = rclpy.create_node(
        f"{node.get_name()}_probe", context=node.context, use_global_arguments=False, start_parameter_services=False
    )
    try:
        for key in cameras:
            if key not in profile.cameras:
                raise ObservationError(
                    f"the policy wants camera '{key}' but robot '{profile.name}' has: {', '.join(profile.cameras)}"
                )
            camera = profile.cameras[key]
            topic = node.resolve_topic_name(camera.topic)
            message = _first_message(probe, image_type(camera), topic, f"camera '{key}'", deadline)
            # What it takes to look at a picture is loaded now, and not when the first one has to be thought about.
            camera.prepare(image_to_rgb(message))
        topic = node.resolve_topic_name(profile.joint_states)
        state = _first_state(probe, profile, topic, deadline)
        return state_vector(composer or StateComposer.of(profile), state)
    finally:
        probe.destroy_node()


def _first_state(node: Node, profile: RobotProfile, topic: str, deadline: float) -> Any:
    """The first complete joint state. Drivers may send a part of the joints each."""
    _first_message(node, JointState, topic, "joint states", deadline)
    merger, messages = JointStateMerger.of(profile), queue.SimpleQueue[Any]()
    subscription = node.create_subscription(JointState, topic, messages.put, qos.JOINT_STATES)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    try:
        # At least one more look where the first message took all the time.
        end = max(deadline, time.monotonic() + 1.0)
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=_SPIN)
            while not messages.empty():
                state = merger.add(messages.get(), time.monotonic())
                if state is not None:
                    return state
    finally:
        executor.remove_node(node)
        executor.shutdown(timeout_sec=0.5)
        node.destroy_subscription(subscription)
    raise ObservationError(merger.problem(time.monotonic()) or f"joint states: no usable message on {topic}")


def _first_message(node: Node, msg_type: type, topic: str, what: str, deadline: float) -> Any:
    remaining = max(0.1, deadline - time.monotonic())
    found, message = wait_for_message(msg_type, node, topic, qos_profile=qos.SENSOR, time_to_wait=remaining)
    if found:
        return message
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        raise ObservationError(f"{what}: nobody publishes {topic}. Start the driver or correct the robot profile")
    types = ", ".join(sorted({info.topic_type for info in publishers}))
    raise ObservationError(f"{what}: no usable message on {topic} (published as {types}, wanted {msg_type.__name__})")
