"""The state that a policy gets of what a robot measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.errors import ObservationError, RobotProfileError
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile, known_profiles
from hume_core.robot_kinematics import load_kinematics
from hume_core.state_composer import StateComposer

POSES = Path(__file__).parents[3] / "test" / "fixtures" / "robosuite" / "poses.npz"
LIBERO_START = np.array([0.0, -0.161037389, 0.0, -2.44459747, 0.0, 2.2267522, np.pi / 4])


def composer(contract: str, robot: str) -> StateComposer:
    return StateComposer.of(named_contract(contract).seen_by(RobotProfile.load(robot)))


def test_libero_s_state_is_robosuite_s_own_observation() -> None:
    """Rows whose quaternion has qx < 0 are counted by the other of the two quaternions of the same rotation."""
    found = np.load(POSES)
    compose = composer("libero_goal", "franka_panda").compose
    assert len(found["joints"]) == 100
    literal = 0
    for joints, position, quaternion, fingers in zip(
        *(found[name] for name in ("joints", "eef_pos", "eef_quat", "gripper_qpos")), strict=True
    ):
        literal += quaternion[0] > 0.0
        x, y, z, w = quaternion if quaternion[0] > 0.0 else -quaternion
        length = np.sqrt(x * x + y * y + z * z)
        vector = np.array([x, y, z]) * 2.0 * np.arctan2(length, w) / length
        state = compose(joints, None, float(fingers[0]))
        np.testing.assert_allclose(state, np.concatenate([position, vector, fingers]), atol=1e-5)
    assert literal > 80


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        ("libero_goal", (-0.2085, 0.0, 1.173)),
        ("libero_spatial", (-0.2085, 0.0, 1.173)),
        ("libero_object", (-0.1485, 0.0, 0.261)),
    ],
)
def test_the_position_at_libero_s_start(contract: str, expected: tuple[float, ...]) -> None:
    state = composer(contract, "franka_panda").compose(LIBERO_START, None, 0.0208)
    np.testing.assert_allclose(state[:3], expected, atol=1e-3)
    assert state[6:].tolist() == [np.float32(0.0208), -np.float32(0.0208)]


@pytest.mark.parametrize("finger", [0.015, 0.02, 0.037])
def test_bridge_s_state_of_the_widowx(finger: float) -> None:
    profile = RobotProfile.load("wx250s")
    compose = composer("bridge", "wx250s").compose
    home = np.array(profile.home)
    state = compose(home, None, finger)
    np.testing.assert_allclose(state[:3], load_kinematics(profile).forward(home).position, atol=1e-6)
    # At home the tool looks down, which is no rotation here; at zero it looks ahead.
    np.testing.assert_allclose(state[3:6], np.zeros(3), atol=1e-4)
    np.testing.assert_allclose(compose(np.zeros(6), None, finger)[3:6], [0.0, -np.pi / 2, 0.0], atol=1e-5)
    turned = home + np.array([0.4, 0.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(compose(turned, None, finger)[3:6], [0.0, 0.0, 0.4], atol=1e-4)
    assert state[6] == 0.0
    np.testing.assert_allclose(state[7], (finger - 0.015) / 0.022, atol=1e-6)


@pytest.mark.parametrize("robot", known_profiles())
def test_without_a_contract_joints_and_grippers_are_handed_on_to_the_bit(robot: str) -> None:
    profile = RobotProfile.load(robot).with_sections(state=["joint_positions", "gripper"])
    random = np.random.default_rng(5)
    positions, fingers = random.normal(size=len(profile.joint_names)), random.normal(size=len(profile.grippers))
    state = StateComposer.of(profile).compose(positions, None, fingers.tolist())
    expected = np.concatenate([positions, fingers]).astype(np.float32)
    assert state.tobytes() == expected.tobytes()
    if len(fingers) == 1:
        assert StateComposer.of(profile).compose(positions, None, float(fingers[0])).tobytes() == state.tobytes()


def test_so101_as_lerobot_records_it() -> None:
    data = RobotProfile.load("so101").model_dump(mode="json")
    signs, offsets = [1, -1, 1, 1, -1], [0.0, 12.5, -90.0, 0.0, 3.0]
    data["state"] = [
        {"field": "joint_positions", "unit": "deg", "sign": signs, "offset": offsets},
        {"field": "gripper", "form": "percent"},
    ]
    profile = RobotProfile.model_validate(data)
    positions = np.radians([10.0, -20.0, 30.0, 40.0, -50.0])
    gripper = profile.gripper
    assert gripper is not None
    half = 0.5 * (gripper.closed + gripper.open)
    state = StateComposer.of(profile).compose(positions, None, half)
    np.testing.assert_allclose(state, [10.0, 32.5, -60.0, 40.0, 53.0, 50.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"state": ["tool_position"], "kinematics": None}, "'tool_position', which needs forward kinematics"),
        ({"state": [{"field": "joint_positions", "joints": ["knee"]}]}, "names joint 'knee'. The arm has: waist"),
        ({"state": [{"field": "joint_positions", "sign": [1, -1]}]}, "2 numbers in sign for 6 joints"),
    ],
)
def test_what_a_robot_cannot_give_is_named(change: dict[str, Any], match: str) -> None:
    profile = RobotProfile.load("wx250s_sim")
    assert profile.action.space == "joint_delta"
    data = {**profile.model_dump(mode="json"), **change}
    with pytest.raises(ValueError, match=match):
        RobotProfile.model_validate(data)


def test_what_is_left_out_is_named() -> None:
    profile = RobotProfile.load("wx250s_sim")
    with pytest.raises(ObservationError, match="gripper's position"):
        StateComposer.of(profile).compose(np.zeros(6))
    with pytest.raises(ObservationError, match="Give its forward kinematics"):
        StateComposer(named_contract("libero_goal").seen_by(RobotProfile.load("franka_panda")))
    with pytest.raises(RobotProfileError, match="needs forward kinematics"):
        named_contract("bridge").seen_by(profile.with_sections(kinematics=None))
