"""What is judged is what drives the arm: a recorded episode, stepped through the nodes' code, commands the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hume_bags.episode_bag import EpisodeBags
from hume_bags.episodes import find_episodes
from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.report import verdict
from hume_bags.regress.run import regress
from hume_core.robot import RobotProfile
from hume_training.default_checkpoint import default_checkpoint
from hume_training.evaluation.run import EvaluateOptions, run_evaluate

ROBOT = "wx250s_sim"
GOLDEN = Path("recorded")


def record(folder: Path, suite: str, variants: list[str], **timing: float) -> list[Path]:
    """Play one episode of each variant. Returns the bags."""
    checkpoint = str(default_checkpoint(ROBOT))
    options = EvaluateOptions(
        checkpoint, suite, variants, episodes=1, timing=timing, recorder=EpisodeBags(folder, ROBOT, checkpoint)
    )
    assert run_evaluate(options) == 0
    return sorted(folder.iterdir())


@pytest.mark.parametrize(
    ("suite", "timing"), [("lift", {"system1_latency": 0.03}), ("stack", {}), ("hard", {"system2_latency": 0.1234567})]
)
def test_a_recorded_episode_is_repeated_byte_by_byte(tmp_path: Path, suite: str, timing: dict[str, float]) -> None:
    (bag,) = record(tmp_path / "bags", suite, ["full"], **timing)
    result = regress(RegressOptions(bag, golden=GOLDEN))
    assert verdict(result) == "same: identical bytes"
    assert len(result.stream.commands) > 100
    assert result.problems == []
    other = regress(RegressOptions(bag, golden=GOLDEN, seed=1))
    assert verdict(other).startswith("differs")
    assert "/arm_controller/commands" in other.comparison.findings[0].part  # type: ignore[union-attr]


def test_what_nodes_have_settings_for_is_repeated_and_the_rest_says_so(tmp_path: Path) -> None:
    bags = record(tmp_path / "bags", "lift", ["n1_no_system1", "random_pick", "blank"])
    assert [bag.name for bag in bags] == ["lift_blank_0000", "lift_n1_no_system1_0000", "lift_random_pick_0000"]
    for bag in bags[1:]:
        assert verdict(regress(RegressOptions(bag, golden=GOLDEN))) == "same: identical bytes"
    blank = regress(RegressOptions(bags[0], golden=GOLDEN))
    assert any("blank" in problem for problem in blank.problems)


def test_the_bag_tells_of_the_episode(tmp_path: Path) -> None:
    (bag,) = record(tmp_path / "bags", "lift", ["full"])
    reader = BagReader(bag)
    (episode,) = find_episodes(reader)
    assert episode.success is reader.provenance["success"]
    assert episode.seed == 10_000_000
    wanted = {"/joint_states", "/camera/scene/image_raw", "/hume/segment", "/hume/status", "/hume/thought"}
    assert wanted <= {topic for topic, info in reader.topics.items() if info.count and not info.problem}
    assert reader.problems == []


def test_what_cannot_be_recorded_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    profile = RobotProfile.load(ROBOT)
    (tmp_path / "something").touch()
    with pytest.raises(BagError, match="is not empty"):
        EpisodeBags(tmp_path, ROBOT, "").check(profile)
    with pytest.raises(BagError, match="take trajectories"):
        replace(EpisodeBags(tmp_path / "new", "ur5e", "")).check(RobotProfile.load("ur5e"))
