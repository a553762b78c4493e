"""Closed-loop evaluation during a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from hume_core.robot import RobotProfile
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.training.config import System2Config

_ROBOT = "wx250s_sim"
_SUITE = "nominal"
_VARIANT = "n1_no_system1"


def evaluation_hook(
    config: System2Config, system2: System2, checkpoint: str | Path
) -> Callable[[int], dict[str, float]] | None:
    """A function that measures the success of System 2 alone, or None where none is wanted.

    Args:
        config: of the run.
        system2: the model in training.
        checkpoint: gives System 1's half, which is needed for its normalisation only.
    """
    if not config.evaluate_every:
        return None
    from hume_sim.suites import find_suite, scene
    from hume_training.evaluation.policy import Policy
    from hume_training.evaluation.robot import robot_for
    from hume_training.evaluation.rollout import Rollout
    from hume_training.evaluation.variants import find_variant

    profile = robot_for(system2.contract, RobotProfile.load(_ROBOT), config.action_space)
    policy, suite = Policy(system2, System1.from_pretrained(checkpoint)), find_suite(_SUITE)

    def evaluate(step: int) -> dict[str, float]:
        runner = Rollout(policy, profile, suite, find_variant(_VARIANT), config.seed)
        with torch.random.fork_rng():
            outcomes = runner.run_many([scene(config.seed + 50, k, suite) for k in range(config.evaluate_episodes)])
        runner.close()
        return {"success": sum(outcome.success for outcome in outcomes) / len(outcomes)}

    return evaluate
