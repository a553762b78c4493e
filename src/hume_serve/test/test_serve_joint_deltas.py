"""A checkpoint whose System 1 refines joint deltas from the newest state: it must know how far the joints moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ObservationError
from hume_core.policy_contract import fitted_robot
from hume_core.robot import RobotProfile
from hume_serve.episode import Episode, first_segment, noise_source
from hume_serve.infer_settings import InferSettings
from hume_serve.inputs import InputReader
from hume_serve.policy import CascadedPolicy
from hume_serve.robot_view import RobotView
from hume_system1.model import System1
from hume_system2.model import System2

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "src" / "hume_training" / "hume_training" / "checkpoints" / "wx250s_tabletop"
PROFILE = ROOT / "src" / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"
SETTINGS = InferSettings(replan_steps=3, s2_replan_steps=6, s2_candidates_num=2, seed=8)


@pytest.fixture(scope="module")
def systems() -> tuple[System2, System1]:
    return System2.from_pretrained(SHIPPED), System1.from_pretrained(SHIPPED)


@pytest.fixture(scope="module")
def robot(systems: tuple[System2, System1]) -> RobotView:
    profile = fitted_robot(systems[0].config, systems[0].contract, RobotProfile.load(PROFILE), SHIPPED)
    return RobotView(profile, systems[0].normalizer, np.inf)


def sent(robot: RobotView, step: int, **changes: Any) -> dict[str, Any]:
    """What the arm measures after some steps."""
    random = np.random.default_rng(5)
    pictures = {
        f"robot.images.{key}": random.integers(0, 256, (96, 128, 3), dtype=np.uint8) for key in robot.profile.cameras
    }
    joints = np.array(robot.profile.home) + 0.02 * step * np.arange(1, 7)
    other = {"robot.joint_positions": joints, "robot.gripper_position": 0.02, "task": "lift the red cube"}
    return {name: value for name, value in {**pictures, **other, **changes}.items() if value is not None}


def test_system1_is_told_how_far_the_joints_moved(
    systems: tuple[System2, System1], robot: RobotView, generator: Callable[[int], torch.Generator]
) -> None:
    system2, system1 = systems
    reader, episode = InputReader(system2.config, robot), Episode(CascadedPolicy(system2, system1), SETTINGS, robot)
    inputs = [reader.read(sent(robot, step)) for step in range(6)]
    rows = np.concatenate([episode.act(each) for each in inputs])
    source = generator(8)
    chunk = system2.think(inputs[0].observation, 2, generator=source).chunk
    still, moved = torch.zeros(1, 6), torch.tensor(0.02 * 3 * np.arange(1, 7), dtype=torch.float32)[None]
    first = system1.refine(inputs[0].observation, chunk, 0.0, moved=still)[0, :3]
    second = system1.refine(inputs[3].observation, chunk, 3 / 16, moved=moved)[0, :3]
    np.testing.assert_allclose(rows, torch.cat([first, second]).numpy(), atol=1e-6)
    unmoved = system1.refine(inputs[3].observation, chunk, 3 / 16, moved=still)[0, :3]
    assert np.abs(rows[3:] - unmoved.numpy()).max() > 1e-3


def test_without_joints_only_segments_at_a_thought_are_given(
    systems: tuple[System2, System1], robot: RobotView
) -> None:
    system2, system1 = systems
    policy = CascadedPolicy(system2, system1)
    reader = InputReader(system2.config, robot)
    unknown = {"robot.joint_positions": None, "robot.gripper_position": None}
    states = [reader.read(sent(robot, step)).observation.state[0, 0] for step in range(5)]
    plain = [sent(robot, step, **unknown, **{"observation.state": state}) for step, state in enumerate(states)]
    episode = Episode(policy, SETTINGS, robot)
    for each in plain[:3]:
        episode.act(reader.read(each))
    with pytest.raises(ObservationError, match=r"robot\.joint_positions"):
        episode.act(reader.read(plain[3]))
    equal = Episode(policy, InferSettings(replan_steps=2, s2_replan_steps=2, s2_candidates_num=1), robot)
    assert [equal.act(reader.read(each)).shape for each in plain] == [(1, 7)] * 5
    single = first_segment(policy, SETTINGS.resolved(system2.config), reader.read(plain[1]), noise_source(0))
    assert single.shape == (1, 8, 7)
