"""A checkpoint of LIBERO's sizes on a Panda: refused without a contract or with one of another world, else it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import System1Status

from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_training.initialize import create_checkpoint

pytestmark = pytest.mark.ros

ROBOT = "franka_panda"
SPREAD = [0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.02, 0.02]


@pytest.fixture(scope="module")
def libero(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights whose training stood where the mock stands. The folder does not say what its numbers mean."""
    profile = RobotProfile.load(ROBOT)
    compose = StateComposer.of(named_contract("libero_goal").seen_by(profile)).compose
    return create_checkpoint(
        tmp_path_factory.mktemp("libero"), "small", 0, state_dim=8, action_dim=7, s1_num_steps=2, num_steps=3,
        state_mean=compose(np.array(profile.home), None, 0.02).tolist(), state_std=SPREAD,
        action_mean=[0.0] * 6 + [0.5], action_std=[0.05] * 6 + [0.3],
    )  # fmt: skip


@pytest.fixture(scope="module")
def trial(ros_domain: int, libero: Path) -> Iterator[Trial]:
    options = LaunchOptions(
        robot=ROBOT, checkpoint=str(libero), contract="libero_goal", candidates=2, seed=0, dry_run=True
    )
    with Trial(options, nodes="mock") as running:
        yield running


def test_with_its_contract_it_runs_and_with_another_it_is_refused(
    trial: Trial, libero: Path, start: Callable[..., Any]
) -> None:
    # Then both systems are configured: the denoiser too has composed a state.
    trial.wait(lambda: trial.status.mode > System1Status.INACTIVE, 180.0, "System 1 becoming active")
    given = {"robot": ROBOT, "checkpoint": str(libero), "autostart": True, "exit_on_failure": True}
    cases = (
        ("", "does not say what its numbers mean", "./hume contract"),
        ("libero_object", "does not look like the checkpoint's training data: 'z'", "another world frame"),
        ("bridge", "was not made for robot 'franka_panda': rotation", "dt: the checkpoint has 0.2 s"),
    )
    for contract, reason, more in cases:
        second = start("hume_system2", "system2_node", **given, **({"contract": contract} if contract else {}))
        trial.wait(lambda second=second: not second.alive, 120.0, "the refusal")  # type: ignore[misc]
        assert reason in second.output
        assert more in second.output
        assert "Traceback" not in second.output
