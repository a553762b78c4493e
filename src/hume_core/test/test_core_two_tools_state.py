"""States and contracts about the tools of several arms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from two_tools import DT, FOLDER, ROBOTS, WRITTEN, kinematics, near, state_of, written

from hume_core.errors import ContractError, ObservationError
from hume_core.kinematics.rotation import rotation_to_vector
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model
from hume_core.state.tool import Placement, ToolFrame
from hume_core.state_composer import StateComposer


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_state_has_both_tools_in_the_order_of_the_arms(robot: str) -> None:
    profile = state_of(robot, ["tool_position", {"field": "tool_rotation", "format": "rotation_6d"}])
    start, wanted = near(robot, 13)
    composed = StateComposer.of(profile)
    sides = [side for count in (3, 6) for side in ("left", "right") for _ in range(count)]
    assert [name.partition("/")[0] for name in composed.names] == sides
    state = composed.compose(wanted[0])
    places, turns = [], []
    for arm, joints in zip(profile.arms, profile.joint_slices, strict=True):
        if arm.kinematics is not None:
            pose = load_arm_model(profile, arm=arm).forward(wanted[0, joints])
            places.append(pose.position)
            turns.append(pose.rotation[:, :2].T.reshape(-1))
    np.testing.assert_allclose(state, np.concatenate([*places, *turns]), atol=1e-6)
    # One arm moves: the numbers of the other stay.
    changed = start.copy()
    changed[profile.joint_slices[1]] = wanted[-1, profile.joint_slices[1]]
    before, after = composed.compose(start), composed.compose(changed)
    moved = [name.partition("/")[0] for name, a, b in zip(composed.names, before, after, strict=True) if a != b]
    assert set(moved) == {"right"}


def test_a_part_of_the_state_may_be_about_one_tool() -> None:
    parts = [
        {"field": "tool_position", "arm": "right"},
        {"field": "gripper", "form": "opening"},
        {"field": "tool_rotation", "arm": "left"},
    ]
    profile = state_of("ur5e_pair", parts)
    assert [arm.name for arm in profile.seen_tools] == ["left", "right"]
    _, wanted = near("ur5e_pair", 17)
    state = StateComposer.of(profile).compose(wanted[2], None, [0.0, 0.79])
    left, right = (load_arm_model(profile, arm=arm) for arm in profile.arms)
    expected = [
        *right.forward(wanted[2, 6:]).position, 1.0, 0.0, *rotation_to_vector(left.forward(wanted[2, :6]).rotation),
    ]  # fmt: skip
    np.testing.assert_allclose(state, expected, atol=1e-6)
    one = state_of("ur5e_pair", parts[:1])
    assert [arm.name for arm in one.seen_tools] == ["right"]
    assert one.state_names == ("right/x", "right/y", "right/z")
    with pytest.raises(ObservationError, match="Give its forward kinematics"):
        StateComposer(one, {"left": left})


def test_with_one_arm_the_state_is_as_ever() -> None:
    ur5e = RobotProfile.load(FOLDER / "ur5e.yaml")
    data = ur5e.model_dump(mode="json")
    plain, named = (
        RobotProfile.model_validate(data | {"state": [part]})
        for part in ("tool_position", {"field": "tool_position", "arm": "arm"})
    )
    assert plain == named
    assert plain.state_names == ("x", "y", "z")
    assert plain.model_dump(mode="json")["state"] == ["tool_position"]
    with pytest.raises(ValueError, match=r"state\.0 names arm 'left'\. Arms with a tool \(section kinematics\): arm"):
        RobotProfile.model_validate(data | {"state": [{"field": "tool_position", "arm": "left"}]})


def test_a_robot_that_is_written_back_says_whose_tool_it_is() -> None:
    profile = state_of("agibot_g1", ["tool_position"])
    found = profile.model_dump(mode="json")
    assert found["state"] == [{"field": "tool_position", "arm": side} for side in ("left", "right")]
    assert found["action"]["spaces"] == {"torso": "joint_position"}
    assert RobotProfile.model_validate(found) == profile


BOTH = ["tool_position", "tool_rotation", "gripper"]


@pytest.mark.parametrize("fields", WRITTEN, ids=lambda fields: "-".join(map(str, fields.values())))
@pytest.mark.parametrize("robot", ROBOTS)
def test_a_contract_of_two_tools_comes_back_and_fits_its_robot(
    robot: str, fields: dict[str, Any], tmp_path: Path
) -> None:
    profile = state_of(robot, BOTH).with_action(**fields)
    contract = PolicyContract.of(profile)
    contract.save(tmp_path)
    again = PolicyContract.load(tmp_path)
    assert again == contract
    assert again.differences(profile) == []
    assert (again.state_dim, again.action_dim) == (14, profile.action_dim)
    # A robot that says other things of rows and state becomes what the checkpoint means.
    adapted = again.adapt(ROBOTS[robot])
    assert adapted.action_layout().arms == profile.action_layout().arms
    assert adapted.state == profile.state
    other = "joint_delta" if fields["space"] == "ee_pose" else "ee_pose"
    assert again.differences(profile.with_action(other))[0].startswith("action space: the checkpoint has 'left=ee_")


def test_rows_and_states_of_tools_fit_other_arms_of_the_same_names() -> None:
    """As with one arm: numbers about a tool say nothing of the joints that move it."""
    contract = PolicyContract.of(state_of("ur5e_pair", BOTH[:2]).with_action("ee_delta"))
    aloha = ROBOTS["aloha"].with_action("ee_delta", dt=contract.dt)
    assert contract.differences(aloha) == []
    assert contract.seen_by(aloha).state_dim == 12
    assert any(line.startswith("joints") for line in contract.differences(ROBOTS["agibot_g1"].with_action("ee_delta")))
    # Nobody says which hand is which.
    text = contract.to_json().replace('"left"', '"first"').replace('"right"', '"second"')
    unnamed = PolicyContract.from_content(json.loads(text), "here")
    assert any(line.startswith("joints") for line in unnamed.differences(aloha))


def test_a_contract_without_the_name_of_an_arm_is_about_all_of_them() -> None:
    content = PolicyContract.of(ROBOTS["ur5e_pair"].with_action("ee_pose")).model_dump(mode="json", exclude_none=True)
    contract = PolicyContract.from_content(content | {"state": ["tool_position"]}, "here")
    assert contract.state_names == tuple(f"{side}/{axis}" for side in ("left", "right") for axis in "xyz")
    assert contract.seen_by(ROBOTS["ur5e_pair"]).state_names == contract.state_names
    with pytest.raises(ContractError, match=r"state\.0 names arm 'middle'"):
        PolicyContract.from_content(content | {"state": [{"field": "tool_position", "arm": "middle"}]}, "here")


def test_how_the_demonstrations_followed_rows_is_taken_over_for_the_tools_alone() -> None:
    said = {"space": "ee_delta", "reference": "measured", "response": {"type": "first_order", "gain": 0.4}}
    profile = written("agibot_g1", said)
    contract = PolicyContract.of(profile)
    assert [arm.reference is not None for arm in contract.arms] == [True, True, False]
    seen = contract.seen_by(ROBOTS["agibot_g1"].with_action("ee_delta"))
    assert seen.action_layout().arms == profile.action_layout().arms
    # The arms are there a row later, the torso at once.
    layout = seen.action_layout(kinematics("agibot_g1"))
    start, _ = near("agibot_g1", 1)
    rows = layout.from_joints(np.tile(start, (3, 1)), np.zeros((3, 2)), start)
    assert layout.path(rows, start, DT).segment(0, rows).late.tolist() == [True] * 14 + [False] * 2


def test_arms_that_write_their_tools_differently_are_refused() -> None:
    contract = PolicyContract.of(ROBOTS["ur5e_pair"].with_action("ee_delta"))
    left = contract.arms[0].model_copy(update={"scale": (0.1,) * 6})
    with pytest.raises(ContractError, match="write rows of their tools differently"):
        contract.model_copy(update={"arms": (left, contract.arms[1])}).adapt(ROBOTS["ur5e_pair"])


def test_the_frames_of_a_policy_s_tool_are_of_one_arm() -> None:
    contract = PolicyContract.of(state_of("ur5e_pair", BOTH[:1]).with_action("ee_delta"))
    framed = contract.model_copy(update={"tool": ToolFrame(offset=Placement(translation=(0.0, 0.0, 0.1)))})
    assert "tool is of one arm, and the robot has 2" in framed.differences(ROBOTS["ur5e_pair"].with_action("ee_delta"))
