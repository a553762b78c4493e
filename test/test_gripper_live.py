"""A gripper behind an action, with the stand-in of a robot as its server in another process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from gripper_hand import TIMEOUT, Hand, Robot
from rclpy.action import ActionClient
from std_msgs.msg import String

from hume_core.robot import RobotProfile, find_profile
from hume_ros.gripper_actions import GRIPPER_COMMAND, PARALLEL_GRIPPER_COMMAND, gripper_action_types
from hume_system1.control.states import Mode

pytestmark = pytest.mark.ros

TYPES = {"ParallelGripperCommand": PARALLEL_GRIPPER_COMMAND, "GripperCommand": GRIPPER_COMMAND}
_NUMBERS = itertools.count()


@pytest.fixture
def make_robot(tmp_path: Path) -> Callable[..., Robot]:
    """Write a profile: `make_robot("ur5e", speed=0.2)`. No two share a topic: what was stopped lingers."""

    def make(name: str, **changes: Any) -> Robot:
        data = yaml.safe_load(find_profile(name).read_text(encoding="utf-8"))
        data["gripper"].update(changes)
        number = next(_NUMBERS)
        action = f"gripper_{number}/cmd"
        data["controllers"]["gripper"]["topic"] = action
        data["joint_states"] = f"joint_states_{number}"
        data.pop("kinematics")
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        gripper = RobotProfile.load(path).gripper
        assert gripper is not None
        return Robot(path, action, data["joint_states"], gripper)

    return make


@pytest.fixture
def make_hand(observer: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Robot], Hand]]:
    """Sinks that are closed when the test ends."""
    hands: list[Hand] = []

    def make(robot: Robot) -> Hand:
        hands.append(Hand(observer, robot, monkeypatch))
        return hands[-1]

    yield make
    for hand in hands:
        hand.close()


def mock(start: Callable[..., Any], robot: Robot, action: str = "ParallelGripperCommand", **parameters: Any) -> Any:
    return start("hume_sim", "hume_mock", robot=robot.path, camera_rate=0.2, gripper_action=action, **parameters)


@pytest.mark.parametrize("action", TYPES)
@pytest.mark.parametrize("name", ["ur5e", "franka_fr3", "xarm7"])
def test_the_gripper_goes_where_the_policy_wants_it(
    start: Any, make_robot: Any, make_hand: Any, name: str, action: str
) -> None:
    robot = make_robot(name)
    gripper = robot.gripper
    mock(start, robot, action)
    hand = make_hand(robot)
    targets = [gripper.closed, gripper.open, 0.5 * (gripper.closed + gripper.open)]
    for target in targets:
        hand.want(target)
        hand.arrives(target)
    hand.observer.spin(1.0)
    commands = [goal.command for goal in hand.goals]
    if action == "GripperCommand":
        assert [command.position for command in commands] == targets
        assert {command.max_effort for command in commands} == {gripper.force or 0.0}
        return
    assert [list(command.position) for command in commands] == [[target] for target in targets]
    assert {(*command.name, *command.velocity) for command in commands} == {(gripper.joint, gripper.speed)}
    assert {tuple(command.effort) for command in commands} == {() if gripper.force is None else (gripper.force,)}


@pytest.mark.parametrize("action", TYPES)
def test_a_goal_that_a_busy_server_refused_is_sent_again(
    start: Any, make_robot: Any, make_hand: Any, action: str
) -> None:
    robot = make_robot("ur5e", speed=0.4)
    mock(start, robot, action, gripper_refuses=True)
    hand = make_hand(robot)
    hand.want(robot.gripper.closed)
    hand.observer.until(lambda: 0.1 < hand.position < 0.6, TIMEOUT, "gripper on its way")
    hand.want(robot.gripper.open)
    hand.arrives(robot.gripper.closed)
    hand.arrives(robot.gripper.open)
    assert len(hand.goals) > 2
    hand.observer.until(lambda: any("refused" in text for text in hand.warnings), TIMEOUT, "a warning")


def reaches_closed(hand: Hand, action: str) -> None:
    """A new goal of the action's type goes out, and the gripper closes. The stand-in starts open."""
    sent = len(hand.goals)
    hand.observer.until(lambda: len(hand.goals) > sent, TIMEOUT, "a goal")
    hand.arrives(hand.gripper.closed)
    assert hasattr(hand.goals[-1].command, "max_effort") == (action == "GripperCommand")


def closes_under_each(start: Any, make_robot: Any, make_hand: Any, actions: list[str], end: str) -> None:
    """One server after the other, each ended by a method of `Process`, gets the target and reaches it."""
    robot = make_robot("franka_fr3")
    hand = make_hand(robot)
    hand.want(robot.gripper.closed)
    for action in actions:
        server = mock(start, robot, action)
        reaches_closed(hand, action)
        getattr(server, end)()


@pytest.mark.parametrize("actions", [["ParallelGripperCommand"] * 2, list(TYPES), list(reversed(TYPES))])
def test_a_server_that_was_started_again_gets_the_target(
    start: Any, make_robot: Any, make_hand: Any, actions: list[str]
) -> None:
    closes_under_each(start, make_robot, make_hand, actions, "stop")


@pytest.mark.parametrize("actions", [["GripperCommand"] * 2, list(TYPES), list(reversed(TYPES))])
def test_a_crashed_server_is_forgotten_once_another_is_there(
    start: Any, make_robot: Any, make_hand: Any, actions: list[str]
) -> None:
    closes_under_each(start, make_robot, make_hand, actions, "crash")


def test_a_missing_server_is_named_with_what_to_do(make_robot: Any, make_hand: Any) -> None:
    robot = make_robot("ur5e")
    hand = make_hand(robot)
    hand.want(0.0)
    hand.observer.until(lambda: hand.warnings, TIMEOUT, "a warning")
    assert f"the action '/{robot.action}' has no server" in hand.warnings[0]
    assert "Start the gripper's driver" in hand.warnings[0]
    assert hand.goals == []


def test_a_server_of_another_type_is_named(make_robot: Any, make_hand: Any, observer: Any) -> None:
    robot = make_robot("ur5e")
    publisher = observer.node.create_publisher(String, f"{robot.action}/_action/feedback", 1)
    hand = make_hand(robot)
    hand.want(0.0)
    try:
        hand.observer.until(lambda: hand.warnings, TIMEOUT, "a warning")
    finally:
        observer.node.destroy_publisher(publisher)
    assert f"the action '/{robot.action}' is of type std_msgs/msg/String. It must be" in hand.warnings[0]
    assert PARALLEL_GRIPPER_COMMAND in hand.warnings[0]
    assert hand.goals == []


@pytest.mark.parametrize("action", TYPES)
def test_an_emergency_stop_stops_the_gripper_on_its_way(
    start: Any, make_robot: Any, make_hand: Any, action: str
) -> None:
    robot = make_robot("ur5e", speed=0.05)
    mock(start, robot, action)
    hand = make_hand(robot)
    hand.want(robot.gripper.closed)
    hand.observer.until(lambda: hand.position > 0.02, TIMEOUT, "gripper on its way")
    hand.command.mode = Mode.ESTOP
    before = float("nan")

    def still() -> bool:
        nonlocal before
        before, last = hand.position, before
        hand.observer.spin(0.5)
        return hand.position == last

    hand.observer.until(still, TIMEOUT, "standstill")
    assert hand.position < 0.9 * robot.gripper.closed
    assert len(hand.goals) == 1
    hand.command.mode = Mode.RUNNING
    stopped = hand.position
    hand.observer.until(lambda: hand.position > stopped, TIMEOUT, "motion after the reset")


def test_no_goal_goes_out_while_nothing_is_streamed(start: Any, make_robot: Any, make_hand: Any) -> None:
    robot = make_robot("franka_fr3")
    mock(start, robot)
    hand = make_hand(robot)
    hand.want(robot.gripper.closed)
    hand.arrives(robot.gripper.closed)
    hand.streaming = False
    hand.observer.spin(1.0)
    hand.want(robot.gripper.open)
    hand.observer.spin(1.0)
    assert len(hand.goals) == 1
    hand.streaming = True
    hand.arrives(robot.gripper.open)


@pytest.mark.parametrize("positions", [[], [0.1, 0.2], [float("nan")]])
def test_the_stand_in_refuses_goals_that_a_controller_refuses(
    start: Any, make_robot: Any, observer: Any, positions: list[float]
) -> None:
    robot = make_robot("ur5e")
    mock(start, robot)
    kind = gripper_action_types()[PARALLEL_GRIPPER_COMMAND]
    client = ActionClient(observer.node, kind, robot.action)
    try:
        observer.until(client.server_is_ready, TIMEOUT, "server")
        goal = kind.Goal()
        goal.command.position = positions
        future = client.send_goal_async(goal)
        assert not observer.until(future.result, TIMEOUT, "an answer").accepted
    finally:
        client.destroy()
        observer.spin(0.2)


def test_the_stand_in_stalls_where_its_gripper_ends(start: Any, make_robot: Any, observer: Any) -> None:
    robot = make_robot("ur5e")
    mock(start, robot)
    kind = gripper_action_types()[PARALLEL_GRIPPER_COMMAND]
    client = ActionClient(observer.node, kind, robot.action)
    try:
        observer.until(client.server_is_ready, TIMEOUT, "server")
        goal = kind.Goal()
        goal.command.position = [1.5]
        future = client.send_goal_async(goal)
        handle = observer.until(future.result, TIMEOUT, "an answer")
        done = handle.get_result_async()
        result = observer.until(done.result, TIMEOUT, "a result").result
        assert (result.stalled, result.reached_goal) == (True, False)
        assert list(result.state.position) == pytest.approx([0.79])
    finally:
        client.destroy()
        observer.spin(0.2)
