"""Demonstrations that begin where a policy was: the expert's part alone is recorded, and it succeeds."""

from pathlib import Path

import numpy as np

from hume_training import evaluation
from hume_training.data.reader import load_demonstrations
from hume_training.evaluation.recording import RolloutOptions, run_collect_rollouts

CHECKPOINT = Path(evaluation.__file__).parents[1] / "checkpoints" / "wx250s_tabletop"


def test_the_expert_takes_over_and_succeeds(tmp_path: Path) -> None:
    options = RolloutOptions(tmp_path / "data", str(CHECKPOINT), episodes=3, suite="recovery", intervention=1.0, seed=2)
    assert run_collect_rollouts(options) == 0
    data = load_demonstrations(tmp_path / "data")
    assert len(data.tasks) == 3
    assert data.success is not None
    assert all(
        data.success[start : start + length].any() for start, length in zip(data.starts, data.lengths, strict=True)
    )
    home = data.state[data.starts, :6] - np.array([0.0, -0.39, 0.4, 0.0, 1.5608, 0.0])
    assert np.abs(home).max(axis=1).min() > 0.02, "the policy has moved the arm before"
