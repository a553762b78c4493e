"""Tool paths for people who look at them are those of the kinematics and of the way rows are followed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.action_spaces import DeltaFrame, Exact, FirstOrder, OperationalSpace, Reference, RotationFormat
from hume_core.action_spaces.conventions import Conventions
from hume_core.action_spaces.ee_delta import EeDelta
from hume_core.errors import ActionSpaceError, RobotProfileError
from hume_core.kinematics.rotation import rotation_from_vector, rotations_from_vectors
from hume_core.policy_contract import PolicyContract, named_contract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model
from hume_core.tool_paths import as_seen, load_tool_paths
from hume_core.value_colors import value_colors
from hume_core.value_weights import weights_of

ROBOTS = ("wx250s_sim", "ur5e", "franka_fr3")
DT = 0.05
SIZE = 12


def small_rows(profile: RobotProfile, count: int = 3) -> NDArray[np.float64]:
    """Chunks (count, SIZE, a + 1) of small motions, with a number of a gripper behind the arm's."""
    rng, space = np.random.default_rng(7), profile.action_space
    spread = space.row_spread(len(profile.home), 0.05, (0.004,) * 3 + (0.05,) * 3)
    return np.asarray(rng.normal(size=(count, SIZE, len(spread) + 1)) * [*spread, 1.0])


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("space", ["joint_position", "joint_delta"])
def test_paths_of_joint_rows_are_those_of_forward_kinematics(robot: str, space: str) -> None:
    profile = RobotProfile.load(robot).with_action(space)
    home, arm = np.array(profile.home), load_arm_model(profile)
    n, rows = len(home), small_rows(profile)
    joints = rows[..., :n] + home
    if space == "joint_position":
        rows[..., :n] += home
    paths = load_tool_paths(profile).of_rows(rows, home, DT)
    assert paths.shape == (3, SIZE + 1, 3)
    for path, chunk in zip(paths, joints, strict=True):
        assert path[0] == pytest.approx(arm.forward(home).position)
        for point, position in zip(path[1:], chunk, strict=True):
            assert point == pytest.approx(arm.forward(position).position, abs=1e-12)


def followed(space: EeDelta, profile: RobotProfile, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions (H, 3) of one chunk, row by row as `ToolPath` goes."""
    arm, home = load_arm_model(profile), np.array(profile.home)
    written = space.conventions
    start = space.controlled(arm.forward(home))
    tracker = written.response.tracker(arm, space.controlled(arm.forward(home)), DT)
    state, goal, found = tracker.begin(start, home, np.zeros(len(home))), start, []
    for row in rows:
        before = {
            Reference.OBSERVATION: start, Reference.PREVIOUS_ROW: goal, Reference.MEASURED: state.pose
        }[written.reference]  # fmt: skip
        goal = space.target(written.response.clipped(row), before)
        state = tracker.advance(state, goal)
        found.append(state.pose.position)
    return np.array(found)


@pytest.mark.parametrize("robot", ROBOTS[1:])
@pytest.mark.parametrize("reference", list(Reference))
@pytest.mark.parametrize("frame", list(DeltaFrame))
@pytest.mark.parametrize("rotation", list(RotationFormat))
def test_paths_of_displacements_are_those_that_are_asked_for(
    robot: str, reference: Reference, frame: DeltaFrame, rotation: RotationFormat
) -> None:
    profile = RobotProfile.load(robot).with_action(
        "ee_delta", frame=frame, rotation=rotation, reference=reference, scale=(0.5, 2.0, 1.0, 1.0, 0.5, 2.0)
    )
    space: Any = profile.action_space
    rows = small_rows(profile)
    paths = load_tool_paths(profile).of_rows(rows, np.array(profile.home), DT)
    for path, chunk in zip(paths, rows, strict=True):
        assert path[1:] == pytest.approx(followed(space, profile, chunk[:, :6]), abs=1e-9)


@pytest.mark.parametrize("reference", list(Reference))
@pytest.mark.parametrize("response", [Exact(), FirstOrder(gain=0.3), OperationalSpace(), OperationalSpace(kp=40.0)])
def test_a_slow_arm_is_drawn_as_slow(response: Any, reference: Reference) -> None:
    profile = RobotProfile.load("franka_fr3").with_action("ee_delta")
    space = EeDelta(Conventions(reference=reference, response=response))
    home, arm = np.array(profile.home), load_arm_model(profile)
    rows = small_rows(profile)[..., :6] * ([1.0] * 3 + [0.0] * 3)
    found = space.tool_positions(rows, home, DT, arm, np.arange(SIZE))
    for path, chunk in zip(found, rows, strict=True):
        assert path == pytest.approx(followed(space, profile, chunk), abs=1e-9)


@pytest.mark.parametrize("robot", ROBOTS[1:])
def test_paths_of_poses_are_their_positions(robot: str) -> None:
    profile = RobotProfile.load(robot).with_action("ee_pose")
    rows = small_rows(profile) + 0.3
    paths = load_tool_paths(profile).of_rows(rows, np.array(profile.home), DT)
    assert paths[:, 1:] == pytest.approx(rows[..., :3])


def test_the_tool_frame_of_a_checkpoint_is_what_is_drawn() -> None:
    offset = (0.0, 0.02, 0.1)
    space = EeDelta(Conventions(tool_offset=offset))
    profile = RobotProfile.load("ur5e").with_action("ee_delta")
    home, arm = np.array(profile.home), load_arm_model(profile)
    tool = arm.forward(home)
    still = space.tool_positions(np.zeros((1, 3, 6)), home, DT, arm, np.arange(3))
    assert still[0] == pytest.approx(np.tile(tool.position + tool.rotation @ offset, (3, 1)))


@pytest.mark.parametrize("points", [2, 9, 17])
@pytest.mark.parametrize("horizon", [1, 2, 16, 17, 50, 300])
def test_long_chunks_are_thinned_out_and_keep_their_end(horizon: int, points: int) -> None:
    profile = RobotProfile.load("ur5e")
    home = np.array(profile.home)
    rows = home + np.linspace(0.0, 0.3, horizon)[:, None] * np.ones(6)
    tools = load_tool_paths(profile, points=points)
    (path,) = tools.of_rows(rows[None], home, DT)
    assert len(path) == min(horizon, points - 1) + 1
    assert path[-1] == pytest.approx(tools.at(rows[-1]))
    assert tools.of_joints(rows)[-1] == pytest.approx(tools.at(rows[-1]))


@pytest.mark.parametrize("space", ["joint_position", "ee_delta"])
def test_narrow_rows_are_refused(space: str) -> None:
    profile = RobotProfile.load("ur5e").with_action(space)
    with pytest.raises(ActionSpaceError, match="need"):
        load_tool_paths(profile).of_rows(np.zeros((2, 3, 5)), np.array(profile.home), DT)


def test_a_robot_without_kinematics_is_named() -> None:
    profile = RobotProfile.load("ur5e").with_sections(kinematics=None)
    with pytest.raises(RobotProfileError, match="robot 'ur5e' has no section kinematics"):
        load_tool_paths(profile)


def test_rows_are_written_as_the_checkpoint_says() -> None:
    profile = RobotProfile.load("franka_panda")
    contract = named_contract("libero_goal")
    seen = as_seen(profile.with_action("ee_delta"), contract="libero_goal")
    assert seen.action_space.conventions.scale == tuple(contract.arms[0].scale or ())
    assert as_seen(profile) is profile
    assert isinstance(contract, PolicyContract)


def test_views_need_no_torch() -> None:
    program = "import sys, hume_core.tool_paths; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_many_rotations_at_once() -> None:
    vectors = np.concatenate([np.random.default_rng(0).normal(size=(20, 3)) * 2.0, np.zeros((1, 3)), [[1e-12, 0, 0]]])
    found = rotations_from_vectors(vectors.reshape(2, 11, 3)).reshape(-1, 3, 3)
    for rotation, vector in zip(found, vectors, strict=True):
        assert rotation == pytest.approx(rotation_from_vector(vector), abs=1e-12)


@pytest.mark.parametrize("temperature", [0.0, 0.02, 0.5, 1.0, 30.0, None])
@pytest.mark.parametrize("seed", range(5))
def test_the_value_of_the_chunk_tells_the_weights(temperature: float | None, seed: int) -> None:
    values = np.random.default_rng(seed).normal(loc=-4.0, scale=0.5, size=2 + 3 * seed).astype(np.float32)
    weights = np.full(len(values), 1.0 / len(values))
    if temperature is not None:
        powers = np.exp((values - values.max()) / max(temperature, 1e-9))
        weights = powers / powers.sum()
    found = weights_of(values, float(np.float32(weights @ values)))
    assert found is not None
    assert found == pytest.approx(weights, abs=2e-3)


def test_a_candidate_that_was_taken_whole_is_found() -> None:
    values = np.array([0.3, 0.1, 0.7])
    assert weights_of(values, 0.1) == pytest.approx([0.0, 1.0, 0.0])
    assert weights_of(np.full(3, 0.2), 0.2) is not None
    assert weights_of(values, 0.2) is None
    assert weights_of(values, 0.8) is None
    assert weights_of(np.array([0.1, np.nan]), 0.1) is None


def lightness(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(colors / 255.0) ** 2.2 @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-30.0, -29.0), (0.41, 0.4101)])
def test_higher_values_are_lighter(low: float, high: float) -> None:
    values = np.linspace(low, high, 16)
    assert (np.diff(lightness(value_colors(values))) > 0.0).all()
    mixed = np.random.default_rng(1).permutation(values)
    assert (np.argsort(lightness(value_colors(mixed))) == np.argsort(mixed)).all()


def test_equal_and_unknown_values_have_a_color() -> None:
    assert len(np.unique(value_colors(np.full(4, 0.3)), axis=0)) == 1
    colors = value_colors(np.array([0.1, np.nan, 0.9, np.inf]))
    assert (colors[1] == colors[3]).all()
    assert len(np.unique(colors, axis=0)) == 3
