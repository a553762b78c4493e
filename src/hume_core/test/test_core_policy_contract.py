"""What a checkpoint says of its numbers: the file comes back; damage and differences to a robot are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hume_core.action_spaces import Conventions, DeltaFrame, EeDelta, JointDelta, RotationFormat
from hume_core.errors import CheckpointError, ContractError
from hume_core.policy_contract import CONTRACT_FILE, ContractArm, ContractGripper, PolicyContract
from hume_core.robot import RobotProfile, known_profiles
from hume_core.state.parts import state_parts

TWO_ARMS = PolicyContract(
    dt=0.1,
    arms=(
        ContractArm(name="left", joints=("l1", "l2"), space="joint_delta"),
        ContractArm(
            name="right", joints=("r1", "r2", "r3"), space="ee_delta", frame=DeltaFrame.TOOL,
            rotation=RotationFormat.RPY, scale=(0.05,) * 6,
        ),
    ),
    grippers=(ContractGripper(name="lg"), ContractGripper(name="rg", closed=1.0, open=-1.0)),
    row=("lg", "right", "left", "rg"),
    state=state_parts(["gripper", "joint_positions"]),
)  # fmt: skip


@pytest.mark.parametrize("robot", known_profiles())
def test_a_robot_s_contract_comes_back_and_fits_it(robot: str, tmp_path: Path) -> None:
    profile = RobotProfile.load(robot)
    contract = PolicyContract.of(profile)
    contract.save(tmp_path)
    again = PolicyContract.load(tmp_path)
    assert again == contract
    assert again.differences(profile) == []
    assert (again.state_dim, again.action_dim) == (profile.state_dim, profile.action_dim)
    assert again.layout().column_names == contract.layout().column_names


def test_two_arms_come_back_with_their_order_and_conventions(tmp_path: Path) -> None:
    TWO_ARMS.save(tmp_path)
    loaded = PolicyContract.load(tmp_path)
    assert loaded == TWO_ARMS
    layout = loaded.layout()
    assert layout.gripper_names == ("lg", "rg")
    assert layout.joint_names == ("r1", "r2", "r3", "l1", "l2")
    assert [arm.space for arm in layout.arms] == [
        EeDelta(Conventions(DeltaFrame.TOOL, RotationFormat.RPY, (0.05,) * 6)),
        JointDelta(),
    ]
    assert (loaded.action_dim, loaded.state_dim) == (10, 7)
    with pytest.raises(ContractError, match=r"drives 2 arms, and robot 'ur5e' has 1"):
        loaded.adapt(RobotProfile.load("ur5e"))


def test_a_released_checkpoint_has_none(tmp_path: Path) -> None:
    assert PolicyContract.load(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d.update(version=3), "field 'version' is 3. This program reads 1 and 2"),
        (lambda d: d.pop("version"), "field 'version' is None"),
        (lambda d: d.update(rate=20), "field 'rate' is unknown. Valid here: version, dt, arms"),
        (lambda d: d.pop("dt"), "field 'dt' is missing"),
        (lambda d: d.update(dt=-0.1), "field 'dt'"),
        (lambda d: d.update(arms=[]), "field 'arms'"),
        (
            lambda d: d["arms"][0].update(space="torque"),
            "field 'arms.arm.space': action space 'torque' is unknown. Valid: joint_position, joint_delta, ee_delta",
        ),
        (lambda d: d["arms"][0].update(scale=[1.0] * 6), "scale has no use in space 'joint_delta'"),
        (lambda d: d["arms"][0].update(joint=[]), "field 'arms.arm.joint' is unknown. Valid here: name, joints"),
        (lambda d: d["grippers"][0].update(open="wide"), "field 'grippers.left_finger.open'"),
        (lambda d: d.update(row=["arm"]), "row must name each of arm, left_finger once"),
        (lambda d: d.update(state=["smell"]), "field 'state.0'"),
    ],
)
def test_damage_is_named_with_file_and_field(
    change: Callable[[dict[str, Any]], object], expected: str, tmp_path: Path
) -> None:
    PolicyContract.of(RobotProfile.load("wx250s_sim")).save(tmp_path)
    path = tmp_path / CONTRACT_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ContractError) as caught:
        PolicyContract.load(tmp_path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, CheckpointError)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_files_that_are_no_object_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / CONTRACT_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ContractError, match=CONTRACT_FILE):
        PolicyContract.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"action": {"space": "joint_position", "dt": 0.05}}, ["action space: the checkpoint has 'joint_delta', the "]),
        ({"action": {"space": "ee_pose", "dt": 0.05}}, ["action space: "]),
        ({"action": {"space": "joint_delta", "dt": 0.1}}, ["dt: the checkpoint has 0.05 s, the robot 0.1 s"]),
        ({"state": ["gripper", "joint_positions"]}, []),
        (
            {"gripper": None, "state": ["joint_positions"]},
            ["grippers: ", "gripper closed", "gripper open", "order", "state lists 'gripper' but the profile has no"],
        ),
    ],
)  # fmt: skip
def test_every_difference_to_a_robot_is_named(change: dict[str, Any], expected: list[str]) -> None:
    profile = RobotProfile.load("wx250s_sim")
    data = {**profile.model_dump(mode="json"), **change}
    if change.get("gripper", 0) is None:
        data["controllers"]["gripper"] = None
    found = PolicyContract.of(profile).differences(RobotProfile.model_validate(data))
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_joints_and_conventions_are_compared() -> None:
    profile = RobotProfile.load("franka_panda")
    contract = PolicyContract.of(profile)
    reverse = profile.arm.model_copy(update={"joints": profile.joints[::-1]})
    joints = profile.model_copy(update={"arms": (reverse,)})
    assert [line.split(":")[0] for line in contract.differences(joints)] == ["joints"]
    other = profile.with_action(frame=DeltaFrame.TOOL, scale=(1.0,) * 6)
    assert [line.split(":")[0] for line in contract.differences(other)] == ["frame", "scale"]
    swapped = profile.gripper.model_copy(update={"policy_open": -1.0, "policy_closed": 1.0})  # type: ignore[union-attr]
    names = [line.split(":")[0] for line in contract.differences(profile.model_copy(update={"grippers": (swapped,)}))]
    assert names == ["gripper closed", "gripper open"]


def test_what_a_contract_does_not_know_is_not_compared() -> None:
    profile = RobotProfile.load("franka_panda")
    contract = PolicyContract.of(profile)
    unknown = tuple(gripper.model_copy(update={"closed": None, "open": None}) for gripper in contract.grippers)
    assert contract.model_copy(update={"grippers": unknown}).differences(profile) == []


@pytest.mark.parametrize("made_for", ["wx250s", "wx250s_sim"])
def test_a_robot_takes_over_a_checkpoint_s_action(made_for: str) -> None:
    contract = PolicyContract.of(RobotProfile.load(made_for))
    for robot in ("wx250s", "wx250s_sim"):
        adapted = contract.adapt(RobotProfile.load(robot))
        assert contract.differences(adapted) == []
