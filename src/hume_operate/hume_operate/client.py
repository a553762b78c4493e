"""The client side of a running stack: its services, its parameters and its topics, in one namespace."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import rclpy
from hume_msgs.msg import Heartbeat, System1Status
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool, Trigger

from hume_core import labels
from hume_core.errors import HumeError
from hume_core.labels import Label
from hume_ros import qos
from hume_ros.context import init_ros
from hume_ros.lifecycle import make_executor
from hume_ros.namespaces import full_namespace
from hume_ros.service_calls import call_until_answered
from hume_system1.settings import LIMIT_SCALE
from hume_system1.stop_sources import STOP_TOPICS

SCALES = ("velocity", "acceleration", "jerk")
STOPPED = (System1Status.FAULT, System1Status.ESTOP)

_NOT_RECORDED = (
    f"nobody listens to '{labels.TOPIC}'. Record with ./hume record --robot NAME, or with record:=FOLDER of ./hume up"
)
_SPIN = 0.05  # s
_DISCOVERY = 0.5
"""How long it takes at least until the other nodes are known, s."""


class NobodyAnswersError(HumeError):
    """A node of the stack is not in the graph, or does not answer."""


class OperatorClient:
    """One node that talks to the stack in a namespace. Not thread-safe. Leave it with `close`, or use it in a `with`.

    Args:
        namespace: of the stack. Empty: the root.
        timeout: how long to wait for each answer, s.

    Raises:
        ConfigError: the namespace is no valid one.
    """

    def __init__(self, namespace: str = "", timeout: float = 5.0) -> None:
        self.namespace = full_namespace(namespace)
        self.timeout = timeout
        self.status: System1Status | None = None
        self.system2: Heartbeat | None = None
        init_ros()
        self.node = Node("hume_operator", namespace=self.namespace)
        self._executor = make_executor()
        self._executor.add_node(self.node)
        self.node.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        self.node.create_subscription(Heartbeat, "hume/system2/heartbeat", self._on_system2, qos.STATUS)

    def __enter__(self) -> OperatorClient:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the graph."""
        self.close()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=0.5)
        self.node.destroy_node()
        rclpy.try_shutdown()

    def spin(self, seconds: float = _SPIN) -> None:
        """Take messages for this long, s."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=min(left, _SPIN))

    def wait(self, condition: Callable[[], Any], timeout: float | None = None) -> bool:
        """Take messages until the condition holds. Whether it does so within `timeout`, s (without: the client's)."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=_SPIN)
        return True

    def estop(self) -> Trigger.Response:
        """Stop the arm. It stays until a reset."""
        return self._call(Trigger, "hume_system1/estop", Trigger.Request(), "System 1")

    def reset(self) -> Trigger.Response:
        """Ask System 1 to leave FAULT or ESTOP."""
        return self._call(Trigger, "hume_system1/reset", Trigger.Request(), "System 1")

    def set_enabled(self, enabled: bool) -> SetBool.Response:
        """Let the arm move, or hold it."""
        return self._call(SetBool, "hume_system1/set_enabled", SetBool.Request(data=enabled), "System 1")

    def take_over(self, taken: bool) -> SetBool.Response:
        """Take the arm from System 1, or hand it back."""
        return self._call(SetBool, "hume_system1/takeover", SetBool.Request(data=taken), "System 1")

    def cancel(self) -> Trigger.Response:
        """End what System 2 has in hand, goal or standing task."""
        return self._call(Trigger, "hume_system2/cancel", Trigger.Request(), "System 2")

    def limit_scales(self) -> dict[str, float]:
        """Shares of the profile's limits that are in force."""
        request = GetParameters.Request(names=[LIMIT_SCALE + name for name in SCALES])
        answer = self._call(GetParameters, "hume_system1/get_parameters", request, "System 1")
        return {name: float(value.double_value) for name, value in zip(SCALES, answer.values, strict=True)}

    def set_limit_scales(self, scales: dict[str, float]) -> str:
        """Lower shares of the profile's limits. Returns why that is refused, or an empty string."""
        parameters = [
            Parameter(
                name=LIMIT_SCALE + name,
                value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=float(value)),
            )
            for name, value in scales.items()
        ]
        answer = self._call(
            SetParameters, "hume_system1/set_parameters", SetParameters.Request(parameters=parameters), "System 1"
        )
        return "; ".join(str(result.reason) for result in answer.results if not result.successful)

    def stop_sender(self) -> Callable[[], None]:
        """A function that asks for an emergency stop at once, over service and topic, and does not wait."""
        service: Any = self.node.create_client(Trigger, "hume_system1/estop")
        topic = self.node.create_publisher(Bool, STOP_TOPICS[0], qos.STATUS)

        def send() -> None:
            topic.publish(Bool(data=True))
            service.call_async(Trigger.Request())

        return send

    def label_sender(self) -> Callable[[Label], str]:
        """A function that labels the newest task and does not wait. It returns why nobody hears it, or nothing."""
        publisher = self.node.create_publisher(String, labels.TOPIC, qos.LATCHED)

        def send(label: Label) -> str:
            if not publisher.get_subscription_count():
                return _NOT_RECORDED
            publisher.publish(String(data=label.value))
            return ""

        return send

    def label(self, label: Label) -> None:
        """Tell whoever records what became of the newest task.

        Raises:
            NobodyAnswersError: nobody records.
        """
        publisher = self.node.create_publisher(String, labels.TOPIC, qos.LATCHED)
        try:
            if not self.wait(publisher.get_subscription_count):
                raise NobodyAnswersError(f"no recorder answers in {self.where()}: {_NOT_RECORDED}")
            publisher.publish(String(data=label.value))
            # A recorder that has not yet heard of this node gets it on the way. It must not leave before.
            self.spin(_DISCOVERY)
            publisher.wait_for_all_acked(Duration(seconds=self.timeout))
        finally:
            self.node.destroy_publisher(publisher)

    def require_status(self) -> System1Status:
        """The newest status of System 1.

        Raises:
            NobodyAnswersError: none comes.
        """
        self.wait(lambda: self.status is not None)
        if self.status is None:
            raise self.nobody("System 1", "nobody publishes 'hume/status'")
        return self.status

    def where(self) -> str:
        """Domain and namespace, in words."""
        return f"domain {os.environ.get('ROS_DOMAIN_ID', '0')}, namespace '{self.namespace}'"

    def nobody(self, who: str, what: str) -> NobodyAnswersError:
        """The error for a node that does not answer. Names the namespaces in which there is one."""
        name = who.lower().replace("system ", "hume_system")
        others = sorted(
            {space for node, space in self.node.get_node_names_and_namespaces() if node == name} - {self.namespace}
        )
        hint = f"there is one in namespace {', '.join(others)}: --namespace" if others else "./hume up sim"
        asked = "Did you mean that one" if others else "Is the stack running"
        return NobodyAnswersError(f"no {who} answers in {self.where()}: {what}. {asked}? {hint}")

    def _call(self, kind: Any, name: str, request: Any, who: str) -> Any:
        client: Any = self.node.create_client(kind, name)
        try:
            if not self.wait(client.service_is_ready):
                raise self.nobody(who, f"nobody offers '{name}'")
            answer = call_until_answered(client, request, self.spin, self.timeout)
            if answer is None:
                raise self.nobody(who, f"'{name}' gives no answer within {self.timeout:g} s")
            return answer
        finally:
            self.node.destroy_client(client)

    def _on_status(self, message: System1Status) -> None:
        self.status = message

    def _on_system2(self, message: Heartbeat) -> None:
        self.system2 = message
