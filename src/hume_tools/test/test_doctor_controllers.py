"""What `hume doctor --robot` makes of the manager and of the controllers' parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_core.robot import RobotProfile
from hume_sim.mock_controllers import (
    TRAJECTORY_CLASS,
    MockController,
    forward_controller,
    profile_controllers,
    trajectory_controller,
)
from hume_tools.doctor import Controller, Graph, Manager, Source
from hume_tools.doctor.controllers import judge_controllers
from hume_tools.doctor.installation import Finding

PROFILES = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
MANAGER = "/left/controller_manager"


def load(robot: str) -> RobotProfile:
    return RobotProfile.load(PROFILES / f"{robot}.yaml")


FORWARD = load("wx250s_sim")
TRAJECTORY = load("xarm7")
ARM_NAME = {FORWARD.name: "arm_controller", TRAJECTORY.name: "xarm7_traj_controller"}


def seen(controller: MockController, state: str | None = None) -> Controller:
    """A controller as a manager and its own node tell it."""
    state = state or ("active" if controller.starts_active else "inactive")
    return Controller(
        controller.name,
        controller.type,
        state,
        controller.update_rate,
        claimed=controller.command_interfaces if state == "active" else (),
        required=controller.command_interfaces if state in ("active", "inactive") else (),
        parameters=controller.parameters,
    )


def healthy(profile: RobotProfile) -> Manager:
    return Manager(MANAGER, [seen(controller) for controller in profile_controllers(profile)], update_rate=1000)


def with_arm(profile: RobotProfile, arm: Controller, *others: Controller) -> Manager:
    manager = healthy(profile)
    assert manager.controllers is not None
    kept = [controller for controller in manager.controllers if controller.name != ARM_NAME[profile.name]]
    return replace(manager, controllers=[*others, arm, *kept])


def judged(profile: RobotProfile, manager: Manager | None) -> dict[str, Finding]:
    graph = Graph(Source("joint_states", "sensor_msgs/msg/JointState"), {}, manager=manager)
    return {finding.what: finding for finding in judge_controllers(profile, graph)}


def wrong(profile: RobotProfile, manager: Manager | None) -> dict[str, Finding]:
    return {what: finding for what, finding in judged(profile, manager).items() if not finding.good}


def yaml_in(fix: str) -> dict[str, Any]:
    """The parameters of the line of YAML in a fix, by node."""
    line = fix.split("file: ", 1)[1].split(". Then ", 1)[0]
    loaded = yaml.safe_load(line)
    return {node: section["ros__parameters"] for node, section in loaded.items()}


@pytest.mark.parametrize("robot", ["ur5e", "xarm7"])
def test_controllers_of_a_driver_that_prefixes_joints_alone_are_told_apart(robot: str) -> None:
    path = PROFILES / f"{robot}.yaml"
    prefixed, plain = RobotProfile.load(path, "b_"), RobotProfile.load(path)
    assert "arm controller" not in wrong(prefixed, healthy(prefixed))
    driver = prefixed.model_copy(update={"arms": tuple(
        arm.model_copy(update={"controller": other.controller})
        for arm, other in zip(prefixed.arms, plain.arms, strict=True)
    )})  # fmt: skip
    fix = wrong(prefixed, healthy(driver))["arm controller"].fix
    assert "no prefix 'b_'" in fix
    assert "prefix_controllers:=false" in fix
    assert "arm controller" not in wrong(RobotProfile.load(path, "b_", prefix_controllers=False), healthy(driver))
    nothing = replace(healthy(prefixed), controllers=[])
    assert "spawner" in wrong(prefixed, nothing)["arm controller"].fix


@pytest.mark.parametrize("robot", ["wx250s_sim", "so101", "xarm7", "ur5e", "franka_fr3", "vx300s"])
def test_a_healthy_robot_has_nothing_wrong(robot: str) -> None:
    profile = load(robot)
    manager = healthy(profile)
    assert manager.controllers is not None
    # The robot's gripper driver is a controller too, which the profile alone does not describe.
    if robot == "ur5e":
        gripper = Controller(
            "robotiq_gripper_controller",
            "position_controllers/GripperActionController",
            "active",
            100,
            required=("robotiq_85_left_knuckle_joint/position", "robotiq_85_left_knuckle_joint/set_gripper_max_effort"),
        )
        manager.controllers.append(gripper)
    assert wrong(profile, manager) == {}
    assert {"arm controller", "arm controller: joints", "arm controller: update rate"} <= set(judged(profile, manager))


def test_a_robot_without_manager_is_well_and_one_that_does_not_answer_is_named() -> None:
    assert wrong(FORWARD, None) == {}
    finding = wrong(FORWARD, Manager(MANAGER, note=f"no service {MANAGER}/list_controllers"))["controller_manager"]
    assert finding.optional
    assert 'controllers.controller_manager to ""' in finding.fix


JOINTS = FORWARD.joint_names


@pytest.mark.parametrize(
    ("joints", "says"),
    [
        (JOINTS[::-1], "in another order"),
        ((JOINTS[1], JOINTS[0], *JOINTS[2:]), "in another order"),
        (JOINTS[:-1], "missing: wrist_rotate"),
        ((*JOINTS, "rail"), "not in the profile: rail"),
        (("rail", *JOINTS[1:]), "missing: waist; not in the profile: rail"),
    ],
)
def test_a_forward_controller_takes_the_joints_in_the_profiles_order(joints: Sequence[str], says: str) -> None:
    for state in ("active", "inactive"):
        arm = seen(forward_controller("arm_controller", joints, 200), state)
        finding = wrong(FORWARD, with_arm(FORWARD, arm))["arm controller: joints"]
        assert says in finding.found
        assert yaml_in(finding.fix) == {"/left/arm_controller": {"joints": list(JOINTS)}}
        assert not finding.optional


@pytest.mark.parametrize(
    ("joints", "partial", "says"),
    [
        (TRAJECTORY.joint_names[::-1], False, ""),
        (TRAJECTORY.joint_names[:3], False, "missing: joint4, joint5, joint6, joint7"),
        ((*TRAJECTORY.joint_names, "rail"), False, "not in the profile: rail"),
        ((*TRAJECTORY.joint_names, "rail"), True, ""),
    ],
)
def test_a_trajectory_controller_takes_the_joints_in_any_order(joints: Sequence[str], partial: bool, says: str) -> None:
    made = trajectory_controller(
        "xarm7_traj_controller", joints, 150, parameters={"allow_partial_joints_goal": partial}
    )
    findings = wrong(TRAJECTORY, with_arm(TRAJECTORY, seen(made)))
    assert set(findings) == ({"arm controller: joints"} if says else set())
    if says:
        assert says in findings["arm controller: joints"].found


def test_a_joint_that_is_only_watched_is_one_too_many() -> None:
    made = trajectory_controller("xarm7_traj_controller", TRAJECTORY.joint_names, 150)
    watched = {**made.parameters, "joints": [*TRAJECTORY.joint_names, "passive"]}
    arm = replace(seen(made), parameters=watched)
    assert "passive" in wrong(TRAJECTORY, with_arm(TRAJECTORY, arm))["arm controller: joints"].found


@pytest.mark.parametrize(("interface", "reason"), [("velocity", "rad/s"), ("effort", "Nm")])
def test_a_forward_controller_of_another_interface_is_refused(interface: str, reason: str) -> None:
    arm = seen(forward_controller("arm_controller", JOINTS, 200, interface))
    finding = wrong(FORWARD, with_arm(FORWARD, arm))["arm controller: interface"]
    assert interface in finding.found
    assert reason in finding.found
    assert yaml_in(finding.fix) == {"/left/arm_controller": {"interface_name": "position"}}


@pytest.mark.parametrize(
    ("interfaces", "good"),
    [(["position"], True), (["position", "velocity"], True), (["velocity"], False), (["effort"], False)],
)
def test_a_trajectory_controller_needs_positions_among_its_interfaces(interfaces: list[str], good: bool) -> None:
    made = trajectory_controller("xarm7_traj_controller", TRAJECTORY.joint_names, 150, interfaces)
    findings = wrong(TRAJECTORY, with_arm(TRAJECTORY, seen(made)))
    assert set(findings) == (set() if good else {"arm controller: interface"})


def test_the_speed_interface_is_no_joint_and_a_chain_leads_to_joints() -> None:
    name = "speed_scaling/target_speed_fraction_cmd"
    made = trajectory_controller(
        "xarm7_traj_controller", TRAJECTORY.joint_names, 150, parameters={"speed_scaling.command_interface": name}
    )
    arm = replace(seen(made), required=(*made.command_interfaces, name))
    assert wrong(TRAJECTORY, with_arm(TRAJECTORY, arm)) == {}
    chained = replace(seen(made), required=tuple(f"admittance/{interface}" for interface in made.command_interfaces))
    filter_ = Controller("admittance", "admittance_controller/AdmittanceController", "active", 100, chained=True)
    assert wrong(TRAJECTORY, with_arm(TRAJECTORY, chained, filter_)) == {}
    taken = wrong(TRAJECTORY, with_arm(TRAJECTORY, replace(arm, chained=True)))["arm controller"]
    assert "takes no messages" in taken.found


@pytest.mark.parametrize(
    ("listed", "own", "manager_rate", "good", "node"),
    [
        (200, 200, 1000, True, ""),
        (1000, 0, 1000, True, ""),
        (0, 0, 500, True, ""),
        (100, 100, 100, False, MANAGER),
        (199, 0, 0, False, MANAGER),
        (0, 50, 1000, False, "/left/arm_controller"),
        (10, 10, 1000, False, "/left/arm_controller"),
    ],
)
def test_the_update_rate_is_at_least_the_streams(
    listed: int, own: int, manager_rate: int, good: bool, node: str
) -> None:
    made = forward_controller("arm_controller", JOINTS, listed)
    arm = replace(seen(made), parameters={**made.parameters, "update_rate": own})
    manager = replace(with_arm(FORWARD, arm), update_rate=manager_rate)
    finding = judged(FORWARD, manager)["arm controller: update rate"]
    assert finding.good is good
    if not good:
        assert yaml_in(finding.fix) == {node: {"update_rate": 200}}
        assert not finding.optional
        # A profile's stream has a lowest rate of its own.
        assert ("Or set rates.stream" in finding.fix) is (max(listed, own) >= 50)


@pytest.mark.parametrize(("rate", "good"), [(120, False), (149, False), (150, True), (1000, True)])
def test_the_update_rate_is_what_the_trajectories_are_timed_for(rate: int, good: bool) -> None:
    made = trajectory_controller("xarm7_traj_controller", TRAJECTORY.joint_names, rate)
    finding = judged(TRAJECTORY, with_arm(TRAJECTORY, seen(made)))["arm controller: update rate"]
    assert finding.good is good
    assert good or f"update_rate: {rate}" in finding.fix


def test_a_rate_that_is_not_reported_is_named() -> None:
    arm = replace(seen(forward_controller("arm_controller", JOINTS, 0)), parameters=None)
    finding = judged(FORWARD, replace(with_arm(FORWARD, arm), update_rate=0))["arm controller: update rate"]
    assert (finding.good, finding.optional) == (False, True)


STOPPED = seen(forward_controller("arm_controller", JOINTS, 200), "inactive")
OTHER = seen(trajectory_controller("scaled_controller", JOINTS[::-1], 200))
PART = seen(forward_controller("wrist_controller", JOINTS[-1:], 200, "velocity"))
FAR = seen(forward_controller("rail_controller", ["rail"], 200))


@pytest.mark.parametrize(
    ("state", "others", "fix"),
    [
        ("inactive", (), "ros2 control switch_controllers --activate arm_controller -c {m}"),
        (
            "inactive",
            (OTHER,),
            "ros2 control switch_controllers --activate arm_controller --deactivate scaled_controller -c {m}",
        ),
        (
            "inactive",
            (OTHER, FAR, PART),
            "ros2 control switch_controllers --activate arm_controller "
            "--deactivate scaled_controller wrist_controller -c {m}",
        ),
        (
            "unconfigured",
            (OTHER,),
            "ros2 control set_controller_state arm_controller inactive -c {m} && ros2 control switch_controllers "
            "--activate arm_controller --deactivate scaled_controller -c {m}",
        ),
        (
            "finalized",
            (),
            "ros2 control unload_controller arm_controller -c {m} && "
            "ros2 run controller_manager spawner arm_controller -c {m}",
        ),
    ],
)
def test_the_fix_of_a_stopped_controller_stops_those_in_its_way(
    state: str, others: Sequence[Controller], fix: str
) -> None:
    arm = seen(forward_controller("arm_controller", JOINTS, 200), state)
    finding = wrong(FORWARD, with_arm(FORWARD, arm, *others))["arm controller"]
    assert f"arm_controller is {state}" in finding.found
    assert finding.fix == fix.format(m=MANAGER)


@pytest.mark.parametrize(
    ("others", "fix"),
    [
        ((), "ros2 run controller_manager spawner arm_controller -c {m}. Or"),
        ((OTHER,), "spawner arm_controller -c {m} --inactive && ros2 control switch_controllers --activate"),
    ],
)
def test_a_controller_that_is_not_loaded_is_named(others: tuple[Controller, ...], fix: str) -> None:
    finding = wrong(FORWARD, Manager(MANAGER, list(others), update_rate=500))["arm controller"]
    assert "arm_controller is not loaded" in finding.found
    assert fix.format(m=MANAGER) in finding.fix


def test_another_class_than_the_profiles_is_named() -> None:
    arm = replace(STOPPED, type=TRAJECTORY_CLASS, state="active")
    finding = wrong(FORWARD, with_arm(FORWARD, arm))["arm controller"]
    assert "ForwardCommandController" in finding.fix
    assert TRAJECTORY_CLASS in finding.found
