"""Everything outside this process that stops the arm: stop topics, a dead-man switch, states of the driver.

A stop must be received whatever its publisher offers. No single subscription does that. One that asks for best
effort may lose what a reliable publisher would send again. One that asks for reliable gets nothing from best effort.
One that gets what was published before it began gets nothing from volatile publishers. So there is one of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool

from hume_core.errors import ConfigError
from hume_core.robot import DeadMan, RobotProfile, StopState
from hume_ros import qos
from hume_ros.timers import steady_timer

_PERIOD = 0.02  # s. How often silence and standing problems are looked at
_SILENT = SubscriptionEventCallbacks(use_default_callbacks=False)
"""No warning of each publisher that only one of the subscriptions receives from."""


class StopInputs:
    """Listens from its construction on and stops the arm from the spin thread.

    Args:
        node: owner.
        topics: stop topics.
        profile: its dead-man switch and its driver's states.
        stop: stops the arm. Called again and again while a cause lasts, so that no reset completes meanwhile.

    Raises:
        ConfigError: a topic is none, a message type is not installed, or it lacks the field.
    """

    def __init__(self, node: Node, topics: Sequence[str], profile: RobotProfile, stop: Callable[[], None]) -> None:
        self._node, self._stop = node, stop
        self._subscriptions: list[Any] = []
        self._problems: dict[str, str] = {}
        self._dead_man, self._states = profile.deadman, profile.stop_states
        self._held_at: float | None = None
        # What may be refused comes before anything is taken up.
        names = unique_topics(node, topics, "parameter 'stop_topics'")
        types = [_state_type(state) for state in self._states]
        unique_topics(node, [state.topic for state in self._states], "stop_states of the robot profile")
        unique_topics(node, [self._dead_man.topic] if self._dead_man else [], "deadman of the robot profile")
        for topic in names:
            self._listen(Bool, topic, partial(self._on_stop, topic), qos.STOPS)
        if self._dead_man is not None:
            # What was published before may be long over.
            self._listen(Bool, self._dead_man.topic, partial(self._on_dead_man, self._dead_man), qos.STOPS[:1])
        for state, kind in zip(self._states, types, strict=True):
            self._listen(kind, state.topic, partial(self._on_state, state), qos.STATES)
        self._timer = steady_timer(node, _PERIOD, self._look) if self._dead_man or self._states else None

    def warn_of_the_silent(self) -> None:
        """Say which states of the driver nobody publishes: their stops would not be heard."""
        for state in self._states:
            if not self._node.count_publishers(self._node.resolve_topic_name(state.topic)):
                self._node.get_logger().warning(
                    f"nobody publishes the stop state {state.topic}. Start its driver or correct stop_states"
                )

    def close(self) -> None:
        """Leave every topic."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        self._subscriptions, self._timer = [], None

    def _listen(self, kind: type, topic: str, callback: Callable[[Any], None], offers: Sequence[QoSProfile]) -> None:
        for offer in offers:
            self._subscriptions.append(
                self._node.create_subscription(kind, topic, callback, offer, event_callbacks=_SILENT)
            )

    def _on_stop(self, topic: str, message: Bool) -> None:
        if message.data:
            self._stop()
            self._node.get_logger().error(f"emergency stop on {topic}", throttle_duration_sec=1.0)

    def _on_dead_man(self, section: DeadMan, message: Bool) -> None:
        if message.data:
            self._held_at = time.monotonic()
        self._note(section.topic, "" if message.data else "the dead-man switch was let go")

    def _on_state(self, state: StopState, message: Any) -> None:
        value = field_value(message, state.field)
        normal = value in state.normal
        self._note(
            f"{state.topic}.{state.field}",
            "" if normal else f"the driver has stopped: {state.field} of {state.topic} is {value}",
        )

    def _note(self, source: str, problem: str) -> None:
        """Stop at once for a problem. Log what is new."""
        if problem:
            self._stop()
        if problem and problem != self._problems.get(source):
            self._node.get_logger().error(f"emergency stop: {problem}")
        self._problems[source] = problem

    def _look(self) -> None:
        """Silence of the dead-man switch. And what was a stop is one as long as it lasts."""
        section = self._dead_man
        if section is not None:
            now = time.monotonic()
            if self._held_at is None:
                # The first look: nothing was taken in while the node configured itself.
                self._held_at = now
            if now - self._held_at > section.timeout and not self._problems.get(section.topic):
                self._note(section.topic, f"the dead-man switch {section.topic} is silent or was never held")
        if any(self._problems.values()):
            self._stop()


def unique_topics(node: Node, topics: Sequence[str], where: str) -> list[str]:
    """Full names, remapping included. Each once.

    Args:
        node: whose namespace and remapping rules hold.
        topics: names.
        where: begins the error, such as "parameter 'stop_topics'".

    Raises:
        ConfigError: a name is none of a topic.
    """
    names = []
    for topic in topics:
        try:
            names.append(node.resolve_topic_name(topic))
        except RuntimeError as error:
            reason = str(error).rpartition(", at ")[0].removeprefix("failed to resolve name: ")
            raise ConfigError(f"{where} has '{topic}', which is no name of a topic: {reason}") from error
    return list(dict.fromkeys(names))


def field_value(message: Any, field: str) -> Any:
    """What stands in a field. Dots lead to inner fields.

    Raises:
        AttributeError: there is no such field.
    """
    for part in field.split("."):
        message = getattr(message, part)
    return message


def _state_type(state: StopState) -> type:
    """The message type of a driver's state.

    Raises:
        ConfigError: it is not installed, or lacks the field.
    """
    package, _, name = state.type.split("/")
    where = f"stop_states of the robot profile: '{state.topic}'"
    try:
        kind: Any = getattr(import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{where} needs the message type {state.type}, which is not installed. "
            f"Install it (apt install ros-$ROS_DISTRO-{package.replace('_', '-')}), or leave the entry out"
        ) from error
    try:
        value = field_value(kind(), state.field)
    except AttributeError as error:
        fields = ", ".join(kind.get_fields_and_field_types())
        raise ConfigError(f"{where}: {state.type} has no field '{state.field}'. It has: {fields}") from error
    if not isinstance(value, (bool, int, str)):
        raise ConfigError(f"{where}: field '{state.field}' is {type(value).__name__}. Valid: a number, text, or bool")
    return kind
