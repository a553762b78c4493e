"""Reading the parameters of the stack's nodes as they appear in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

_PREFIX = "hume_"
_RETRY_AFTER = 3


class ParameterSnapshots:
    """Asks every node of the stack once for all its parameters.

    Args:
        node: that asks. Answers come on its spin thread.
        namespace: where the nodes live.
        on_values: called with the node's name and its parameters.
    """

    def __init__(self, node: Node, namespace: str, on_values: Callable[[str, dict[str, Any]], None]) -> None:
        self._node = node
        self._namespace = "/" + namespace.strip("/")
        self._on_values = on_values
        self._asked: dict[str, int] = {}
        self._answered: set[str] = set()

    def look(self) -> None:
        """Ask the nodes that are new, and again those that stay silent."""
        for name, namespace in self._node.get_node_names_and_namespaces():
            if not name.startswith(_PREFIX) or namespace != self._namespace or name == self._node.get_name():
                continue
            rounds = self._asked.get(name, 0)
            self._asked[name] = rounds + 1
            if name not in self._answered and rounds % _RETRY_AFTER == 0:
                self._ask(name)

    def _ask(self, name: str) -> None:
        prefix = f"{self._namespace.rstrip('/')}/{name}"
        lists: Any = self._node.create_client(ListParameters, f"{prefix}/list_parameters")
        values: Any = self._node.create_client(GetParameters, f"{prefix}/get_parameters")

        def on_names(future: Any) -> None:
            names = list(future.result().result.names)
            request = values.call_async(GetParameters.Request(names=names))
            request.add_done_callback(lambda done: self._take(name, names, done))

        if lists.service_is_ready() and values.service_is_ready():
            lists.call_async(ListParameters.Request()).add_done_callback(on_names)
        else:
            self._asked[name] = 0
            self._node.destroy_client(lists)
            self._node.destroy_client(values)

    def _take(self, name: str, names: list[str], future: Any) -> None:
        if name not in self._answered:
            self._answered.add(name)
            found = [parameter_value_to_python(value) for value in future.result().values]
            self._on_values(name, {key: _plain(value) for key, value in zip(names, found, strict=False)})


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value
