"""LIBERO itself: what is asked of it here is what its own evaluation does, and the stack does its tasks.

Not run by default: `./hume libero setup`, then `./hume test src/hume_libero/test/test_libero_real.py -m libero`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_libero.environment import clean_environment, libero_python
from hume_libero.expert_runs import Follower, demonstrate
from hume_libero.player import Player, Timing
from hume_libero.process import LiberoProcess
from hume_libero.robot import libero_robot, stand_in
from hume_libero.suites import LiberoSuite, find_suite
from hume_libero.world import LiberoWorld
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.variants import find_variant

pytestmark = [pytest.mark.libero, pytest.mark.timeout(1500)]
PACKAGE = Path(__file__).parents[1] / "hume_libero"


def in_libero(check: str, **arguments: Any) -> Any:
    """A check of `libero_tools.py` in LIBERO's own environment."""
    command = [
        libero_python(),
        "-I",
        Path(__file__).with_name("libero_tools.py"),
        PACKAGE,
        check,
        json.dumps(arguments),
    ]
    environment = {"MUJOCO_GL": "egl"} | clean_environment()
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def world() -> Iterator[LiberoWorld]:
    with LiberoProcess() as process:
        yield LiberoWorld(process, 64)


def test_rows_move_everything_as_liberos_own_step_does() -> None:
    """To the bit, and whatever was played before."""
    found = in_libero("rows", suite="libero_goal", task=8, state=4)
    assert found["first"] == found["again"] == found["libero"]


def test_pictures_are_robosuites_upright() -> None:
    found = in_libero("pictures", suite="libero_spatial", task=2, state=1)
    for same, upside_down in found.values():
        assert same < 0.5
        assert upside_down > 10 * max(same, 0.1)


@pytest.mark.parametrize("suite", ["libero_spatial", "libero_object", "libero_goal"])
def test_the_composed_state_is_what_robosuite_reports(suite: str) -> None:
    found = in_libero("tool", suite=suite, task=1)
    profile = named_contract(suite).adapt(RobotProfile.load("franka_panda"))
    composer = StateComposer.of(profile)
    for joints, position, quaternion, fingers in zip(*found.values(), strict=True):
        state = composer.compose(np.array(joints), None, fingers[0])
        np.testing.assert_allclose(state[:3], position, atol=1e-4)
        x, y, z, w = np.array(quaternion) * np.sign(quaternion[0])
        vector = np.array([x, y, z]) / np.linalg.norm([x, y, z]) * 2.0 * np.arccos(np.clip(w, -1.0, 1.0))
        np.testing.assert_allclose(state[3:6], vector, atol=1e-3)
        np.testing.assert_allclose(state[6:], [fingers[0], -fingers[0]], atol=1e-6)


@pytest.mark.parametrize(("suite_name", "number", "state"), [("libero_goal", 8, 11), ("libero_object", 1, 12)])
def test_the_rows_of_the_expert_do_the_task_both_ways(
    world: LiberoWorld, suite_name: str, number: int, state: int
) -> None:
    suite = find_suite(suite_name)
    world.open(suite_name, number)
    demonstration = demonstrate(world, suite, state)
    assert demonstration.success
    found = Follower(suite).follow(world, state, demonstration)
    assert found.success
    assert found.fault == ""
    # Until the first contact the ways differ by little. Afterwards a slip of the hand counts too.
    assert found.deviation[:40].max() < 0.004
    assert found.deviation.max() < 0.02


@pytest.mark.parametrize("control", ["osc", "joints"])
def test_a_policy_of_random_weights_plays(world: LiberoWorld, control: str) -> None:
    torch.set_num_threads(1)
    checkpoint = stand_in(find_suite("libero_spatial"))
    short = LiberoSuite("libero_spatial", 24, "libero_spatial")
    world.open("libero_spatial", 1)
    profile, policy = libero_robot(checkpoint, "franka_panda"), Policy.load(checkpoint)
    player = Player(world, policy, profile, short, find_variant("n1"), control, Timing())
    outcome = player.play(2)
    assert (outcome.success, outcome.fault) == (False, "")
    assert outcome.duration == pytest.approx(1.2, abs=0.011)
    assert len(outcome.values) >= 2
