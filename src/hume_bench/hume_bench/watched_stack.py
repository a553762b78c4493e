"""`hume up` as a user starts it, watched from outside: what it commands, and which of its processes are left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import psutil
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import System1Status
from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.lifecycle import make_executor
from hume_ros.service_calls import call_until_answered

ROBOT = "wx250s_sim"
ARGUMENTS = ("task:=lift the red cube", "candidates:=1", "log_level:=warn")

_MARK = "HUME_WATCHED_STACK"
_POLL = 0.02  # s
_START_TIMEOUT = 120.0
_ANSWER_TIMEOUT = 60.0
_RESET_PERIOD = 3.0
_STILL = 1e-7  # rad. Commands that differ by less are the same place


class WatchedStack:
    """A running `hume up mock`. Use it as a context manager. rclpy must be running in its domain.

    Args:
        arguments: launch arguments.
        profile: of the robot.
        namespace: of the stack.
        log: file for what it prints.

    Attributes:
        node: for publishers of one's own.
        status: newest status of System 1.
        commands: arrival on the steady clock (s), and positions (rad) of each command to the arm.
    """

    def __init__(self, arguments: Sequence[str], profile: RobotProfile, namespace: str, log: Path) -> None:
        self._id, self._prefix, self._log = uuid.uuid4().hex, f"/{namespace}" if namespace else "", log
        self._namespace = [f"namespace:={namespace}"] if namespace else []
        self._arguments = list(arguments)
        self.status = System1Status()
        self.commands: list[tuple[float, np.ndarray]] = []
        self.node = Node("hume_stop_bench")
        self._executor = make_executor()
        self._executor.add_node(self.node)
        topic = f"{self._prefix}/{profile.arm.controller.topic}"
        self.node.create_subscription(Float64MultiArray, topic, self._on_command, qos.STATUS)
        self.node.create_subscription(System1Status, f"{self._prefix}/hume/status", self._on_status, qos.STATUS)
        self._goals: Any = ActionClient(self.node, ExecuteTask, f"{self._prefix}/hume/execute_task")
        self._goal: Any = None
        self._clients: dict[str, Any] = {}
        self._next_reset = 0.0

    def __enter__(self) -> WatchedStack:
        # Where this program ignores signals, as with nohup, the stack must not: it is ended by them.
        default = ["env", "--default-signal=HUP,INT"]
        command = [*default, sys.executable, "-m", "hume_tools", "up", "mock", *self._namespace, *self._arguments]
        with self._log.open("wb") as stream:
            self._process = subprocess.Popen(
                command, stdout=stream, stderr=stream, env={**os.environ, _MARK: self._id}, start_new_session=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with_time = time.monotonic() + 3.0
            while self.processes() and time.monotonic() < with_time:
                time.sleep(_POLL)
        for process in self.processes():
            process.kill()
        self._process.wait()
        self._executor.shutdown(timeout_sec=0.5)
        self._goals.destroy()
        self.node.destroy_node()

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[psutil.Process]:
        """The processes of this stack that still run, whatever their parent is now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(_MARK) == self._id and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def send(self, number: signal.Signals) -> None:
        """Signal the process that was started, and nobody else."""
        self._process.send_signal(number)

    def collect(self) -> None:
        """Take the exit code of the started process, if it has ended."""
        self._process.poll()

    def spin(self, seconds: float) -> None:
        """Take messages for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.spin_once()

    def spin_once(self) -> None:
        """Take what is there."""
        self._executor.spin_once(timeout_sec=_POLL)

    def wait(self, condition: Callable[[], Any], timeout: float, what: str) -> None:
        """Spin until the condition holds.

        Raises:
            HumeError: it did not within `timeout` s.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            self.spin_once()
            if time.monotonic() > deadline:
                mode = f"{self.status.mode_name} ({self.status.reason})"
                raise HumeError(f"{what} did not come within {timeout:.0f} s. System 1 is {mode}")

    def moves(self) -> bool:
        """Whether the arm moves. A latched stop is reset. It has ended the task, which is asked for again."""
        stopped = self.status.mode in (System1Status.FAULT, System1Status.ESTOP)
        if stopped and time.monotonic() > self._next_reset:
            self._next_reset = time.monotonic() + _RESET_PERIOD
            self.call(Trigger, "hume_system1/reset", Trigger.Request())
            self._goal = self._goals.send_goal_async(ExecuteTask.Goal())
        return bool(self.status.mode == System1Status.RUNNING and not self.status.standing_still)

    def wait_for_motion(self) -> None:
        """Wait until the arm moves, for some commands in a row.

        Raises:
            HumeError: it does not.
        """
        self.status = System1Status()
        self.wait(self.moves, _START_TIMEOUT, "motion")
        self.spin(0.5)
        self.wait(self.moves, _START_TIMEOUT, "motion")

    def call(self, srv_type: Any, name: str, request: Any) -> Any:
        """Call a service of the stack and return its answer.

        Raises:
            HumeError: none came.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(srv_type, f"{self._prefix}/{name}")
        client = self._clients[name]
        self.wait(client.service_is_ready, _ANSWER_TIMEOUT, f"service {name}")
        answer = call_until_answered(client, request, self.spin_once, _ANSWER_TIMEOUT)
        if answer is None:
            raise HumeError(f"{name} did not answer")
        return answer

    def last_motion(self, since: float) -> float:
        """How long after steady time `since` the command last changed, s. 0: it did not."""
        moved = [
            time_b
            for (_, a), (time_b, b) in zip(self.commands, self.commands[1:], strict=False)
            if time_b > since and np.abs(b - a).max() > _STILL
        ]
        return max(moved) - since if moved else 0.0

    def last_step(self) -> float:
        """Largest difference between the last two commands, rad. Not 0 where the stream was cut off in motion."""
        if len(self.commands) < 2:
            return 0.0
        return float(np.abs(self.commands[-1][1] - self.commands[-2][1]).max())

    def _on_command(self, message: Float64MultiArray) -> None:
        self.commands.append((time.monotonic(), np.array(message.data)))

    def _on_status(self, message: System1Status) -> None:
        self.status = message


def guarded(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Figures, or `error` where there are none."""
    try:
        return measure()
    except HumeError as error:
        return {"error": str(error)}
