"""Asks `controller_manager` for its controllers, and the controllers for their parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

from hume_ros.service_calls import call_until_answered
from hume_tools.doctor.graph import Controller, Manager
from hume_tools.doctor.trajectory import CONSTRAINTS, TRAJECTORY_PARAMETERS

_TIMEOUT = 4.0
_PARAMETERS = {"update_rate", "joints", "interface_name", "joint", *TRAJECTORY_PARAMETERS}


class ManagerListener:
    """Puts questions to one manager.

    Args:
        node: asks.
        spin: lets the node take messages, for a short time.
        name: full name of the manager's node.
    """

    def __init__(self, node: Node, spin: Callable[[], None], name: str) -> None:
        self._node, self._spin, self._manager = node, spin, Manager(name)

    def ask(self, names: Collection[str]) -> Manager:
        """What the manager lists.

        Args:
            names: controllers whose parameters are wanted.
        """
        listed = self._list()
        if listed is not None:
            found = [_controller(message) for message in listed]
            self._manager.controllers = [
                replace(c, parameters=self._parameters(self._manager.node_name(c.name))) if c.name in names else c
                for c in found
            ]
            own = self._parameters(self._manager.name) or {}
            self._manager.update_rate = int(own.get("update_rate") or 0)
        return self._manager

    def _list(self) -> Sequence[Any] | None:
        service = f"{self._manager.name}/list_controllers"
        if not self._offered(service):
            self._manager.note = f"no service {service}"
            return None
        try:
            from controller_manager_msgs.srv import ListControllers
        except ImportError:
            self._manager.note = "it runs, but controller_manager_msgs is not installed here"
            return None
        answer = self._call(ListControllers, service, ListControllers.Request())
        if answer is None:
            self._manager.note = f"{service} did not answer within {_TIMEOUT:.0f} s"
            return None
        listed: Sequence[Any] = answer.controller
        return listed

    def _parameters(self, node: str) -> dict[str, Any] | None:
        """Values of the wanted parameters that a node has. None: it does not answer."""
        if not self._offered(f"{node}/list_parameters"):
            return None
        answer = self._call(ListParameters, f"{node}/list_parameters", ListParameters.Request())
        if answer is None:
            return None
        names = [n for n in answer.result.names if n in _PARAMETERS or n.startswith(CONSTRAINTS)]
        values = self._values(node, names)
        # One parameter without a value empties the whole answer.
        if values is not None and len(values) != len(names):
            return {name: value for name in names for value in self._values(node, [name]) or ()}
        return None if values is None else dict(zip(names, values, strict=True))

    def _values(self, node: str, names: list[str]) -> list[Any] | None:
        answer = self._call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=names))
        return None if answer is None else [parameter_value_to_python(value) for value in answer.values]

    def _offered(self, service: str) -> bool:
        return service in {name for name, _ in self._node.get_service_names_and_types()}

    def _call(self, service_type: type, name: str, request: Any) -> Any | None:
        client: Any = self._node.create_client(service_type, name)
        try:
            client.wait_for_service(timeout_sec=_TIMEOUT)
            return call_until_answered(client, request, self._spin, _TIMEOUT)
        finally:
            self._node.destroy_client(client)


def _controller(message: Any) -> Controller:
    return Controller(
        name=message.name,
        type=message.type,
        state=message.state,
        # Humble's message lacks it.
        update_rate=int(getattr(message, "update_rate", 0)),
        claimed=tuple(message.claimed_interfaces),
        required=tuple(message.required_command_interfaces),
        chained=bool(message.is_chained),
    )
