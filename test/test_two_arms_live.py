"""Two arms on the stand-in: both move, one that falls silent stops both, limits hold, and the tools name all of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from hume_msgs.msg import ActionChunk, System1Status
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import known_joint_values
from hume_tools.doctor.examine import judge
from hume_tools.doctor.listener import _Listener
from hume_views.topics import MARKERS, MOTION

pytestmark = pytest.mark.ros

ALOHA = RobotProfile.load("aloha")
START_TIMEOUT = 240.0
SIDES = ("left", "right")
_RESTS = 1e-9
# A machine that stands still for 0.3 s would end the task before the test causes its fault.
SLACK = {"joint_state_age": 2.0, "heartbeat_age": 10.0, "clock_frozen": 5.0, "clock_jump": 10.0}


class Robot:
    """Both arms as they are commanded and measured."""

    def __init__(self, observer: Any) -> None:
        self.statuses: list[System1Status] = []
        self.states: list[JointState] = []
        self.commands: dict[str, list[JointTrajectory]] = {side: [] for side in SIDES}
        node = observer.node
        node.create_subscription(System1Status, "hume/status", self.statuses.append, qos.STATUS)
        node.create_subscription(JointState, ALOHA.joint_states, self.states.append, qos.JOINT_STATES)
        for side, arm in zip(SIDES, ALOHA.arms, strict=True):
            node.create_subscription(JointTrajectory, arm.controller.topic, self.commands[side].append, qos.COMMAND)

    @property
    def mode(self) -> int:
        """Newest. -1: none yet."""
        return int(self.statuses[-1].mode) if self.statuses else -1

    def way(self, side: str) -> float:
        """How far the commands of an arm have gone so far, rad."""
        places = np.array([message.points[0].positions for message in self.commands[side]])
        return float(np.ptp(places, axis=0).max())


@pytest.fixture
def up(tmp_path: Path, ros_domain: int) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts sets of nodes, which are stopped when the test ends."""
    running: list[tuple[subprocess.Popen[bytes], Path]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        log = tmp_path / f"up_{len(running)}.log"
        with log.open("wb") as stream:
            command = [sys.executable, "-m", "hume_tools", "up", *arguments]
            running.append((subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True), log))
        return running[-1][0]

    yield begin
    for process, log in running:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(20)
        print(log.read_text(encoding="utf-8", errors="replace"))
        for left in psutil.wait_procs(family, timeout=5)[1]:
            left.kill()


def silence(observer: Any, *paths: str) -> None:
    """Leave arms or grippers of the stand-in out of its joint states."""
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=", ".join(paths))
    request = SetParameters.Request(parameters=[Parameter(name="silent_parts", value=value)])
    (result,) = observer.call(SetParameters, "/hume_mock/set_parameters", request).results
    assert result.successful, result.reason


def switch(observer: Any, **names: list[str]) -> None:
    """Stop and start controllers of the stand-in."""
    services = pytest.importorskip("controller_manager_msgs.srv", reason="needs controller_manager_msgs")
    request = services.SwitchController.Request(strictness=services.SwitchController.Request.STRICT, **names)
    assert observer.call(services.SwitchController, "/controller_manager/switch_controller", request).ok


@pytest.mark.parametrize("separate", [False, True], ids=["one_driver", "a_driver_each"])
def test_both_arms_move_and_stop_together(
    up: Callable[..., Any], observer: Any, tmp_path: Path, separate: bool
) -> None:
    parameters = tmp_path / "parameters.yaml"
    values = {"hume_mock": {"separate_joint_states": separate}, "hume_system1": SLACK}
    nodes = {node: {"ros__parameters": content} for node, content in values.items()}
    parameters.write_text(yaml.safe_dump(nodes), encoding="utf-8")
    robot = Robot(observer)
    up("mock", "robot:=aloha", "task:=stack the cubes", f"params_file:={parameters}")
    observer.until(lambda: robot.mode == System1Status.RUNNING, START_TIMEOUT, "System 1 running")
    assert list(robot.statuses[-1].joint_names) == list(ALOHA.joint_names)
    observer.until(lambda: all(robot.commands.values()), 20.0, "commands to both arms")
    observer.until(lambda: all(robot.way(side) > 0.005 for side in SIDES), 60.0, "both arms moving")
    names = {name for state in robot.states[-60:] for name in state.name}
    assert names == {*ALOHA.joint_names, *ALOHA.gripper_names}
    assert (len(robot.states[-1].name) < len(names)) == separate

    switch(observer, deactivate_controllers=["right_arm_controller"])
    away = "right_arm_controller is inactive"
    observer.until(lambda: away in robot.statuses[-1].reason, 20.0, "the hold for a controller that was stopped")
    observer.until(lambda: robot.statuses[-1].standing_still, 20.0, "both arms standing still")
    switch(observer, activate_controllers=["right_arm_controller"])
    observer.until(lambda: robot.mode == System1Status.RUNNING, 60.0, "both arms going on")

    silence(observer, "arms.left")
    observer.until(lambda: robot.mode == System1Status.FAULT, 20.0, "the fault")
    assert "joint states" in robot.statuses[-1].reason
    assert "left_waist" in robot.statuses[-1].reason
    assert "right_waist" not in robot.statuses[-1].reason
    observer.until(lambda: robot.statuses[-1].standing_still, 20.0, "both arms standing still")
    for messages in robot.commands.values():
        messages.clear()
    observer.spin(1.0)
    for side, messages in robot.commands.items():
        assert all(abs(v) <= _RESTS for item in messages for point in item.points for v in point.velocities), side
    right = [known_joint_values(state, ALOHA.arms[1].joint_names) for state in robot.states[-100:]]
    whole = np.array([values for values in right if np.isfinite(values).all()])
    assert len(whole) > 1
    assert np.ptp(whole, axis=0).max() < 1e-6
    assert 0.0 < robot.statuses[-1].max_velocity_ratio <= 1.0 + 1e-9


def test_two_tools_move_and_are_drawn(up: Callable[..., Any], observer: Any, tmp_path: Path) -> None:
    """Rows of six numbers for each arm, a state of both tools, and markers of both."""
    content = ALOHA.model_dump(mode="json") | {"name": "tools", "state": ["tool_position", "tool_rotation", "gripper"]}
    # Long chunks, and observations that may be old: nothing here is about a busy machine.
    content["action"] |= {"space": "ee_delta", "dt": 0.1}
    content["observation"] = {"slop": 0.1, "max_age": 2.0}
    profile = tmp_path / "tools.yaml"
    profile.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text(yaml.safe_dump({"hume_system1": {"ros__parameters": SLACK}}), encoding="utf-8")
    robot, chunks, drawn = Robot(observer), [], {}  # type: Robot, list[ActionChunk], dict[str, str]
    observer.node.create_subscription(ActionChunk, "hume/action_chunk", chunks.append, qos.CHUNK)

    def note(message: MarkerArray) -> None:
        drawn.update({marker.ns: marker.header.frame_id for marker in message.markers})

    for topic in (MARKERS, MOTION):
        observer.node.create_subscription(MarkerArray, topic, note, qos.STATUS)
    up("mock", f"robot:={profile}", "task:=stack the cubes", f"params_file:={parameters}", "markers:=true")
    observer.until(lambda: robot.mode == System1Status.RUNNING, START_TIMEOUT, "System 1 running")
    observer.until(lambda: all(robot.commands.values()), 20.0, "commands to both arms")
    observer.until(lambda: all(robot.way(side) > 0.005 for side in SIDES), 60.0, "both arms moving")
    assert chunks[-1].action_space == "left=ee_delta,right=ee_delta"
    # Rows are padded to the policy's widest action.
    assert chunks[-1].dim >= 14
    wanted = {f"{side}/{kind}" for side in SIDES for kind in ("candidates", "chosen", "commanded", "measured")}
    observer.until(lambda: {*wanted, "status"} <= drawn.keys(), 60.0, "markers of both tools")
    for side in SIDES:
        assert drawn[f"{side}/chosen"] == drawn[f"{side}/measured"] == f"{side}/base_link"
    assert 0.0 < robot.statuses[-1].max_velocity_ratio <= 1.0 + 1e-9


def test_the_doctor_names_every_controller_and_gripper(start: Callable[..., Any], observer: Any) -> None:
    start("hume_sim", "hume_mock", robot="aloha")
    observer.until(lambda: observer.node.count_publishers(ALOHA.joint_states), 30.0, "the stand-in")
    node, executor = Node("doctor"), SingleThreadedExecutor()
    executor.add_node(node)
    try:
        graph = _Listener(node, executor, ALOHA).listen(3.0)
    finally:
        executor.shutdown(timeout_sec=0.5)
        node.destroy_node()
    findings = {finding.what: finding for finding in judge(ALOHA, graph)}
    for side in SIDES:
        for part in ("arm", "gripper"):
            assert findings[f"{part} '{side}' commands"].good
            assert findings[f"{part} '{side}' controller"].good, findings[f"{part} '{side}' controller"]
        assert findings[f"arms.{side}.kinematics"].good
    assert findings["joint names"].found.startswith("14 of 14")
    assert [what for what, finding in findings.items() if not finding.good and not finding.optional] == []


def test_a_part_that_the_robot_lacks_cannot_fall_silent(start: Callable[..., Any], observer: Any) -> None:
    start("hume_sim", "hume_mock", robot="aloha")
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="arms.lft")
    request = SetParameters.Request(parameters=[Parameter(name="silent_parts", value=value)])
    (result,) = observer.call(SetParameters, "/hume_mock/set_parameters", request).results
    assert not result.successful
    assert "arms.lft" in result.reason
    assert "Did you mean 'arms.left'" in result.reason
