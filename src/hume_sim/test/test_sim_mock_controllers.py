"""The rules by which the stand-in's controllers are switched are those of ros2_control."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from hume_core.robot import RobotProfile
from hume_sim.mock_controllers import (
    FORWARD_CLASS,
    TRAJECTORY_CLASS,
    ControllerStates,
    forward_controller,
    profile_controllers,
    trajectory_controller,
)

PROFILES = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
ARM = forward_controller("arm", ["a", "b"], 100)
OTHER = trajectory_controller("other", ["b", "a"], 100, starts_active=False)
HAND = forward_controller("hand", ["c"], 100)


class Rig:
    def __init__(self) -> None:
        self.started: list[Collection[str]] = []
        self.states = ControllerStates([ARM, OTHER, HAND], self.started.append)

    @property
    def active(self) -> set[str]:
        return {name for name in self.states.controllers if self.states.is_active(name)}


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("activate", "deactivate", "active"),
    [
        (["other"], ["arm"], {"other", "hand"}),
        ([], ["arm", "hand"], set()),
        (["arm"], ["arm"], {"arm", "hand"}),
    ],
)
def test_controllers_are_stopped_and_started_at_once(
    rig: Rig, activate: list[str], deactivate: list[str], active: set[str], strict: bool
) -> None:
    assert rig.states.switch(activate, deactivate, strict) == (True, "")
    assert rig.active == active
    assert rig.started == [tuple(activate)]


@pytest.mark.parametrize(
    ("activate", "deactivate", "why", "done", "active"),
    [
        (["arm"], ["hand"], "active already", True, {"arm"}),
        (["nobody"], ["hand"], "is not loaded", True, {"arm"}),
        ([], ["other", "hand"], "not active", True, {"arm"}),
        (["nobody"], [], "is not loaded", False, {"arm", "hand"}),
        ([], ["other"], "not active", True, {"arm", "hand"}),
    ],
)
def test_a_wrong_name_stops_a_strict_switch_and_is_left_out_of_another(
    rig: Rig, activate: list[str], deactivate: list[str], why: str, done: bool, active: set[str]
) -> None:
    good, reason = rig.states.switch(activate, deactivate, strict=True)
    assert not good
    assert why in reason
    assert rig.active == {"arm", "hand"}
    assert rig.started == []
    assert rig.states.switch(activate, deactivate, strict=False)[0] is done
    assert rig.active == active


@pytest.mark.parametrize("strict", [True, False])
def test_no_two_controllers_have_one_interface(rig: Rig, strict: bool) -> None:
    good, reason = rig.states.switch(["other"], ["hand"], strict)
    assert not good
    assert reason == "'other' cannot start: 'arm' has the interface 'b/position'"
    assert rig.active == {"arm", "hand"}
    assert rig.states.switch([], ["arm"], strict)[0]
    assert not rig.states.switch(["arm", "other"], [], strict)[0]


def test_interfaces_are_claimed_only_while_active(rig: Rig) -> None:
    assert rig.states.claimed("arm") == ("a/position", "b/position")
    assert rig.states.claimed("other") == ()


def test_what_no_manager_has_is_not_held_back(rig: Rig) -> None:
    assert rig.states.is_active("driver_of_its_own")


@pytest.mark.parametrize(
    ("robot", "expected"),
    [
        ("wx250s_sim", {"arm_controller": FORWARD_CLASS, "gripper_controller": FORWARD_CLASS}),
        ("so101", {"arm_controller": TRAJECTORY_CLASS, "gripper_controller": TRAJECTORY_CLASS}),
        ("ur5e", {"forward_position_controller": FORWARD_CLASS}),
        ("xarm7", {"xarm7_traj_controller": TRAJECTORY_CLASS}),
    ],
)
def test_a_profile_has_the_controllers_of_its_manager(robot: str, expected: dict[str, str]) -> None:
    profile = RobotProfile.load(PROFILES / f"{robot}.yaml")
    made = {controller.name: controller for controller in profile_controllers(profile)}
    assert {name: controller.type for name, controller in made.items()} == expected
    first = next(iter(made.values()))
    assert first.command_interfaces == tuple(f"{joint}/position" for joint in profile.joint_names)
    rate = profile.arm.controller.update_rate or profile.rates.stream
    assert first.update_rate == first.parameters["update_rate"] == rate


def test_a_robot_without_manager_has_none() -> None:
    profile = RobotProfile.load(PROFILES / "so101.yaml")
    assert profile_controllers(profile.model_copy(update={"controller_manager": ""})) == ()
