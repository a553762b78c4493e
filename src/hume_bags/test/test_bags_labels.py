"""Who says how an episode ended: the operator, the scene that judged this very instruction, or nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
pytest.importorskip("hume_msgs.msg", reason="needs the built workspace (hume_msgs)")

from hume_msgs.msg import EpisodeState, Epoch
from std_msgs.msg import String

from hume_bags.episodes import RecordedEpisode, find_episodes
from hume_bags.reader import BagReader
from hume_bags.writer import BagWriter
from hume_ros import qos
from hume_ros.conversions import set_stamp

START = 100.0
SECOND = 1_000_000_000
RED, BLUE, WAVE = "lift the red cube", "lift the blue cube", "wave at the people"


class Recording:
    """A bag of epochs, verdicts of a scene, and labels; `late` is how far the recorder's clock is ahead, s."""

    def __init__(self, folder: Path, late: float = 0.0, namespace: str = "") -> None:
        self.folder, self.late, self.prefix = folder, late, f"/{namespace}" if namespace else ""
        self.writer = BagWriter(folder, {})
        self.epochs = 0
        for topic, kind in (
            ("/hume/epoch", "hume_msgs/msg/Epoch"), ("/sim/episode", "hume_msgs/msg/EpisodeState"),
            ("/hume/label", "std_msgs/msg/String"),
        ):  # fmt: skip
            self.writer.add_topic(self.prefix + topic, kind, [qos.STATUS])

    def _write(self, topic: str, message: Any, time: float) -> None:
        self.writer.write_message(self.prefix + topic, message, round((START + time + self.late) * SECOND))

    def epoch(self, reason: str, time: float) -> None:
        self.epochs += 1
        message = Epoch(epoch=self.epochs, source="/hume_system2", reason=reason)
        set_stamp(message.header.stamp, START + time)
        self._write("/hume/epoch", message, time)

    def goal(self, instruction: str, begin: float, end: float, reason: str = "canceled") -> None:
        self.epoch(f"instruction: {instruction}", begin)
        self.epoch(reason, end)

    def verdict(self, instruction: str, success: bool, time: float, elapsed: float = 0.0) -> None:
        message = EpisodeState(seed=5, instruction=instruction, success=success, elapsed=elapsed or time)
        set_stamp(message.header.stamp, START + time)
        self._write("/sim/episode", message, time)

    def label(self, label: str, time: float) -> None:
        self._write("/hume/label", String(data=label), time)

    def episodes(self) -> list[RecordedEpisode]:
        self.writer.close()
        return find_episodes(BagReader(self.folder))


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path / "bag")


@pytest.mark.parametrize(
    ("asked", "judged", "fulfilled", "expected"),
    [
        (RED, RED, True, True),
        (RED, RED, False, False),
        (RED, BLUE, False, None),
        (RED, BLUE, True, None),
        (WAVE, RED, False, None),
        (WAVE, "", True, None),
    ],
)
def test_a_verdict_counts_only_for_its_own_instruction(
    recording: Recording, asked: str, judged: str, fulfilled: bool, expected: bool | None
) -> None:
    recording.goal(asked, 1.0, 3.0)
    for k in range(4):
        recording.verdict(judged, fulfilled, 1.2 + 0.5 * k)
    assert [episode.success for episode in recording.episodes()] == [expected]


def test_a_scene_that_begins_to_judge_the_goal_late_counts_from_then_on(recording: Recording) -> None:
    recording.epoch(f"instruction: {RED}", 1.0)
    recording.verdict(BLUE, True, 1.1)
    recording.verdict(RED, False, 1.2)
    recording.epoch("timeout", 3.0)
    assert [episode.success for episode in recording.episodes()] == [False]


def test_what_system_2_says_stands_where_the_scene_judged_something_else(recording: Recording) -> None:
    recording.goal(RED, 1.0, 3.0, reason="done")
    recording.verdict(BLUE, False, 2.0)
    assert [episode.success for episode in recording.episodes()] == [True]


def test_a_scene_that_changes_its_instruction_begins_another_episode(recording: Recording) -> None:
    recording.verdict(RED, False, 1.0)
    recording.verdict(RED, True, 2.0)
    recording.verdict(BLUE, False, 3.0)
    found = [(episode.instruction, episode.success) for episode in recording.episodes()]
    assert found == [(RED, True), (BLUE, False)]


@pytest.mark.parametrize(("label", "success"), [("success", True), ("failure", False), ("discard", None)])
@pytest.mark.parametrize("verdict", [True, False])
def test_the_operator_has_the_last_word(recording: Recording, label: str, success: bool | None, verdict: bool) -> None:
    recording.goal(RED, 1.0, 3.0)
    recording.verdict(RED, verdict, 2.0)
    recording.label(label, 3.5)
    (episode,) = recording.episodes()
    assert (episode.label, episode.success, episode.discarded) == (label, success, label == "discard")


def test_a_label_is_about_the_newest_task_and_the_last_label_counts(recording: Recording) -> None:
    recording.label("success", 0.5)  # before any task: about nothing
    recording.goal(RED, 1.0, 2.0)
    recording.label("success", 2.5)
    recording.goal(BLUE, 3.0, 4.0)
    recording.label("failure", 3.5)  # while it runs
    recording.label("success", 4.5)
    recording.goal(WAVE, 5.0, 6.0)
    recording.label("no such word", 6.5)
    assert [(episode.label, episode.success) for episode in recording.episodes()] == [
        ("success", True),
        ("success", True),
        ("", None),
    ]


def test_labels_find_their_task_whatever_the_clock_of_the_recorder_and_the_namespace(tmp_path: Path) -> None:
    """A recorder on the system's clock beside nodes on simulated time."""
    recording = Recording(tmp_path / "bag", late=1e6, namespace="left")
    recording.goal(RED, 1.0, 2.0)
    recording.goal(BLUE, 3.0, 4.0)
    recording.label("failure", 4.5)
    assert [episode.success for episode in recording.episodes()] == [None, False]
