"""How values are judged by branches, with intervals, from the command too."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hume_core.errors import DatasetError
from hume_system2.model import System2
from hume_training.data.branches import INFO, Branches, Kind, save_part
from hume_training.default_checkpoint import shipped_checkpoint
from hume_training.evaluation.branch_values import run_branch_quality, values_of
from hume_training.evaluation.choice_quality import choice_intervals, choice_quality

KINDS = [Kind.CANDIDATE] * 4 + [Kind.OTHER_CUBE] * 2 + [Kind.GRIPPER] * 2 + [Kind.OTHER_SCENE] * 2
NAMES = {"within", "between", "regret_s", "regret_random_s", "wrong_cube_ranked", "wrong_gripper_ranked"}


def outcomes(states: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values that know the outcome up to some noise, outcomes, kinds and episodes."""
    random = np.random.default_rng(5)
    seconds = random.uniform(1.0, 5.0, (states, len(KINDS)))
    seconds[:, 4:] += 2.0
    seconds[::3, 4] = math.inf
    values = -np.minimum(seconds, 12.0) + random.normal(0.0, noise, seconds.shape)
    return values, seconds, np.tile(np.array(KINDS), (states, 1)), np.arange(states) // 4


@pytest.mark.parametrize("noise", [0.0, 1.0, 50.0])
def test_an_interval_holds_its_figure_and_is_narrower_with_more_data(noise: float) -> None:
    values, seconds, kinds, episodes = outcomes(200, noise)
    figures = choice_quality(values, seconds, kinds)
    intervals = choice_intervals(values, seconds, kinds, episodes)
    assert NAMES <= set(figures) == set(intervals)
    for name, (low, high) in intervals.items():
        assert low - 1e-9 <= figures[name] <= high + 1e-9, name
    few = choice_intervals(values[:20], seconds[:20], kinds[:20], episodes[:20])
    if noise:
        assert np.ptp(few["within"]) > np.ptp(intervals["within"])
    else:
        assert intervals["within"] == (1.0, 1.0)


def test_values_that_know_nothing_rank_half_of_the_pairs_right() -> None:
    values, seconds, kinds, episodes = outcomes(400, 1e6)
    low, high = choice_intervals(values, seconds, kinds, episodes)["wrong_cube_ranked"]
    assert low < 0.5 < high
    low, high = choice_intervals(values, seconds, kinds, episodes)["within"]
    assert low < 0.0 < high


def test_where_nothing_differs_an_interval_is_unknown() -> None:
    values, _, kinds, episodes = outcomes(8, 1.0)
    alike = np.full_like(values, 3.0)
    assert all(math.isnan(bound) for bound in choice_intervals(values, alike, kinds, episodes)["within"])


def recorded(folder: Path, shape: tuple[int, int]) -> Branches:
    random = np.random.default_rng(1)
    states = 5
    pixels = {key: random.integers(0, 256, (states, 96, 96, 3), dtype=np.uint8) for key in ("image", "wrist_image")}
    branches = Branches(
        pixels,
        np.tile(np.array([0.0, -0.39, 0.4, 0.0, 1.56, 0.0, 0.037], np.float32), (states, 1)),
        ["lift the red cube"] * states,
        np.arange(states),
        random.normal(size=(states, len(KINDS), *shape)).astype(np.float32),
        random.uniform(1.0, 9.0, (states, len(KINDS))).astype(np.float32),
        np.tile(np.array(KINDS, np.int8), (states, 1)),
    )
    save_part(folder, 0, branches)
    (folder / INFO).write_text("{}")
    return branches


def test_the_command_judges_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    branches = recorded(tmp_path / "data", (16, 8))
    checkpoint = str(shipped_checkpoint("wx250s_tabletop"))
    report = tmp_path / "quality.json"
    assert run_branch_quality(checkpoint, str(tmp_path / "data"), report) == 0
    assert "5 states of 5 episodes" in capsys.readouterr().out
    content = json.loads(report.read_text())
    values = values_of(System2.from_pretrained(checkpoint), branches)
    assert values.shape == (5, len(KINDS))
    expected = choice_quality(values, branches.seconds, branches.kinds)
    assert content["within"]["value"] == pytest.approx(expected["within"], abs=1e-4)
    assert content["states"] == 5


def test_branches_of_another_policy_are_refused(tmp_path: Path) -> None:
    recorded(tmp_path, (12, 8))
    with pytest.raises(DatasetError, match=r"are \[12, 8\]. Those of the policy are \[16, 8\]"):
        run_branch_quality(str(shipped_checkpoint("wx250s_tabletop")), str(tmp_path))
