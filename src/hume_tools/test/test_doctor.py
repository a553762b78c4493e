"""What `hume doctor --robot` makes of a graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from hume_core.robot import DeadMan, RobotProfile, StopState
from hume_tools.doctor import Controller, Endpoint, Graph, Manager, Source, judge
from hume_tools.doctor.compatibility import stop_mismatch
from hume_tools.doctor.installation import Finding, show
from hume_tools.doctor.stops import judge_stops

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
VOLATILE, LATCHED = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL
PROFILES = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
UR5E = RobotProfile.load(PROFILES / "ur5e.yaml")
DATA = "std_msgs/msg/Float64MultiArray"
ARM = "forward_position_controller/commands"
GRIPPER = "robotiq_gripper_controller/gripper_cmd"
JOINTS = dict(zip((*UR5E.joint_names, "robotiq_85_left_knuckle_joint"), (*UR5E.home, 0.1), strict=True))


def source(topic: str, message_type: str, rate: float) -> Source:
    arrivals = [k / rate for k in range(9)]
    return Source(topic, message_type, {message_type}, arrivals, [0.003] * 9)


def healthy() -> Graph:
    return Graph(
        joint_states=source("joint_states", "sensor_msgs/msg/JointState", 100.0),
        cameras={key: source(camera.topic, "sensor_msgs/msg/Image", 30.0) for key, camera in UR5E.cameras.items()},
        joint_positions=dict(JOINTS),
        listeners={ARM: (Endpoint("forward_position_controller", "std_msgs/msg/Float64MultiArray"),)},
        actions={GRIPPER: frozenset({"control_msgs/action/GripperCommand"})},
        manager=Manager(
            "/controller_manager",
            [
                Controller(
                    "forward_position_controller",
                    "forward_command_controller/ForwardCommandController",
                    "active",
                    500,
                    required=tuple(f"{joint}/position" for joint in UR5E.joint_names),
                ),
                Controller(
                    "robotiq_gripper_controller",
                    "position_controllers/GripperActionController",
                    "active",
                    500,
                    required=("robotiq_85_left_knuckle_joint/position",),
                ),
            ],
        ),
    )


def wrong(graph: Graph) -> dict[str, Finding]:
    return {finding.what: finding for finding in judge(UR5E, graph) if not finding.good}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("topic", ["hume/action_chunk", "hume/segment"])
def test_a_node_that_runs_twice_is_named(topic: str, count: int) -> None:
    graph = healthy()
    assert topic not in wrong(graph)
    graph.repeated = {topic: {"/left/hume_system2": count}}
    assert wrong(graph)[topic].found == f"/left/hume_system2 publishes from {count} processes"


def test_a_healthy_graph_has_nothing_wrong() -> None:
    findings = judge(UR5E, healthy())
    assert [finding for finding in findings if not finding.good] == []
    assert {"joint names", "camera wrist_image: rate", "arm controller", "kinematics"} <= {f.what for f in findings}


@pytest.mark.parametrize(
    ("breakage", "what", "says"),
    [
        (lambda g: g.joint_states.published_types.clear(), "joint states: topic", "nobody publishes joint_states"),
        (lambda g: g.joint_positions.pop("elbow_joint"), "joint names", "missing: elbow_joint"),
        (lambda g: g.joint_positions.update(elbow_joint=90.0), "joint positions", "elbow_joint at 90.000"),
        (lambda g: setattr(g.joint_states, "unstamped", 9), "joint states: stamps", "9 of 9 messages"),
        (
            lambda g: g.joint_publishers.update(elbow_joint={"ur_driver", "joint_state_publisher"}),
            "joint publishers",
            "joint 'elbow_joint' comes from joint_state_publisher, ur_driver",
        ),
        (
            lambda g: g.joint_publishers.update({name: {"driver", "driver (2)"} for name in JOINTS}),
            "joint publishers",
            "joint 'shoulder_pan_joint' (and 6 more) comes from driver, driver (2)",
        ),
        (lambda g: g.joint_states.arrivals.__setitem__(slice(2, None), []), "joint states: rate", "100.0 Hz"),
        (lambda g: g.joint_states.ages.__setitem__(slice(None), [-1.5]), "joint states: clock", "-1500.0 ms"),
        (lambda g: g.cameras["image"].ages.__setitem__(slice(None), [0.9]), "camera image: clock", "900.0 ms"),
        (lambda g: setattr(g.cameras["image"], "problem", "encoding mono8"), "camera image: content", "mono8"),
        (
            lambda g: setattr(g.cameras["image"], "published_types", {"sensor_msgs/msg/CompressedImage"}),
            "camera image: topic",
            "CompressedImage",
        ),
        (
            lambda g: g.listeners.clear(),
            "arm commands",
            "nobody listens to forward_position_controller/commands",
        ),
        (lambda g: g.commanders.update({ARM: frozenset({"hume_system1", "teleop"})}), "arm commands: sender", "teleop"),
        (lambda g: g.actions.clear(), "gripper commands", "no action server robotiq_gripper_controller"),
        (
            lambda g: g.actions.update({GRIPPER: frozenset({"control_msgs/action/FollowJointTrajectory"})}),
            "gripper commands",
            "FollowJointTrajectory",
        ),
        (
            lambda g: g.listeners.update({ARM: (Endpoint("forward_position_controller", DATA, "no durability"),)}),
            "arm commands: QoS",
            "forward_position_controller: no durability",
        ),
        (
            lambda g: g.joint_states.qos_problems.update(driver="no deadline"),
            "joint states: QoS",
            "driver: no deadline",
        ),
    ],
)
def test_each_breakage_is_named(breakage: Callable[[Graph], object], what: str, says: str) -> None:
    graph = healthy()
    breakage(graph)
    if what == "joint states: rate":
        graph.joint_states.arrivals = [0.0, 1.0, 2.0]
        says = "1.0 Hz"
    findings = wrong(graph)
    assert what in findings
    assert says in findings[what].found
    assert findings[what].fix
    assert not findings[what].optional


def test_a_recorder_may_listen_as_it_likes() -> None:
    graph = healthy()
    graph.listeners[ARM] += (Endpoint("rosbag2_recorder", DATA, "no durability"),)
    assert wrong(graph) == {}


@pytest.mark.parametrize("action", ["GripperCommand", "ParallelGripperCommand"])
def test_both_gripper_actions_are_well(action: str) -> None:
    graph = healthy()
    graph.actions[GRIPPER] = frozenset({f"control_msgs/action/{action}"})
    assert wrong(graph) == {}


def test_description_is_needed_only_for_end_effector_actions() -> None:
    assert UR5E.kinematics is not None
    joints = UR5E.with_sections(kinematics={**UR5E.kinematics.model_dump(mode="json"), "urdf": None})
    for profile, optional in ((joints, True), (joints.with_action("ee_delta"), False)):
        finding = next(f for f in judge(profile, healthy()) if f.what == "kinematics")
        assert (finding.good, finding.optional) == (False, optional)


def test_report_is_a_table_or_json_with_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    findings = [
        Finding("joint names", False, "missing: elbow", "correct [the] profile"),
        Finding("rates", True, "fine", "x"),
    ]
    assert show(findings, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["good"] is False
    assert [finding["fix"] for finding in report["findings"]] == ["correct [the] profile", ""]
    assert show(findings, as_json=False) == 1
    assert "correct [the] profile" in capsys.readouterr().out
    assert show(findings[1:], as_json=True) == 0


@pytest.mark.parametrize("angle", [0.0, 9.0, -400.0])
def test_a_continuous_joint_is_nowhere_outside(angle: float) -> None:
    data = UR5E.model_dump(mode="json")
    data["joints"][2] |= {"position": None, "continuous": True}
    robot, graph = RobotProfile.model_validate(data), healthy()
    graph.joint_positions["elbow_joint"] = angle
    assert {finding.what: finding.good for finding in judge(robot, graph)}["joint positions"]
    graph.joint_positions["wrist_1_joint"] = 90.0
    found = {finding.what: finding for finding in judge(robot, graph)}["joint positions"]
    assert not found.good
    assert "elbow_joint" not in found.found


@pytest.mark.parametrize(
    ("oddity", "what", "says"),
    [
        (
            lambda g: g.joint_states.publishers.extend(["arm_driver", "gripper_driver"]),
            "joint publishers",
            "arm_driver, gripper_driver publish joint_states",
        ),
        (lambda g: g.no_velocity.add("wrist_2_joint"), "joint velocities", "not given (nan) for wrist_2_joint"),
    ],
)
def test_what_is_unusual_is_reported_but_not_wrong(oddity: Callable[[Graph], object], what: str, says: str) -> None:
    graph = healthy()
    oddity(graph)
    finding = wrong(graph)[what]
    assert says in finding.found
    assert finding.optional


def test_drivers_of_different_joints_on_one_topic_are_fine() -> None:
    graph = healthy()
    graph.joint_states.publishers.extend(["arm_driver", "gripper_driver"])
    graph.joint_publishers.update({name: {"arm_driver"} for name in UR5E.joint_names})
    graph.joint_publishers["robotiq_85_left_knuckle_joint"] = {"gripper_driver"}
    assert not [finding for finding in wrong(graph).values() if not finding.optional]


SAFETY = "io_and_status_controller/safety_mode"
GUARDED = UR5E.model_copy(
    update={
        "deadman": DeadMan(topic="pendant/held"),
        "stop_states": (StopState(topic=SAFETY, type="ur_dashboard_msgs/SafetyMode", field="mode", normal=(1, 2)),),
    }
)


def stops_of(**publishers: Endpoint) -> dict[str, Finding]:
    """Findings on stops, for publishers by topic. `_` stands for a slash."""
    graph = healthy()
    graph.stops = {topic.replace("_", "/", 1): (endpoint,) for topic, endpoint in publishers.items()}
    return {f.what: f for f in judge_stops(GUARDED, graph)}


def test_a_stop_that_would_not_be_heard_is_named() -> None:
    findings = stops_of(
        hume_estop=Endpoint("pendant", "std_msgs/msg/Empty"),
        **{"/hume/estop": Endpoint("button", "std_msgs/msg/Bool", "best effort and transient local")},
    )
    assert "pendant publishes std_msgs/msg/Empty" in findings["stop on hume/estop: type"].found
    assert findings["stop on hume/estop: type"].fix == "publish std_msgs/msg/Bool"
    assert findings["stop on /hume/estop: QoS"].found.startswith("button: best effort")
    assert not any(finding.good for finding in findings.values())


def test_a_switch_or_a_state_that_nobody_publishes_is_named() -> None:
    findings = stops_of()
    assert findings["dead-man switch"].found == "nobody publishes pendant/held"
    assert findings[f"stop state {SAFETY}"].found == f"nobody publishes {SAFETY}"
    findings = stops_of(pendant_held=Endpoint("pendant", "std_msgs/msg/Bool"))
    assert findings["dead-man switch"].good


@pytest.mark.parametrize(
    ("reliability", "durability", "says"),
    [
        (RELIABLE, VOLATILE, ""),
        (RELIABLE, LATCHED, ""),
        (BEST_EFFORT, VOLATILE, ""),
        (BEST_EFFORT, LATCHED, "not sent to who starts later"),
    ],
)
def test_which_publishers_of_a_stop_are_heard(reliability: Any, durability: Any, says: str) -> None:
    problem = stop_mismatch(QoSProfile(depth=1, reliability=reliability, durability=durability))
    assert says in problem
    assert bool(says) == bool(problem)
