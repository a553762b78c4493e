"""Commands of controllers that take trajectories or goals are exported as they are carried out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_bags.errors import BagError
from hume_bags.message_types import message_class
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp

START = 1000.0
TOPIC, ACTION = "/arm_controller/joint_trajectory", "/arm_controller/follow_joint_trajectory"
EVENTS, STATUS = f"{ACTION}/_action/send_goal/_service_event", f"{ACTION}/_action/status"
GRIPPER_EVENTS = "/gripper_controller/gripper_cmd/_action/send_goal/_service_event"
GOAL = "control_msgs/action/FollowJointTrajectory"
REQUEST_SENT, REQUEST_RECEIVED, RESPONSE_SENT = 0, 1, 2
Record = Callable[..., Any]
Exported = Callable[..., Any]


@pytest.fixture
def robot(tmp_path: Path, profile: RobotProfile) -> str:
    """The simulated arm behind a `joint_trajectory_controller`."""
    data = profile.model_dump(mode="json")
    data["controllers"]["arm"] = {"type": "joint_trajectory_controller", "topic": TOPIC[1:]}
    path = tmp_path / "robot.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


@pytest.fixture
def session(tmp_path: Path, record: Record) -> Any:
    """Two seconds of sensors, and an episode of all of them."""
    made = record(tmp_path / "bag", lambda topic, _: topic == "/arm_controller/commands")
    made.add(TOPIC, "trajectory_msgs/msg/JointTrajectory")
    made.sensors(4.0)
    made.goal(0.0, 3.9)
    return made


def trajectory(
    names: Sequence[str], points: Sequence[tuple[float, float]], stamp: float = 0.0, speed: float | None = None
) -> JointTrajectory:
    """All joints go the same way: (time_from_start, position) of each point."""
    message = JointTrajectory(joint_names=list(names))
    set_stamp(message.header.stamp, stamp)
    for since, position in points:
        point = JointTrajectoryPoint(positions=array("d", [position] * len(names)))
        if speed is not None:
            point.velocities = array("d", [speed] * len(names))
        set_stamp(point.time_from_start, since)
        message.points.append(point)
    return message


def actions(session: Any, exported: Exported, folder: Path, robot: str, **more: Any) -> tuple[Any, Any, list[str]]:
    """Times since the start, actions of the first joint, and what was skipped."""
    session.writer.close()
    data, sources = exported(session.writer.folder, folder, robot=robot, **more)
    # Rows are 0.05 s apart. Images, 0.05 s apart too, tell their number.
    first = 0.05 * float(data.images["image"][0, 0, 0, 0])
    return first + 0.05 * np.arange(len(data.action)), data.action, sources["skipped"]


@pytest.mark.parametrize("stamped", [False, True])
def test_all_points_are_exported_when_they_are_due(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile, stamped: bool
) -> None:
    message = trajectory(profile.joint_names, [(0.5, 0.4), (1.0, 0.2), (2.5, 0.5)], START + 1.0 if stamped else 0.0)
    session.write(TOPIC, message, START + 1.0)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    assert times[0] == pytest.approx(1.0)
    due, positions = [1.5, 2.0, 3.5, 9.0], [0.4, 0.2, 0.5, 0.5]
    known = times >= 1.5
    expected = np.interp(times[known], due, positions)
    np.testing.assert_allclose(rows[known, :6], np.tile(expected[:, None], (1, 6)), atol=1e-5)
    # The first joint was measured at its time since the start, the others at their number.
    np.testing.assert_allclose(rows[times == times[0], :6], [[1.0, 1.0, 2.0, 3.0, 4.0, 5.0]], atol=0.02)


@pytest.mark.parametrize("late", [-0.4, 0.3])
def test_a_trajectory_counts_from_its_stamp(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile, late: float
) -> None:
    session.write(TOPIC, trajectory(profile.joint_names, [(0.0, 0.0), (2.0, 2.0)], START + 1.0), START + 1.0 + late)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    begun = times >= max(1.0, 1.0 + late)
    np.testing.assert_allclose(rows[begun, 3], np.clip(times[begun] - 1.0, 0.0, 2.0), atol=1e-5)


def test_joints_in_another_order_and_those_left_out_find_their_place(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile
) -> None:
    whole = JointTrajectory(joint_names=list(profile.joint_names[::-1]))
    whole.points.append(JointTrajectoryPoint(positions=array("d", [0.5, 0.4, 0.3, 0.2, 0.1, 0.0])))
    session.write(TOPIC, whole, START + 0.2)
    session.write(TOPIC, trajectory(profile.joint_names[2:4], [(0.5, 0.9)]), START + 2.0)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    np.testing.assert_allclose(
        rows[times < 1.9][:, :6], [[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]] * int((times < 1.9).sum()), atol=1e-6
    )
    np.testing.assert_allclose(rows[times > 2.6][0, :6], [0.0, 0.1, 0.9, 0.9, 0.4, 0.5], atol=1e-6)


def test_what_a_controller_refuses_is_not_exported_and_counted(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile
) -> None:
    names = profile.joint_names
    session.write(TOPIC, trajectory(names, [(0.0, 0.3)]), START + 0.1)
    session.write(TOPIC, trajectory(names, [(0.1, 5.0)], START - 3.0), START + 1.0)  # over
    session.write(TOPIC, trajectory(names, []), START + 1.2)
    session.write(TOPIC, trajectory(names, [(0.5, 5.0), (0.2, 5.0)]), START + 1.4)
    short = trajectory(names, [(0.5, 5.0)])
    short.points[0].positions = array("d", [5.0])
    session.write(TOPIC, short, START + 1.6)
    _, rows, skipped = actions(session, exported, tmp_path / "data", robot)
    np.testing.assert_allclose(rows[:, :6], 0.3, atol=1e-6)
    for reason in ("was over before it arrived", "without points", "not in the order", "has 1 positions for 6 joints"):
        assert any(f"1 times: '{TOPIC}': " in problem and reason in problem for problem in skipped), reason


def test_trajectories_of_another_robot_are_refused(
    tmp_path: Path, session: Any, exported: Exported, robot: str
) -> None:
    session.write(TOPIC, trajectory(["joint_1", "joint_2"], [(0.0, 0.3)]), START + 0.1)
    with pytest.raises(BagError, match=r"no trajectory that is carried out.* 'waist' but joint_1, joint_2"):
        actions(session, exported, tmp_path / "data", robot)


@pytest.mark.parametrize("finger_first", [False, True])
def test_one_controller_may_move_arm_and_gripper(
    tmp_path: Path, session: Any, exported: Exported, profile: RobotProfile, finger_first: bool
) -> None:
    """Each trajectory is for some of its joints."""
    gripper = profile.gripper
    assert gripper is not None
    data = profile.model_dump(mode="json")
    shared = {"type": "joint_trajectory_controller", "topic": TOPIC[1:]}
    data["controllers"] |= {"arm": shared, "gripper": shared}
    path = tmp_path / "shared.yaml"
    path.write_text(yaml.safe_dump(data))
    begin = START + (1.0 if finger_first else 0.2)
    session.write(TOPIC, trajectory(profile.joint_names, [(0.0, 0.5)]), begin)
    session.write(TOPIC, trajectory([gripper.joint], [(0.0, gripper.closed)]), START + 0.6)
    session.write(TOPIC, trajectory([*profile.joint_names, gripper.joint], [(0.0, gripper.open)]), START + 2.0)
    times, rows, _ = actions(session, exported, tmp_path / "data", str(path))
    assert times[0] == pytest.approx(max(begin - START, 0.6))
    np.testing.assert_allclose(rows[times < 1.99, :6], 0.5, atol=1e-6)
    expected = np.where(times < 1.99, gripper.policy_closed, gripper.policy_open)
    away = np.abs(times - 2.0) > 0.01  # whether that row is before or after is a matter of rounding
    np.testing.assert_allclose(rows[away, 6], expected[away], atol=1e-6)


def test_no_trajectory_at_all_says_where_they_were_looked_for(
    tmp_path: Path, session: Any, exported: Exported, robot: str
) -> None:
    with pytest.raises(BagError, match=f"no commands on '{TOPIC}' or '{EVENTS}' .*introspection"):
        actions(session, exported, tmp_path / "data", robot)


def event(kind: str, number: int, event_type: int, **goal: Any) -> Any:
    """An event of the service behind an action's goals."""
    message = message_class(f"{kind}_SendGoal_Event")()
    message.info.event_type, message.info.sequence_number = event_type, number
    if event_type == RESPONSE_SENT:
        response = message_class(f"{kind}_SendGoal_Response")(accepted=bool(goal["accepted"]))
        message.response = [response]
        return message
    request = message_class(f"{kind}_SendGoal_Request")(goal=message_class(f"{kind}_Goal")(**goal))
    request.goal_id.uuid = np.full(16, number, np.uint8)
    message.request = [request]
    return message


@pytest.mark.parametrize("of_client", [False, True])
def test_goals_of_the_action_are_commands(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile, of_client: bool
) -> None:
    session.add(EVENTS, f"{GOAL}_SendGoal_Event")
    first = trajectory(profile.joint_names, [(0.0, 0.0), (1.0, 1.0)])
    refused = trajectory(profile.joint_names, [(0.0, 9.0)])
    session.write(EVENTS, event(GOAL, 1, REQUEST_SENT, trajectory=first), START + 0.9)
    if not of_client:
        session.write(EVENTS, event(GOAL, 1, REQUEST_RECEIVED, trajectory=first), START + 1.0)
        session.write(EVENTS, event(GOAL, 2, REQUEST_RECEIVED, trajectory=refused), START + 1.5)
        session.write(EVENTS, event(GOAL, 2, RESPONSE_SENT, accepted=False), START + 1.5)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    begin = 0.9 if of_client else 1.0
    later = times >= begin
    np.testing.assert_allclose(rows[later, 2], np.clip(times[later] - begin, 0.0, 1.0), atol=1e-5)


@pytest.mark.parametrize(("canceled", "held"), [(1, 0.5), (7, 1.0)])
def test_a_canceled_goal_stops_where_it_was(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile, canceled: int, held: float
) -> None:
    session.add(EVENTS, f"{GOAL}_SendGoal_Event")
    session.add(STATUS, "action_msgs/msg/GoalStatusArray")
    goal = trajectory(profile.joint_names, [(0.0, 0.0), (1.0, 1.0)])
    session.write(EVENTS, event(GOAL, 1, REQUEST_RECEIVED, trajectory=goal), START + 1.0)
    status = message_class("action_msgs/msg/GoalStatus")(status=5)
    status.goal_info.goal_id.uuid = np.full(16, canceled, np.uint8)
    array_message = message_class("action_msgs/msg/GoalStatusArray")(status_list=[status])
    session.write(STATUS, array_message, START + 1.5)
    session.write(STATUS, array_message, START + 1.6)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    np.testing.assert_allclose(rows[times >= 2.1, 2], held, atol=1e-5)


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("/arm_controller/controller_state", "control_msgs/msg/JointTrajectoryControllerState"),
        ("/arm_controller/state", "control_msgs/msg/JointTrajectoryControllerState"),
        (f"{ACTION}/_action/feedback", f"{GOAL}_FeedbackMessage"),
    ],
)
def test_without_trajectories_what_the_controller_reports_counts(
    tmp_path: Path, session: Any, exported: Exported, robot: str, profile: RobotProfile, topic: str, kind: str
) -> None:
    session.add(topic, kind)
    for k in range(40):
        message = message_class(kind)()
        report = message.feedback if topic.endswith("feedback") else message
        point = report.desired if topic.endswith("feedback") else report.reference
        report.joint_names = list(profile.joint_names[::-1])
        point.positions = array("d", [0.1 * k + joint for joint in range(6)][::-1])
        set_stamp(report.header.stamp, START + 0.1 * k)
        session.write(topic, message, START + 0.1 * k + 0.02)
    times, rows, _ = actions(session, exported, tmp_path / "data", robot)
    np.testing.assert_allclose(rows[:, :6], times[:, None] + np.arange(6.0), atol=1e-5)


@pytest.mark.parametrize("kind", ["GripperCommand", "ParallelGripperCommand"])
def test_goals_of_a_gripper_count_until_the_next(
    tmp_path: Path, session: Any, exported: Exported, profile: RobotProfile, kind: str
) -> None:
    gripper = profile.gripper
    assert gripper is not None
    data = profile.model_dump(mode="json")
    data["controllers"]["arm"] = {"type": "joint_trajectory_controller", "topic": TOPIC[1:]}
    data["controllers"]["gripper"] = {"type": "gripper_action", "topic": "gripper_controller/gripper_cmd"}
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(data))
    name = f"control_msgs/action/{kind}"
    session.write(TOPIC, trajectory(profile.joint_names, [(0.0, 0.0)]), START + 0.05)
    session.add(GRIPPER_EVENTS, f"{name}_SendGoal_Event")
    for number, (time, position) in enumerate([(0.5, gripper.open), (2.0, gripper.closed)]):
        goal = message_class(f"{name}_Goal")()
        if kind == "GripperCommand":
            goal.command.position = float(position)
        else:
            goal.command.name, goal.command.position = [gripper.joint], array("d", [position])
        session.write(GRIPPER_EVENTS, event(name, number, REQUEST_RECEIVED, command=goal.command), START + time)
    times, rows, _ = actions(session, exported, tmp_path / "data", str(path))
    assert times[0] == pytest.approx(0.5)
    expected = np.where(times < 1.99, gripper.policy_open, gripper.policy_closed)
    away = np.abs(times - 2.0) > 0.01
    np.testing.assert_allclose(rows[away, 6], expected[away], atol=1e-6)
