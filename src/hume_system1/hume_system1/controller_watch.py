"""Whether the robot's controllers listen: told by their manager where there is one, else by who subscribes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.timers import steady_timer

_PERIOD = 0.05  # s
_ASK_PERIOD = 0.5  # s, where the manager does not tell by itself
_LISTEN = "active"


def away(names: Sequence[str], states: Mapping[str, str] | None, unheard: Sequence[str]) -> str:
    """Which controllers do not take commands, and why. Empty: all do.

    Args:
        names: controllers of the robot.
        states: state of each controller by the manager. None: no manager is known.
        unheard: command topics to which nobody subscribes.
    """
    problems = [f"nobody subscribes to {topic}" for topic in unheard]
    if states is not None:
        known = {name: states.get(name, "not loaded") for name in names}
        problems += [f"{name} is {state}" for name, state in known.items() if state != _LISTEN]
    return ", ".join(problems)


class ControllerWatch:
    """Follows the controllers from the spin thread.

    A manager that has been seen once decides from then on: while it says nothing of a controller, the controller
    does not listen. A robot whose manager was never seen counts as one without.

    Args:
        node: owner.
        profile: which controllers.
        unheard: gives the command topics to which nobody subscribes at present.
        on_change: called with the text of `away` whenever it changes, and once at first.
    """

    def __init__(
        self,
        node: Node,
        profile: RobotProfile,
        unheard: Callable[[], Sequence[str]],
        on_change: Callable[[str], None],
    ) -> None:
        self._node, self._unheard, self._on_change = node, unheard, on_change
        self._names = profile.managed_controllers
        self._states: dict[str, str] | None = None
        self._told: str | None = None
        self._entities: list[tuple[str, Any]] = []
        self._client: Any = None
        self._answer: Any = None
        if self._names:
            self._watch_manager(profile.controller_manager)
        self._entities.append(("timer", steady_timer(node, _PERIOD, self.update)))
        self.update()

    def close(self) -> None:
        """Leave every topic."""
        for kind, entity in self._entities:
            getattr(self._node, f"destroy_{kind}")(entity)

    def update(self) -> None:
        """Look once. Says what has changed."""
        text = away(self._names, self._states, self._unheard())
        if text != self._told:
            self._told = text
            self._on_change(text)

    def _watch_manager(self, manager: str) -> None:
        node = self._node
        try:
            from controller_manager_msgs.srv import ListControllers
        except ImportError:
            node.get_logger().warning(
                "controller_manager_msgs is not installed: any subscriber of the commands counts as listening;  "
                "install it (apt install ros-$ROS_DISTRO-controller-manager-msgs)"
            )
            return
        try:
            from controller_manager_msgs.msg import ControllerManagerActivity
        except ImportError:  # before Jazzy
            self._client = node.create_client(ListControllers, f"{manager}/list_controllers")
            self._entities += [("client", self._client), ("timer", steady_timer(node, _ASK_PERIOD, self._ask))]
            return
        topic = f"{manager}/activity"
        subscription = node.create_subscription(ControllerManagerActivity, topic, self._on_activity, qos.LATCHED)
        self._entities.append(("subscription", subscription))

    def _on_activity(self, message: Any) -> None:
        self._states = {controller.name: controller.state.label for controller in message.controllers}
        self.update()

    def _ask(self) -> None:
        """One question at a time. What is not answered before the next is a manager that is gone."""
        if not self._client.service_is_ready():
            self._states = None if self._states is None else {}
        elif self._answer is None or self._answer.done():
            self._answer = self._client.call_async(self._client.srv_type.Request())
            self._answer.add_done_callback(self._on_answer)
        else:
            self._states, self._answer = {}, None
        self.update()

    def _on_answer(self, answer: Any) -> None:
        if answer.exception() is None:
            self._states = {controller.name: controller.state for controller in answer.result().controller}
        self.update()
