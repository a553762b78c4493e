"""Two stacks in two namespaces of one domain: each works, stops and is reset alone. Nothing of one reaches another."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import yaml
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import ActionChunk, Epoch, Segment, System1Status
from rcl_interfaces.msg import Log
from rclpy.action import ActionClient
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray
from std_srvs.srv import Trigger

from hume_core.robot import RobotProfile
from hume_operate.task import TaskClient
from hume_ros import qos

pytestmark = pytest.mark.ros

START_TIMEOUT = 500.0
SIDES = {"left": "lift the red cube", "right": "stack the cubes"}
NODES = {"hume_mock", "hume_system1", "hume_system1_denoiser", "hume_system2"}
SHARED = {"/rosout", "/parameter_events", "/diagnostics", "/hume/estop"}
"""Topics that all robots of a domain have together: those of ROS itself, and the button that stops all of them."""
AT_WORK = {System1Status.RUNNING, System1Status.HOLD}
"""A busy computer may hold an arm for a moment. It never ends its task."""
# A machine that stands still for 0.3 s would end the tasks before the test stops one.
SLACK = {"joint_state_age": 2.0, "heartbeat_age": 10.0, "clock_frozen": 5.0, "clock_jump": 10.0}


class Stack:
    """What one stack says in its namespace."""

    def __init__(self, observer: Any, side: str) -> None:
        self.profile = RobotProfile.load("wx250s_sim", f"{side}_")
        self.statuses: list[System1Status] = []
        self.epochs: list[Epoch] = []
        self.chunks: list[ActionChunk] = []
        self.segments: list[Segment] = []
        self.states: list[JointState] = []
        self.commands: list[Float64MultiArray] = []
        listened = [
            (System1Status, "hume/status", self.statuses, qos.STATUS),
            (Epoch, "hume/epoch", self.epochs, qos.LATCHED),
            (ActionChunk, "hume/action_chunk", self.chunks, qos.CHUNK),
            (Segment, "hume/segment", self.segments, qos.CHUNK),
            (JointState, self.profile.joint_states, self.states, qos.JOINT_STATES),
            (Float64MultiArray, self.profile.arm.controller.topic, self.commands, qos.COMMAND),
        ]
        for kind, topic, messages, quality in listened:
            observer.node.create_subscription(kind, f"/{side}/{topic}", messages.append, quality)

    @property
    def mode(self) -> int:
        """Newest. -1: none yet."""
        return int(self.statuses[-1].mode) if self.statuses else -1

    @property
    def epoch(self) -> int:
        """In force in the control core."""
        return int(self.statuses[-1].epoch)

    def forget(self) -> None:
        """What was heard so far, but for the newest status."""
        del self.statuses[:-1]
        for messages in (self.epochs, self.chunks, self.segments, self.states, self.commands):
            messages.clear()


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, observer: Any, checkpoint: Path) -> Iterator[dict[str, Stack]]:
    """Both of them running, each with a prefix of its own. The checkpoint knows of no prefix."""
    folder = tmp_path_factory.mktemp("stacks")
    parameters = folder / "parameters.yaml"
    parameters.write_text(yaml.safe_dump({"/**/hume_system1": {"ros__parameters": SLACK}}), encoding="utf-8")
    watched = {side: Stack(observer, side) for side in SIDES}
    running = []
    for side, task in SIDES.items():
        arguments = [
            f"namespace:={side}",
            f"prefix:={side}_",
            f"task:={task}",
            f"checkpoint:={checkpoint}",
            "candidates:=1",
        ]
        with (folder / f"{side}.log").open("wb") as log:
            command = [sys.executable, "-m", "hume_tools", "up", "mock", *arguments, f"params_file:={parameters}"]
            running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
    try:
        yield watched
    finally:
        for process in running:
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(20)
            for left in psutil.wait_procs(family, timeout=5)[1]:
                left.kill()
        for side in SIDES:
            print((folder / f"{side}.log").read_text(encoding="utf-8", errors="replace"))


@pytest.fixture
def both(stacks: dict[str, Stack], observer: Any) -> dict[str, Stack]:
    """Both at work, with nothing heard yet. Where an earlier test has stopped one, it gets its task as a goal."""
    for side, stack in stacks.items():
        observer.until(partial(getattr, stack, "statuses"), START_TIMEOUT, f"a status of {side}")
        if stack.mode in (System1Status.ESTOP, System1Status.FAULT):
            assert observer.call(Trigger, f"/{side}/hume_system1/reset", Trigger.Request()).success
            give_task(observer, side)
        observer.until(partial(works, stack), START_TIMEOUT, f"{side} at work")
    for stack in stacks.values():
        stack.forget()
    acting = lambda: all(stack.chunks and stack.segments and stack.commands for stack in stacks.values())  # noqa: E731
    observer.until(acting, 120.0, "both acting")
    return stacks


def works(stack: Stack) -> bool:
    return stack.mode in AT_WORK


def give_task(observer: Any, side: str) -> None:
    """A goal in the namespace of one stack."""
    client = ActionClient(observer.node, ExecuteTask, f"/{side}/hume/execute_task")
    observer.until(client.server_is_ready, 20.0, f"the action of {side}")
    future = client.send_goal_async(ExecuteTask.Goal(instruction=SIDES[side]))
    observer.until(future.done, 20.0, f"an answer to the goal of {side}")
    assert future.result().accepted


def goes_on(observer: Any, stack: Stack) -> None:
    """Wait for segments and commands of a stack. Where none come, say what it says of itself."""
    try:
        observer.until(lambda: len(stack.segments) > 20 and len(stack.commands) > 100, 60.0, "the other going on")
    except pytest.fail.Exception as error:
        status = stack.statuses[-1]
        pytest.fail(f"{error}: it says {status.mode_name} {status.reason}, {len(stack.chunks)} chunks")


def other(side: str) -> str:
    return next(name for name in SIDES if name != side)


def test_each_says_its_own_names_and_task(both: dict[str, Stack], observer: Any) -> None:
    observer.until(lambda: all(len(stack.chunks) > 3 for stack in both.values()), 60.0, "chunks of both")
    for side, stack in both.items():
        joints = list(stack.profile.joint_names)
        assert all(name.startswith(f"{side}_") for name in joints)
        assert {chunk.instruction for chunk in stack.chunks} == {SIDES[side]}
        assert all(list(message.names) == joints for message in (*stack.chunks, *stack.segments))
        assert all(list(status.joint_names) == joints for status in stack.statuses)
        assert {name for state in stack.states for name in state.name} == {*joints, *stack.profile.gripper_names}


def test_no_topic_or_service_joins_them(both: dict[str, Stack], observer: Any) -> None:
    node = observer.node
    spaces = {f"/{side}" for side in SIDES}
    there = lambda: {space: {n for n, at in node.get_node_names_and_namespaces() if at == space} for space in spaces}  # noqa: E731
    observer.until(lambda: all(found >= NODES for found in there().values()), 30.0, "all nodes of both")
    strays = [n for n, at in node.get_node_names_and_namespaces() if n.startswith("hume_") and at not in spaces]
    assert strays == [node.get_name()]
    for topic, _ in node.get_topic_names_and_types():
        ends = [*node.get_publishers_info_by_topic(topic), *node.get_subscriptions_info_by_topic(topic)]
        users = {end.node_namespace for end in ends} & spaces
        assert len(users) < 2 or topic in SHARED, f"{topic} joins {sorted(users)}"
        assert not users or topic in SHARED or topic.startswith(f"{users.pop()}/"), f"{topic} is outside its namespace"
    for space, names in there().items():
        for name in names:
            services = [service for service, _ in node.get_service_names_and_types_by_node(name, space)]
            assert all(service.startswith(f"{space}/") for service in services), f"{space}/{name}: {services}"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("way", ["service", "topic"])
def test_a_stop_and_a_reset_are_of_one_alone(both: dict[str, Stack], observer: Any, side: str, way: str) -> None:
    stopped, runs = both[side], both[other(side)]
    epoch, epochs_of_stopped = runs.epoch, stopped.epoch
    if way == "service":
        assert observer.call(Trigger, f"/{side}/hume_system1/estop", Trigger.Request()).success
    else:
        button = observer.node.create_publisher(Bool, f"/{side}/hume/estop", qos.STATUS)
        observer.until(button.get_subscription_count, 20.0, "System 1 at its stop topic")
        button.publish(Bool(data=True))
    observer.until(lambda: stopped.mode == System1Status.ESTOP, 20.0, "the emergency stop")
    observer.until(lambda: stopped.statuses[-1].standing_still, 20.0, "the arm standing still")
    for stack in both.values():
        stack.forget()
    goes_on(observer, runs)
    assert {status.mode for status in runs.statuses} <= AT_WORK
    assert {status.epoch for status in runs.statuses} == {epoch}
    assert {chunk.epoch for chunk in runs.chunks} <= {epoch}
    assert runs.epochs == []
    assert stopped.epoch > epochs_of_stopped

    assert observer.call(Trigger, f"/{side}/hume_system1/reset", Trigger.Request()).success
    give_task(observer, side)
    observer.until(lambda: works(stopped), 60.0, "the arm going on with its task")
    assert {status.mode for status in runs.statuses} <= AT_WORK
    assert {status.epoch for status in runs.statuses} == {epoch}
    assert runs.epochs == []


def test_one_button_at_the_root_stops_both(both: dict[str, Stack], observer: Any) -> None:
    button = observer.node.create_publisher(Bool, "/hume/estop", qos.STATUS)
    observer.until(lambda: button.get_subscription_count() >= len(both), 20.0, "both at the common stop topic")
    button.publish(Bool(data=True))
    stopped = lambda: all(stack.mode == System1Status.ESTOP for stack in both.values())  # noqa: E731
    observer.until(stopped, 20.0, "the emergency stop of both")
    observer.node.destroy_publisher(button)
    assert observer.call(Trigger, "/left/hume_system1/reset", Trigger.Request()).success
    give_task(observer, "left")
    observer.until(lambda: works(both["left"]), 60.0, "the one that was reset at work")
    assert both["right"].mode == System1Status.ESTOP


def test_a_refusal_of_the_other_is_not_ours(observer: Any) -> None:
    """All robots log on one topic, and a refused goal has its reason there."""
    words = observer.node.create_publisher(Log, "/rosout", 10)
    task = TaskClient(SimpleNamespace(node=observer.node, namespace="/left"))
    observer.until(words.get_subscription_count, 20.0, "a listener")
    for logger, reason in (("right.hume_system2", "theirs"), ("left.hume_system2", "ours")):
        words.publish(Log(name=logger, msg=f"goal refused: {reason}"))
    observer.until(lambda: task._refusal, 20.0, "the reason of the refusal")
    assert task._refusal == "ours"
    words.publish(Log(name="right.hume_system2", msg="goal refused: theirs"))
    observer.spin(1.0)
    assert task._refusal == "ours"
    task.close()
    observer.node.destroy_publisher(words)
