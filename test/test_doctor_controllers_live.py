"""`hume doctor --robot` beside running controllers: those of a healthy mock robot, then wrong ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rclpy.action import ActionServer
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Float64MultiArray

from hume_core.robot import RobotProfile, find_profile
from hume_ros.lifecycle import make_executor
from hume_sim.mock_controllers import MockController, forward_controller, profile_controllers, trajectory_controller
from hume_sim.mock_manager import MockManager

pytest.importorskip("controller_manager_msgs.srv", reason="needs controller_manager_msgs")

pytestmark = pytest.mark.ros

FORWARD, TRAJECTORY = RobotProfile.load("wx250s_sim"), RobotProfile.load("so101")
COMMAND = (sys.executable, "-m", "hume_tools", "doctor", "--json", "--seconds", "1")
Findings = dict[str, dict[str, Any]]
Ask = Callable[[RobotProfile, Sequence[MockController], str], Findings]


def report(output: Path) -> Findings:
    return {finding["what"]: finding for finding in json.loads(output.read_text())["findings"]}


@pytest.fixture
def ask(ros_domain: int, tmp_path: Path) -> Iterator[Ask]:
    """The findings on a manager with given controllers in a namespace, which is spun meanwhile."""
    executor = make_executor()
    nodes: list[Node] = []

    def answer(profile: RobotProfile, controllers: Sequence[MockController], namespace: str) -> Findings:
        node = Node("hume_mock", namespace=namespace)
        nodes.extend((node, *MockManager(node, "controller_manager", controllers).nodes))
        # Nothing that is volatile reaches it.
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        node.create_subscription(Float64MultiArray, profile.arm.controller.topic, lambda message: None, latched)
        for each in nodes:
            executor.add_node(each)
        output = tmp_path / "report.json"
        with output.open("wb") as stream:
            command = [*COMMAND, "--robot", profile.name, "--namespace", namespace]
            with subprocess.Popen(command, stdout=stream) as doctor:
                while doctor.poll() is None:
                    executor.spin_once(timeout_sec=0.02)
        return report(output)

    yield answer
    executor.shutdown(timeout_sec=0.5)
    for node in nodes:
        node.destroy_node()


def replaced(profile: RobotProfile, *arms: MockController) -> tuple[MockController, ...]:
    """The profile's controllers with others in place of the arm's."""
    return (*arms, *profile_controllers(profile)[1:])


def forward(joints: Sequence[str] = FORWARD.joint_names, rate: int = 200, **more: Any) -> MockController:
    return forward_controller("arm_controller", joints, rate, **more)


def trajectory(**parameters: Any) -> MockController:
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    return trajectory_controller("arm_controller", TRAJECTORY.joint_names, 100, parameters=named)


def wrong_of_controllers(findings: Findings) -> set[str]:
    return {what for what, f in findings.items() if not f["good"] and what.split(":")[0].endswith(" controller")}


@pytest.mark.parametrize("profile", [FORWARD, TRAJECTORY], ids=lambda profile: profile.name)
def test_a_healthy_mock_robot_is_well(profile: RobotProfile, start: Callable[..., Any], tmp_path: Path) -> None:
    start("hume_sim", "hume_mock", robot=str(find_profile(profile.name)))
    output = tmp_path / "report.json"
    with output.open("wb") as stream:
        subprocess.run([*COMMAND, "--robot", profile.name, "--seconds", "3"], stdout=stream, timeout=120, check=False)
    findings = report(output)
    # How often and how late messages come is not the mock's fault on a busy machine.
    timed = (": rate", ": clock")
    assert [w for w, f in findings.items() if not f["good"] and not f["optional"] and not w.endswith(timed)] == []
    assert wrong_of_controllers(findings) == set()
    assert {"arm controller", "arm controller: joints", "arm controller: update rate"} <= set(findings)
    assert ("arm controller: interpolation_method" in findings) is (profile is TRAJECTORY)


@pytest.mark.parametrize(
    ("namespace", "arm", "what", "found", "fix"),
    [
        ("", forward(FORWARD.joint_names[::-1]), "joints", "in another order", "arm_controller: {ros__parameters: {jo"),
        (
            "/left",
            forward((*FORWARD.joint_names, "rail")),
            "joints",
            "not in the profile: rail",
            "/left/arm_controller",
        ),
        ("", forward(interface="velocity"), "interface", "velocity", "{interface_name: position}"),
        ("", forward(interface="effort"), "interface", "effort", "{interface_name: position}"),
        ("/left", forward(rate=100), "update rate", "100 Hz", "/left/arm_controller: {ros__parameters: {update_rate"),
        ("", forward(rate=10), "update rate", "10 Hz", "arm_controller: {ros__parameters: {update_rate: 200}}"),
    ],
)
def test_a_wrong_forward_controller_is_named(
    ask: Ask, namespace: str, arm: MockController, what: str, found: str, fix: str
) -> None:
    findings = ask(FORWARD, replaced(FORWARD, arm), namespace)
    assert wrong_of_controllers(findings) == {f"arm controller: {what}"}
    finding = findings[f"arm controller: {what}"]
    assert found in finding["found"]
    assert fix in finding["fix"]
    assert "hume_mock" in findings["arm commands: QoS"]["found"]


@pytest.mark.parametrize(
    ("arm", "what", "found"),
    [
        (trajectory(interpolation_method="none"), "interpolation_method", "none"),
        (trajectory(allow_trajectory_replacement=True), "allow_trajectory_replacement", "true"),
        (trajectory(constraints__elbow_flex__trajectory=0.02), "constraints", "elbow_flex 0.02"),
    ],
)
def test_a_wrong_parameter_of_a_trajectory_controller_is_named(
    ask: Ask, arm: MockController, what: str, found: str
) -> None:
    findings = ask(TRAJECTORY, replaced(TRAJECTORY, arm), "")
    assert wrong_of_controllers(findings) == {f"arm controller: {what}"}
    assert found in findings[f"arm controller: {what}"]["found"]


@pytest.mark.parametrize("namespace", ["", "/left"])
def test_the_fix_of_a_stopped_controller_names_the_one_in_its_way(ask: Ask, namespace: str) -> None:
    other = trajectory_controller("scaled_controller", FORWARD.joint_names, 200)
    findings = ask(FORWARD, replaced(FORWARD, forward(starts_active=False), other), namespace)
    assert wrong_of_controllers(findings) == {"arm controller"}
    assert findings["arm controller"]["fix"] == (
        "ros2 control switch_controllers --activate arm_controller --deactivate scaled_controller "
        f"-c {namespace}/controller_manager"
    )


@pytest.mark.parametrize(
    ("module", "action", "good"),
    [
        ("control_msgs", "GripperCommand", True),
        ("control_msgs", "ParallelGripperCommand", True),
        ("hume_msgs", "ExecuteTask", False),
    ],
)
def test_the_type_of_the_grippers_action_is_read(observer: Any, module: str, action: str, good: bool) -> None:
    actions = pytest.importorskip(f"{module}.action", reason=f"needs {module}")
    profile = RobotProfile.load("xarm7")
    assert profile.gripper is not None
    assert profile.gripper.controller is not None
    name = profile.gripper.controller.topic
    server = ActionServer(observer.node, getattr(actions, action), name, lambda goal: None)
    done = subprocess.run([*COMMAND, "--robot", profile.name], capture_output=True, timeout=120, check=False)
    server.destroy()
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["gripper commands"]["good"] is good
    assert findings["gripper commands"]["found"] == f"{name}, {module}/action/{action}"
