"""Gathers synchronised observations from the topics of a robot profile. The newest wins; nothing queues."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.wait_for_message import wait_for_message
from sensor_msgs.msg import CompressedImage, Image, JointState

from hume_core.errors import ObservationError
from hume_core.observation import Observation
from hume_core.robot import Camera, RobotProfile, StateField
from hume_ros import qos
from hume_ros.conversions import image_to_rgb, joint_values, stamp_seconds

try:
    import message_filters
except ImportError:
    from hume_ros import message_sync as message_filters

_QUEUE = 10


@dataclass(frozen=True)
class Frame:
    """One observation of the robot.

    Attributes:
        stamp: time of its oldest part, s on the ROS clock.
        images: camera key -> uint8 (1, height, width, 3) RGB, not to be written.
        joint_positions: (n,) in policy order, rad.
        states: (T, s) `observation.state`, oldest first.
    """

    stamp: float
    images: dict[str, NDArray[np.uint8]]
    joint_positions: NDArray[np.float64]
    states: NDArray[np.float32]

    def observation(self, task: str) -> Observation:
        """The policy's input, batch of one."""
        return Observation(
            images=self.images,
            state=self.states[None],
            task=[task],
        )


def state_vector(profile: RobotProfile, message: Any) -> NDArray[np.float32]:
    """`observation.state` of a JointState message, as the profile lays it out.

    Returns:
        float32 (s,), rad, rad/s, and the gripper's position.

    Raises:
        ObservationError: a joint is missing or a value is not finite.
    """
    parts: list[NDArray[np.float64]] = []
    for field in profile.state:
        if field is StateField.JOINT_POSITIONS:
            parts.append(joint_values(message, profile.joint_names))
        elif field is StateField.JOINT_VELOCITIES:
            parts.append(joint_values(message, profile.joint_names, "velocity"))
        elif profile.gripper is not None:
            parts.append(joint_values(message, [profile.gripper.joint]))
    return np.concatenate(parts).astype(np.float32)


def image_type(camera: Camera) -> type:
    """Message type of a camera's topic."""
    return CompressedImage if camera.transport == "compressed" else Image


class Observer:
    """Subscribes to cameras and joint states and keeps the newest matching set.

    Args:
        node: owner of the subscriptions; its spin thread delivers the messages.
        profile: which topics, and how far apart stamps may lie.
        cameras: the policy's camera keys; a subset of the profile's.
        history: number of past states T that the policy wants.
    """

    def __init__(self, node: Node, profile: RobotProfile, cameras: list[str], history: int = 1) -> None:
        missing = [key for key in cameras if key not in profile.cameras]
        if missing:
            raise ObservationError(
                f"the policy wants camera '{missing[0]}' but robot '{profile.name}' has: "
                f"{', '.join(profile.cameras)}; add it to the profile's cameras"
            )
        self._node = node
        self._profile = profile
        self._cameras = cameras
        self._history: deque[tuple[float, Any]] = deque(maxlen=max(2, history * 60))
        self._num_states = history
        self._arrival: dict[str, float] = {}
        self._matched: tuple[Any, ...] | None = None
        self._decoded: tuple[tuple[Any, ...], dict[str, NDArray[np.uint8]]] | None = None
        self._condition = threading.Condition()
        filters = [
            self._subscribe(key, image_type(profile.cameras[key]), profile.cameras[key].topic) for key in cameras
        ]
        filters.append(self._subscribe("joint_states", JointState, profile.joint_states))
        self._subscriptions = [source.sub for source in filters]
        self._sync = message_filters.ApproximateTimeSynchronizer(filters, _QUEUE, profile.observation.slop)
        self._sync.registerCallback(self._store)

    def wait_for_new(self, after: float, timeout: float) -> bool:
        """Block until a set newer than `after` (s, ROS clock) is there; False at the timeout (s)."""
        with self._condition:
            return self._condition.wait_for(lambda: self._newest_stamp() > after, timeout)

    def wake(self) -> None:
        """Let a blocked `wait_for_new` look again, for shutdown."""
        with self._condition:
            self._condition.notify_all()

    def take(self, now: float, *, newest_state: bool = False) -> Frame:
        """Decode the newest set.

        Args:
            now: s on the ROS clock.
            newest_state: take the newest joint state instead of the one that matches the images.

        Raises:
            ObservationError: nothing matched yet, the set is too old, or a message cannot be used.
        """
        with self._condition:
            matched = self._matched
            history = list(self._history)
        if matched is None:
            raise ObservationError(self._nothing_matched())
        stamp = min(stamp_seconds(message.header.stamp) for message in matched)
        if now - stamp > self._profile.observation.max_age:
            raise ObservationError(
                f"the newest observation is {now - stamp:.2f} s old; at most {self._profile.observation.max_age} s "
                "is allowed (observation.max_age of the robot profile)"
            )
        images = self._batch(matched)
        state = history[-1][1] if newest_state else matched[-1]
        return Frame(
            stamp=stamp,
            images=images,
            joint_positions=joint_values(state, self._profile.joint_names),
            states=self._states(state, history),
        )

    def _batch(self, matched: tuple[Any, ...]) -> dict[str, NDArray[np.uint8]]:
        """Batches of one (1, height, width, 3); the same arrays as long as no newer set has come."""
        if self._decoded is None or self._decoded[0] is not matched:
            pairs = zip(self._cameras, matched[:-1], strict=True)
            self._decoded = matched, {key: image_to_rgb(message)[None] for key, message in pairs}
        return self._decoded[1]

    def ages(self) -> dict[str, float]:
        """Seconds since the last arrival of each source; infinite where none came."""
        now = time.monotonic()
        sources = [*self._cameras, "joint_states"]
        return {source: now - self._arrival.get(source, float("-inf")) for source in sources}

    def close(self) -> None:
        """Drop the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self.wake()

    def _subscribe(self, source: str, msg_type: type, topic: str) -> Any:
        subscriber = message_filters.Subscriber(self._node, msg_type, topic, qos_profile=qos.SENSOR)
        subscriber.registerCallback(self._note_arrival, source)
        return subscriber

    def _note_arrival(self, message: Any, source: str) -> None:
        self._arrival[source] = time.monotonic()
        if source == "joint_states":
            self._history.append((stamp_seconds(message.header.stamp), message))

    def _store(self, *messages: Any) -> None:
        with self._condition:
            self._matched = messages
            self._condition.notify_all()

    def _newest_stamp(self) -> float:
        if self._matched is None:
            return float("-inf")
        return min(stamp_seconds(message.header.stamp) for message in self._matched)

    def _states(self, newest: Any, history: list[tuple[float, Any]]) -> NDArray[np.float32]:
        """States at the newest stamp and at whole action steps before it, oldest first, copies where none is."""
        end = stamp_seconds(newest.header.stamp)
        picked = [state_vector(self._profile, newest)]
        for k in range(1, self._num_states):
            wanted = end - k * self._profile.action.dt
            past = [entry for entry in history if entry[0] <= wanted]
            picked.append(state_vector(self._profile, past[-1][1]) if past else picked[-1])
        return np.stack(picked[::-1])

    def _nothing_matched(self) -> str:
        silent = [source for source, age in self.ages().items() if age == float("inf")]
        if silent:
            return f"no message yet from: {', '.join(silent)}"
        return f"cameras and joint states are never within {self._profile.observation.slop} s of each other"


def probe_sensors(node: Node, profile: RobotProfile, cameras: list[str], timeout: float) -> None:
    """Wait for one usable message on every topic that the policy needs. Blocks the calling thread.

    Args:
        node: on whose behalf; a short-lived node beside it listens, so that its executor may be busy.
        profile: topics and joint names.
        cameras: the policy's camera keys.
        timeout: for all topics together, s.

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
            image_to_rgb(_first_message(probe, image_type(camera), topic, f"camera '{key}'", deadline))
        topic = node.resolve_topic_name(profile.joint_states)
        state_vector(profile, _first_message(probe, JointState, topic, "joint states", deadline))
    finally:
        probe.destroy_node()


def _first_message(node: Node, msg_type: type, topic: str, what: str, deadline: float) -> Any:
    remaining = max(0.1, deadline - time.monotonic())
    found, message = wait_for_message(msg_type, node, topic, qos_profile=qos.SENSOR, time_to_wait=remaining)
    if found:
        return message
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        raise ObservationError(f"{what}: nobody publishes {topic}; start the driver or mend the robot profile")
    types = ", ".join(sorted({info.topic_type for info in publishers}))
    raise ObservationError(f"{what}: no usable message on {topic} (published as {types}, wanted {msg_type.__name__})")
