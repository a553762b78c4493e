"""The ROS side of the stand-in for ros2_control's `controller_manager`: its services, its topic, its nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from lifecycle_msgs.msg import State
from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_sim.mock_controllers import ControllerStates, MockController, profile_controllers

_LABELS = {True: (State.PRIMARY_STATE_ACTIVE, "active"), False: (State.PRIMARY_STATE_INACTIVE, "inactive")}


class MockManager:
    """Serves `list_controllers` and `switch_controller`, and publishes `activity` on every change.

    Manager and controllers are nodes of their own, as real ones are, so that their parameters can be read. They are
    made here and must be spun beside the caller's node.

    Args:
        node: its namespace and clock are used.
        name: of the manager, as in the profile.
        controllers: all that are loaded.
        on_start: called with the name of each controller that was started.

    Raises:
        ImportError: `controller_manager_msgs` is not installed.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        controllers: Sequence[MockController],
        on_start: Callable[[str], None] = lambda name: None,
    ) -> None:
        from controller_manager_msgs import msg, srv

        self._messages, self._switch_type = msg, srv.SwitchController
        self._clock, self._on_start = node.get_clock(), on_start
        self.states = ControllerStates(controllers, self._changed)
        namespace, _, own_name = node.resolve_service_name(name).rpartition("/")
        # The process's own remappings of name and namespace are meant for the caller's node alone.
        shared: dict[str, Any] = {"namespace": namespace or "/", "use_global_arguments": False}
        self._manager = Node(own_name, **shared)
        self._manager.declare_parameter("update_rate", max((c.update_rate for c in controllers), default=0))
        self.nodes = (self._manager, *(_controller_node(controller, shared) for controller in controllers))
        """The manager's node and one of each controller."""
        self._activity = self._manager.create_publisher(msg.ControllerManagerActivity, "~/activity", qos.LATCHED)
        self._manager.create_service(srv.ListControllers, "~/list_controllers", self._list)
        self._manager.create_service(srv.SwitchController, "~/switch_controller", self._switch)
        self._publish()

    def close(self) -> None:
        """Leave the graph."""
        for node in self.nodes:
            node.destroy_node()

    def _list(self, request: Any, response: Any) -> Any:
        response.controller = [self._described(controller) for controller in self.states.controllers.values()]
        return response

    def _described(self, controller: MockController) -> Any:
        message = self._messages.ControllerState(name=controller.name, type=controller.type)
        message.state = _LABELS[self.states.is_active(controller.name)][1]
        message.claimed_interfaces = list(self.states.claimed(controller.name))
        message.required_command_interfaces = list(controller.command_interfaces)
        message.required_state_interfaces = list(controller.state_interfaces)
        # Humble's message does not have it.
        if hasattr(message, "update_rate"):
            message.update_rate = controller.update_rate
        return message

    def _switch(self, request: Any, response: Any) -> Any:
        strict = request.strictness == self._switch_type.Request.STRICT
        names = (list(request.activate_controllers), list(request.deactivate_controllers))
        response.ok, reason = self.states.switch(*names, strict)
        if hasattr(response, "message"):
            response.message = reason
        if not response.ok:
            self._manager.get_logger().warning(f"no controller is switched: {reason}")
        return response

    def _changed(self, started: Collection[str]) -> None:
        for name in started:
            self._on_start(name)
        self._publish()

    def _publish(self) -> None:
        message = self._messages.ControllerManagerActivity()
        message.header.stamp = self._clock.now().to_msg()
        for name in self.states.controllers:
            number, label = _LABELS[self.states.is_active(name)]
            state = State(id=number, label=label)
            message.controllers.append(self._messages.NamedLifecycleState(name=name, state=state))
        self._activity.publish(message)


def _controller_node(controller: MockController, shared: dict[str, Any]) -> Node:
    node = Node(controller.name, **shared)
    for name, value in controller.parameters.items():
        node.declare_parameter(name, value)
    return node


class Gate:
    """Which of the mock's commands pass: those whose controller is active, or that no manager holds back.

    Args:
        node: of the mock.
        profile: its controllers and their manager.
        interpolate_from_desired_state: parameter of each joint_trajectory_controller.
    """

    def __init__(self, node: Node, profile: RobotProfile, interpolate_from_desired_state: bool = False) -> None:
        self._at_start: dict[str, Callable[[], None]] = {}
        self._manager: MockManager | None = None
        controllers = profile_controllers(profile, interpolate_from_desired_state)
        if not controllers:
            node.get_logger().info("no controller_manager: the profile has no controllers under one")
            return
        try:
            self._manager = MockManager(node, profile.controller_manager, controllers, self._started)
        except ImportError:
            node.get_logger().info("no controller_manager: the package controller_manager_msgs is not installed")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Nodes that must be spun beside the mock's."""
        return self._manager.nodes if self._manager is not None else ()

    def guard(self, controller: str, command: Callable[..., None], hold: Callable[[], None]) -> Callable[..., None]:
        """`command`, which does nothing while a controller is inactive.

        Args:
            controller: what the manager calls it.
            command: what a message leads to.
            hold: makes the measured position the command. Called when the controller starts.
        """
        self._at_start[controller] = hold

        def pass_on(*values: Any) -> None:
            if self._manager is None or self._manager.states.is_active(controller):
                command(*values)

        return pass_on

    def _started(self, name: str) -> None:
        if name in self._at_start:
            self._at_start[name]()

    def close(self) -> None:
        """Leave the graph."""
        if self._manager is not None:
            self._manager.close()
