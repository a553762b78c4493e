"""How tasks begin and end on a live graph: nothing moves unless somebody asks."""

from __future__ import annotations

import gc
import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import ActionChunk, Epoch, System1Status
from rclpy.action import ActionClient
from std_srvs.srv import Trigger

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_ros import qos

pytestmark = pytest.mark.ros

ROBOT, STANDING = "wx250s_sim", "lift the red cube"
START_TIMEOUT = 120.0
# A fault of a starved machine would end the task.
SLACK = {"hume_system1": {"joint_state_age": 5.0, "heartbeat_age": 10.0, "clock_frozen": 5.0, "clock_jump": 10.0}}
CLIENT = """
import sys, time, rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from hume_msgs.action import ExecuteTask
rclpy.init()
node = Node("passing_by")
client = ActionClient(node, ExecuteTask, "hume/execute_task")
client.wait_for_server()
future = client.send_goal_async(ExecuteTask.Goal(instruction="lift the blue cube"))
rclpy.spin_until_future_complete(node, future)
print("accepted", future.result().accepted, flush=True)
try:
    rclpy.spin(node)
except BaseException:
    rclpy.try_shutdown()
"""


class Rig:
    """The mock robot with System 1, a System 2 that the test starts, and a client of the action that may leave."""

    def __init__(self, observer: Any, begin: Callable[..., Any]) -> None:
        self.observer, self._begin = observer, begin
        self.status, self.chunks, self.epochs = System1Status(), list[ActionChunk](), list[Epoch]()
        node = observer.node
        node.create_subscription(System1Status, "hume/status", self._on_status, qos.STATUS)
        node.create_subscription(ActionChunk, "hume/action_chunk", self.chunks.append, qos.CHUNK)
        node.create_subscription(Epoch, "hume/epoch", self.epochs.append, qos.LATCHED)
        self._operator: Any = None

    def _on_status(self, status: System1Status) -> None:
        self.status = status

    def system2(self) -> Any:
        """Start System 2 with a standing task."""
        return self._begin()

    def runs(self, instruction: str) -> None:
        """Wait until System 1 runs on this task."""
        self.chunks.clear()
        self.observer.until(lambda: self._runs_on(instruction), START_TIMEOUT, f"'{instruction}' running")

    def _runs_on(self, instruction: str) -> bool:
        newest = self.chunks[-1] if self.chunks else ActionChunk()
        told = newest.instruction == instruction and newest.epoch == self.status.epoch
        return self.status.mode == System1Status.RUNNING and told

    def rests(self, seconds: float = 3.0) -> None:
        """The arm comes to rest, and stays there: no epoch, no thought, no motion."""
        self.observer.until(self._is_at_rest, 20.0, "rest")
        self.observer.spin(0.5)
        epoch = self.status.epoch
        self.chunks.clear()
        self.observer.spin(seconds)
        assert self._is_at_rest(), self.status.mode_name
        assert (self.status.epoch, self.chunks) == (epoch, [])

    def _is_at_rest(self) -> bool:
        return self.status.mode != System1Status.RUNNING and bool(self.status.standing_still)

    def goal(self, instruction: str, max_duration: float = 0.0) -> Any:
        """Send a goal that is accepted. Returns its handle."""
        if self._operator is None:
            self._operator = type(self.observer)("hume_operator")
            self._client: Any = ActionClient(self._operator.node, ExecuteTask, "hume/execute_task")
        self._operator.until(self._client.server_is_ready, START_TIMEOUT, "the action")
        while True:
            goal = ExecuteTask.Goal(instruction=instruction, max_duration=max_duration)
            handle = self._answer(self._client.send_goal_async(goal))
            if handle.accepted:
                return handle
            self._operator.spin(0.3)

    def end(self, handle: Any) -> tuple[int, int]:
        """Status and code of a goal that ends."""
        answer = self._answer(handle.get_result_async())
        return answer.status, answer.result.code

    def cancel(self, handle: Any) -> None:
        """Cancel a goal."""
        assert len(self._answer(handle.cancel_goal_async()).goals_canceling) == 1

    def _answer(self, future: Any) -> Any:
        assert self._operator is not None
        self._operator.until(future.done, 30.0, "an answer of the action")
        return future.result()

    def leave(self) -> None:
        """Have no client of the action any more."""
        if self._operator is not None:
            # Not before: the executor on events does not bear a client that goes while it spins.
            self._operator.executor.shutdown(timeout_sec=0.5)
            self._client.destroy()
            self._operator.close()
            self._operator = None
            # The client is part of a reference cycle. In a large process it would stay in the graph for minutes.
            gc.collect()


@pytest.fixture
def rig(ros_domain: int, checkpoint: Path, observer: Any, start: Callable[..., Any]) -> Iterator[Rig]:
    parameters = {"robot": ROBOT, "checkpoint": checkpoint, "candidates": 1, "autostart": True, "task": STANDING}
    options = LaunchOptions(robot=ROBOT, checkpoint=str(checkpoint), system2=False)
    specs = graph("mock", options)
    with Supervisor([replace(spec, parameters={**spec.parameters, **SLACK.get(spec.name, {})}) for spec in specs]):
        rig = Rig(observer, lambda: start("hume_system2", "system2_node", activate_after_system1=True, **parameters))
        yield rig
        rig.leave()


def test_whatever_ends_a_task_the_arm_stays_at_rest_until_somebody_asks(rig: Rig) -> None:
    rig.system2()
    rig.runs(STANDING)

    handle = rig.goal("lift the blue cube")
    rig.runs("lift the blue cube")
    rig.cancel(handle)
    assert rig.end(handle) == (GoalStatus.STATUS_CANCELED, ExecuteTask.Result.CANCELED)
    rig.rests()

    handle = rig.goal("", max_duration=3.0)
    rig.runs(STANDING)
    assert rig.end(handle) == (GoalStatus.STATUS_ABORTED, ExecuteTask.Result.TIMEOUT)
    rig.rests()

    handle = rig.goal("")
    rig.runs(STANDING)
    newer = rig.goal("lift the green cube")
    assert rig.end(handle) == (GoalStatus.STATUS_ABORTED, ExecuteTask.Result.PREEMPTED)
    rig.runs("lift the green cube")

    rig.observer.call(Trigger, "hume_system1/estop", Trigger.Request())
    assert rig.end(newer) == (GoalStatus.STATUS_ABORTED, ExecuteTask.Result.STOPPED)
    rig.observer.call(Trigger, "hume_system1/reset", Trigger.Request())
    rig.rests()
    assert rig.status.mode == System1Status.ESTOP
    rig.goal("")
    rig.runs(STANDING)


def test_an_operator_ends_whatever_is_in_hand(rig: Rig) -> None:
    def cancel() -> bool:
        return bool(rig.observer.call(Trigger, "hume_system2/cancel", Trigger.Request()).success)

    rig.system2()
    rig.runs(STANDING)
    assert cancel()
    rig.rests()
    assert not cancel()
    handle = rig.goal("lift the blue cube")
    rig.runs("lift the blue cube")
    assert cancel()
    assert rig.end(handle) == (GoalStatus.STATUS_ABORTED, ExecuteTask.Result.CANCELED)
    rig.rests()


def test_a_fault_ends_the_standing_task_too(rig: Rig) -> None:
    rig.system2()
    rig.runs(STANDING)
    rig.observer.call(Trigger, "hume_system1/estop", Trigger.Request())
    rig.observer.until(lambda: rig.epochs[-1].reason == "stopped", 10.0, "the end of the task")
    rig.observer.call(Trigger, "hume_system1/reset", Trigger.Request())
    rig.rests()
    assert rig.status.mode == System1Status.ESTOP


def test_a_system2_that_comes_back_goes_on_with_what_was_interrupted_only(rig: Rig) -> None:
    system2 = rig.system2()
    rig.runs(STANDING)
    system2.crash()
    rig.observer.until(lambda: rig.status.mode == System1Status.HOLD, 20.0, "System 1 holding")
    system2 = rig.system2()
    rig.runs(STANDING)

    handle = rig.goal("lift the blue cube")
    rig.runs("lift the blue cube")
    rig.cancel(handle)
    rig.observer.until(lambda: math.isinf(rig.status.chunk_age), 10.0, "the end of the task")
    rig.leave()
    system2.crash()
    system2 = rig.system2()
    rig.observer.until(lambda: "stays at rest" in system2.output, START_TIMEOUT, "the new System 2")
    rig.rests()
    # Its predecessor's epochs were higher than any that it has begun.
    rig.goal("lift the green cube")
    rig.runs("lift the green cube")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_goal_ends_when_its_client_is_gone(rig: Rig, number: signal.Signals) -> None:
    rig.system2()
    rig.runs(STANDING)
    client = subprocess.Popen([sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "accepted True\n"
        rig.runs("lift the blue cube")
        client.send_signal(number)
        client.wait(20)
    finally:
        client.kill()
        client.wait()
    rig.observer.until(lambda: rig.epochs[-1].reason == "stopped", 40.0, "the end of the goal")
    rig.rests()


@pytest.mark.parametrize(
    ("task", "problem"), [("  ", "is empty"), ("lift " * 200, "would be cut before"), ("lift\tit", "U+0009")]
)
def test_a_standing_task_that_the_policy_cannot_take_is_refused(
    task: str, problem: str, observer: Any, start: Callable[..., Any], checkpoint: Path
) -> None:
    parameters = {"robot": ROBOT, "checkpoint": checkpoint, "autostart": True, "exit_on_failure": True}
    process = start("hume_system2", "system2_node", task=json.dumps(task), **parameters)
    observer.until(lambda: not process.alive, START_TIMEOUT, "the end of System 2")
    assert "cannot configure: parameter 'task': the instruction" in process.output
    assert problem in process.output
    assert "Traceback" not in process.output
