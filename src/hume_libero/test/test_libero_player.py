"""A policy of random weights in a fake world: both ways to control, what it is shown, and when it is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_libero import BASE, GOAL, InProcess

from hume_core.errors import ConfigError, RobotProfileError
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_libero.arm import libero_cameras
from hume_libero.evaluation import LiberoOptions, chosen_tasks, play, summarise
from hume_libero.player import LiberoOutcome, Player, Timing
from hume_libero.plot import plot_tasks
from hume_libero.robot import check_osc, libero_robot, stand_in
from hume_libero.suites import LiberoSuite, find_suite
from hume_libero.world import LiberoWorld
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.variants import find_variant

SHORT = LiberoSuite("libero_spatial", 20, "libero_spatial")


@pytest.fixture(scope="module")
def checkpoint() -> str:
    torch.set_num_threads(1)
    return stand_in(find_suite("libero_spatial"))


@pytest.fixture(scope="module")
def policy(checkpoint: str) -> Policy:
    return Policy.load(checkpoint)


@pytest.fixture(scope="module")
def profile(checkpoint: str) -> RobotProfile:
    return libero_robot(checkpoint, "franka_panda")


@pytest.fixture
def make(world: LiberoWorld, policy: Policy, profile: RobotProfile) -> Any:
    def player(variant: str, control: str, suite: LiberoSuite = SHORT, timing: Timing | None = None) -> Player:
        return Player(world, policy, profile, suite, find_variant(variant), control, timing or Timing())

    return player


def asked(fake: InProcess, method: str) -> list[dict[str, Any]]:
    return [given for name, given in fake.asked if name == method]


def test_blocking_the_policy_looks_every_eight_rows_and_thinks_every_sixteen(make: Any, fake: InProcess) -> None:
    fake.asked.clear()
    outcome = make("n1", "osc").play(1)
    rows = [given["row"] for given in asked(fake, "row")][10:]
    assert len(rows) == 20
    assert {row[6] for row in rows} <= {-1.0, 1.0}
    assert np.abs(np.stack(rows)[:, :6]).max() > 0.0
    # Rows 0, 8 and 16, two cameras each.
    assert len(asked(fake, "picture")) == 6
    assert len(outcome.values) == 2
    assert (outcome.task, outcome.state, outcome.success) == (1, 1, False)
    assert outcome.duration == pytest.approx(1.0)
    assert asked(fake, "joints") == []


@pytest.mark.parametrize("control", ["osc", "joints"])
def test_the_same_seed_gives_the_same_episode(make: Any, fake: InProcess, control: str) -> None:
    ends = []
    for _ in range(2):
        outcome = make("n1", control).play(0)
        ends.append((outcome, fake.world.tool.tolist(), fake.world.joints.tolist()))
    assert ends[0] == ends[1]


def test_through_the_stack_the_world_goes_on_while_the_policy_thinks(make: Any, fake: InProcess) -> None:
    fake.asked.clear()
    outcome = make("n1", "joints").play(0)
    assert outcome.fault == ""
    assert outcome.duration == pytest.approx(1.0, abs=0.011)
    commands = asked(fake, "joints")
    # Joint states come at 100 Hz. No command depends on anything between two of them.
    assert len(commands) == pytest.approx(100, abs=2)
    first = np.stack([given["positions"][0] for given in commands])
    still = int(np.flatnonzero(np.abs(first - first[0]).max(axis=1) > 1e-9)[0])
    # A thought takes 0.1 s, so nothing moves before.
    assert still >= 10
    assert len(asked(fake, "row")) == 10
    assert 4 <= len(outcome.values) <= 5


def test_a_later_policy_thinks_less_often(make: Any) -> None:
    late = make("n1", "joints", timing=Timing(system2_rate=1.0, system2_latency=0.5)).play(0)
    assert len(late.values) <= 2


def test_an_episode_ends_with_its_success(make: Any, fake: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def done(self: Any, size: int = 0) -> None:
        type(self).plain_init(self)
        self.thing[:2], self.finger = GOAL[:2], 0.04

    monkeypatch.setattr(type(fake.world), "plain_init", type(fake.world).__init__, raising=False)
    monkeypatch.setattr(type(fake.world), "__init__", done)
    for control in ("osc", "joints"):
        outcome = make("n1", control).play(0)
        assert outcome.success
        assert outcome.duration < 0.06


def test_the_policy_sees_mirrored_pictures_and_the_tool_in_the_world(
    make: Any, world: LiberoWorld, profile: RobotProfile
) -> None:
    seen = make("n1", "osc")._seen(see=True)
    scene, wrist = (seen.images[key][0] for key in ("image", "wrist_image"))
    assert scene.shape == (256, 256, 3)
    # The fake marks the left edge of a picture, and each camera has a colour of its own.
    assert scene[:, -1].min() == 255
    assert scene[100, 100].tolist() == [100, 0, 0]
    assert wrist[100, 100].tolist() == [0, 100, 0]
    tool = load_kinematics(profile).forward(world.reading.joints).position + BASE
    np.testing.assert_allclose(seen.state[0, 0, :2], tool[:2], atol=2e-3)
    assert seen.state[0, 0, 6:].tolist() == pytest.approx([0.04, -0.04])
    assert seen.task == ["do thing 1"]


def test_who_does_not_look_is_shown_black(make: Any, fake: InProcess) -> None:
    player = make("n1", "osc")
    fake.asked.clear()
    assert all(image.max() == 0 for image in player._seen(see=False).images.values())
    assert asked(fake, "picture") == []


@pytest.mark.parametrize("variant", ["mean", "blank", "low_noise", "medoid8", "nearest"])
def test_osc_plays_the_authors_variants_alone(make: Any, variant: str) -> None:
    with pytest.raises(ConfigError, match="none of the authors' way to think"):
        make(variant, "osc")
    make(variant, "joints")


def test_rows_that_osc_pose_does_not_take_are_refused(profile: RobotProfile) -> None:
    for changed in (profile.with_action("joint_delta"), profile.with_action(scale=(0.02,) * 6)):
        with pytest.raises(RobotProfileError, match="Give --control joints"):
            check_osc(changed)


def test_another_arm_is_refused(checkpoint: str) -> None:
    with pytest.raises(RobotProfileError, match="'wx250s_sim' is no Panda"):
        libero_robot(checkpoint, "wx250s_sim")


def test_a_camera_that_libero_does_not_have_is_refused(profile: RobotProfile) -> None:
    camera = profile.cameras["image"].model_copy(update={"topic": "camera/ceiling/image_raw"})
    with pytest.raises(RobotProfileError, match="LIBERO has camera/scene/image_raw, camera/wrist/image_raw"):
        libero_cameras(profile.model_copy(update={"cameras": {"image": camera}}))


def test_tasks_are_places_in_the_suite() -> None:
    assert chosen_tasks((3, 1), 10) == [3, 1]
    assert chosen_tasks((), 4) == [0, 1, 2, 3]
    with pytest.raises(ConfigError, match=r"task 10 is not in the suite. Valid: 0 to 9"):
        chosen_tasks((2, 10), 10)


class Scripted:
    """A player that succeeds in even initial states."""

    def __init__(self, world: LiberoWorld) -> None:
        self._world = world

    def play(self, state: int) -> LiberoOutcome:
        return LiberoOutcome(self._world.task.number, state, state % 2 == 0, 1.0 + state)


def report(world: LiberoWorld, episodes: int = 50) -> dict[str, Any]:
    player: Any = Scripted(world)
    found = play(world, "libero_goal", [1, 0], episodes, {"full": player, "n1": player})
    return summarise(LiberoOptions("libero_goal"), "libero_goal", "mine", world.tasks("libero_goal"), found, {})


def test_every_variant_plays_the_initial_states_that_there_are(world: LiberoWorld) -> None:
    found = report(world)
    assert [(row["task"], row["state"]) for row in found["outcomes"]["n1"]] == [
        (1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2),
    ]  # fmt: skip
    full = found["variants"]["full"]
    assert full["success"] == pytest.approx(4 / 6)
    assert full["median_duration_s"] == 2.0
    assert [(row["task"], row["episodes"], row["instruction"]) for row in full["tasks"]] == [
        (0, 3, "do the first thing"), (1, 3, "do the other thing"),
    ]  # fmt: skip
    low, high = full["ci95"]
    assert 0.0 < low < full["success"] < high < 1.0


def test_a_report_without_success_has_no_median(world: LiberoWorld) -> None:
    player: Any = Scripted(world)
    player.play = lambda state: replace(LiberoOutcome(0, state, False, 5.0), fault="fault: joint states stopped")
    found = play(world, "libero_goal", [0], 2, {"full": player})
    row = summarise(LiberoOptions("libero_goal"), "libero_goal", "mine", world.tasks("libero_goal"), found, {})
    assert row["variants"]["full"]["median_duration_s"] is None
    assert row["variants"]["full"]["faults"] == {"fault: joint states stopped": 2}


def test_the_plot_has_a_bar_for_each_task(world: LiberoWorld, tmp_path: Path) -> None:
    plot_tasks(report(world, 2), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(words in text for words in ("task 0", "task 1", "n1, 4 episodes", "libero_goal"))
