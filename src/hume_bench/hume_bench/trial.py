"""One run of the stack under observation: faults are injected, the command stream is recorded exactly."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import System1Status
from rclpy.action import ActionClient
from rclpy.node import Node
from std_srvs.srv import Trigger

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_core.errors import HumeError
from hume_ros import qos
from hume_ros.lifecycle import make_executor
from hume_ros.service_calls import call_until_answered
from hume_system1 import black_box
from hume_training.default_checkpoint import default_checkpoint

_START_TIMEOUT = 120.0
_ANSWER_TIMEOUT = 10.0
_MOTION_TIMEOUT = 60.0
_RESET_PERIOD = 5.0


class Trial:
    """The stack with a black box. Use it as a context manager. rclpy must be running.

    Args:
        options: launch options. An empty checkpoint takes the default one.
        parameters: node name -> parameters on top of the description.
        nodes: which set of nodes.

    Attributes:
        status: newest System 1 status.
        reasons: the different reasons seen, in order.
    """

    def __init__(
        self,
        options: LaunchOptions,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        nodes: str = "sim",
    ) -> None:
        if not options.checkpoint:
            options = replace(options, checkpoint=str(default_checkpoint(options.robot)))
        self._folder = tempfile.TemporaryDirectory(prefix="hume_trial_")
        self._box = Path(self._folder.name) / "commands.npy"
        extra = {**(parameters or {})}
        extra["hume_system1"] = {**extra.get("hume_system1", {}), "black_box": str(self._box)}
        specs = [
            replace(spec, parameters={**spec.parameters, **extra.get(spec.name, {})}) for spec in graph(nodes, options)
        ]
        self.supervisor = Supervisor(specs)
        self.status = System1Status()
        self.reasons: list[str] = []
        self._next_reset = 0.0
        self._instruction = ""
        self._handle: Any = None
        self._node = Node("hume_trial")
        self._executor = make_executor()
        self._executor.add_node(self._node)
        self._node.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        self._clients: dict[str, Any] = {}
        self._goals: Any = ActionClient(self._node, ExecuteTask, "hume/execute_task")

    def __enter__(self) -> Trial:
        self.supervisor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.stop()
        self._executor.shutdown(timeout_sec=0.5)
        self._goals.destroy()
        self._node.destroy_node()
        self._folder.cleanup()

    @property
    def node(self) -> Node:
        """For publishers and clients of one's own."""
        return self._node

    def pid(self, name: str) -> int:
        """Process id of a node. The denoiser is called `denoiser`."""
        if name != "denoiser":
            return self.supervisor.pid(name)
        children = psutil.Process(self.supervisor.pid("hume_system1")).children()
        return int(children[0].pid)

    def start_task(self, instruction: str = "lift the red cube") -> Any:
        """Send a goal and wait until the arm moves. Returns the handle of the goal that it moves for."""
        modes = (System1Status.IDLE, System1Status.HOLD, System1Status.FAULT, System1Status.ESTOP)
        self.wait(lambda: self.status.mode in modes, _START_TIMEOUT, "System 1 becoming active")
        self.send_goal(instruction)
        self.wait(self.moves, _MOTION_TIMEOUT, "motion")
        return self._handle

    def moves(self) -> bool:
        """Whether the arm moves. A fault from the rush of starting (a starved simulator, say) is reset.

        The fault has ended the goal, so it is sent again.
        """
        if self.is_mode(System1Status.FAULT) and time.monotonic() > self._next_reset:
            self._next_reset = time.monotonic() + _RESET_PERIOD
            self.call(Trigger, "hume_system1/reset", Trigger.Request())
            if self._instruction:
                self.send_goal(self._instruction)
        return self.is_mode(System1Status.RUNNING) and not self.status.standing_still

    def send_goal(self, instruction: str) -> Any:
        """Send a goal until System 2 takes it."""
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if self._goals.server_is_ready():
                handle = self.result(self._goals.send_goal_async(ExecuteTask.Goal(instruction=instruction)))
                if handle.accepted:
                    self._instruction, self._handle = instruction, handle
                    return handle
            self.spin(0.2)
        raise HumeError("System 2 takes no goal. See the messages above")

    def is_mode(self, mode: int) -> bool:
        """Whether System 1's newest status has this mode."""
        return bool(self.status.mode == mode)

    def call(self, srv_type: Any, name: str, request: Any) -> Any:
        """Call a service and return its answer. Every service of the stack may be called twice.

        Raises:
            HumeError: none came.
        """
        if name not in self._clients:
            self._clients[name] = self._node.create_client(srv_type, name)
        client = self._clients[name]
        self.wait(client.service_is_ready, _ANSWER_TIMEOUT, f"service {name}")
        answer = call_until_answered(client, request, self._spin_once, _ANSWER_TIMEOUT)
        if answer is None:
            raise self._overdue(f"an answer of {name}", _ANSWER_TIMEOUT)
        return answer

    def result(self, future: Any) -> Any:
        """What a future gives."""
        self.wait(future.done, _ANSWER_TIMEOUT, "an answer")
        return future.result()

    def wait(self, condition: Callable[[], Any], timeout: float, what: str) -> None:
        """Spin until the condition holds.

        Raises:
            HumeError: it did not within `timeout` s.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            self._spin_once()
            if time.monotonic() > deadline:
                raise self._overdue(what, timeout)

    def _overdue(self, what: str, timeout: float) -> HumeError:
        mode = f"{self.status.mode_name} ({self.status.reason})"
        return HumeError(f"{what} did not come within {timeout:.0f} s. System 1 is {mode}")

    def _spin_once(self) -> None:
        self._executor.spin_once(timeout_sec=0.02)

    def spin(self, seconds: float) -> None:
        """Take messages for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._spin_once()

    def stop(self) -> black_box.CommandLog:
        """End the stack and read what its black box holds."""
        self.supervisor.stop()
        return black_box.load(self._box)

    def _on_status(self, message: System1Status) -> None:
        self.status = message
        if message.reason and (not self.reasons or self.reasons[-1] != message.reason):
            self.reasons.append(message.reason)
