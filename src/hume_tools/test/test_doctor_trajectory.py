"""What `hume doctor --robot` makes of the parameters of a `joint_trajectory_controller`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hume_core.robot import RobotProfile
from hume_sim.mock_controllers import TRAJECTORY_CLASS, trajectory_controller
from hume_tools.doctor import Controller, Manager, trajectory
from hume_tools.doctor.installation import Finding
from hume_tools.doctor.roles import roles

PROFILE = RobotProfile.load(Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "xarm7.yaml")
ROLE = next(roles(PROFILE))


def judged(
    changes: Mapping[str, Any] | None, manager: str = "/left/controller_manager", profile: RobotProfile = PROFILE
) -> dict[str, Finding]:
    """Findings by parameter. Without changes, the parameters cannot be read."""
    made = trajectory_controller(ROLE.name, ROLE.joints, 100, parameters=changes)
    parameters = None if changes is None else made.parameters
    controller = Controller(ROLE.name, TRAJECTORY_CLASS, "active", 100, parameters=parameters)
    found = trajectory.judge_trajectory(ROLE, controller, Manager(manager, [controller]), profile)
    return {finding.what.removeprefix("arm controller: "): finding for finding in found}


def wrong(findings: dict[str, Finding]) -> list[str]:
    return [what for what, finding in findings.items() if not finding.good]


@pytest.mark.parametrize(
    ("changes", "what", "fix"),
    [
        ({"interpolation_method": "none"}, "interpolation_method", "interpolation_method: splines"),
        (
            {"allow_trajectory_replacement": True},
            "allow_trajectory_replacement",
            "allow_trajectory_replacement: false",
        ),
        (
            {"constraints.joint2.trajectory": 0.05, "constraints.joint7.trajectory": 0.34},
            "constraints",
            "constraints: {joint2: {trajectory: 0.0}, joint7: {trajectory: 0.0}}",
        ),
    ],
)
@pytest.mark.parametrize(
    ("manager", "node"),
    [("/left/controller_manager", "/left/xarm7_traj_controller"), ("/controller_manager", "xarm7_traj_controller")],
)
def test_a_wrong_parameter_is_named_with_its_line_of_yaml(
    changes: Mapping[str, Any], what: str, fix: str, manager: str, node: str
) -> None:
    findings = judged(changes, manager)
    assert wrong(findings) == [what]
    assert f" {node}: {{ros__parameters: {{{fix}}}}}. Then" in findings[what].fix
    assert not findings[what].optional


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"allow_trajectory_replacement": False},
        {"constraints.joint2.trajectory": 0.35, "constraints.joint3.trajectory": 1.0},
        {"constraints.joint2.trajectory": -1.0},
    ],
)
def test_parameters_that_do_no_harm_are_well(changes: Mapping[str, Any]) -> None:
    assert wrong(judged(changes)) == []


def test_tolerances_are_compared_with_each_joints_own_tracking() -> None:
    joints = [joint.model_copy(update={"tracking": 0.1 * (k + 1)}) for k, joint in enumerate(PROFILE.joints)]
    arm = PROFILE.arm.model_copy(update={"joints": tuple(joints)})
    profile = PROFILE.model_copy(update={"arms": (arm,)})
    limits = {f"constraints.{name}.trajectory": 0.35 for name in profile.joint_names}
    fix = judged(limits, profile=profile)["constraints"].fix
    assert [name for name in profile.joint_names if name in fix] == ["joint4", "joint5", "joint6", "joint7"]


@pytest.mark.parametrize("name", ["speed_scaling.state_interface", "speed_scaling_interface_name"])
def test_speed_scaling_is_reported_but_demands_nothing(name: str) -> None:
    finding = judged({name: "speed_scaling/speed_scaling_factor"})[name]
    assert (finding.good, finding.optional) == (False, True)
    assert name not in judged({name: ""})


@pytest.mark.parametrize("value", [True, False])
def test_where_a_trajectory_begins_is_reported_and_well(value: bool) -> None:
    finding = judged({"interpolate_from_desired_state": value})["interpolate_from_desired_state"]
    assert finding.found.startswith(str(value).lower())
    assert finding.good


def test_parameters_that_cannot_be_read_are_named() -> None:
    findings = judged(None)
    assert wrong(findings) == ["parameters"]
    assert findings["parameters"].optional
