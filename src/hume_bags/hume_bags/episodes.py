"""Where the episodes of a bag lie: goals by their epochs, or the simulator's scenes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hume_bags.reader import BagReader
from hume_core.epochs import ahead
from hume_ros.conversions import stamp_seconds

_EPOCHS = "hume/epoch"
_SCENES = "sim/episode"
_INSTRUCTION = "instruction: "
_SETTLE = 0.2
"""The scene's verdict may come this much later than the end of the goal, s."""


@dataclass(frozen=True)
class RecordedEpisode:
    """One attempt at an instruction.

    Attributes:
        instruction: in words.
        start, end: s on the clock that stamps the messages.
        reason: how it ended: done, canceled, timeout, ...
        success: whether the task was fulfilled. None where nothing says so.
        seed: of the simulated scene, or 0.
    """

    instruction: str
    start: float
    end: float
    reason: str
    success: bool | None = None
    seed: int = 0


def find_episodes(reader: BagReader, task: str = "") -> list[RecordedEpisode]:
    """The episodes of a bag in the order of time.

    Goals are found by the epochs that System 2 begins for them. Bags without any are cut at the simulated scenes, and
    are one episode where those are missing too and `task` names the instruction.

    Args:
        reader: the bag.
        task: instruction of a bag that has none. Where given, it also replaces recorded ones.
    """
    goals = _goals(reader)
    scenes = _messages(reader, _SCENES)
    episodes = [_judged(goal, scenes) for goal in goals] if goals else _from_scenes(scenes)
    if not episodes and task:
        episodes = [RecordedEpisode(task, reader.start_ns * 1e-9, reader.end_ns * 1e-9, "end of the recording")]
    return [replace(episode, instruction=task) for episode in episodes] if task else episodes


def _goals(reader: BagReader) -> list[RecordedEpisode]:
    episodes: list[RecordedEpisode] = []
    running: Any = None
    for epoch in _messages(reader, _EPOCHS):
        if running is not None and epoch.source == running.source and ahead(epoch.epoch, running.epoch) > 0:
            episodes.append(_goal(running, stamp_seconds(epoch.header.stamp), str(epoch.reason)))
            running = None
        if epoch.reason.startswith(_INSTRUCTION):
            running = epoch
    if running is not None:
        episodes.append(_goal(running, reader.end_ns * 1e-9, "end of the recording"))
    return episodes


def _goal(epoch: Any, end: float, reason: str) -> RecordedEpisode:
    what = "preempted" if reason.startswith(_INSTRUCTION) else reason
    success = True if what == "done" else None
    start = stamp_seconds(epoch.header.stamp)
    return RecordedEpisode(epoch.reason.removeprefix(_INSTRUCTION), start, end, what, success)


def _judged(goal: RecordedEpisode, scenes: list[Any]) -> RecordedEpisode:
    """A goal with the simulator's verdict, which counts more than System 2's own."""
    inside = [scene for scene in scenes if goal.start <= stamp_seconds(scene.header.stamp) <= goal.end + _SETTLE]
    if not inside:
        return goal
    return replace(goal, success=any(scene.success for scene in inside), seed=int(inside[-1].seed))


def _from_scenes(scenes: list[Any]) -> list[RecordedEpisode]:
    """One episode per scene. `elapsed` falls when a scene is set up again."""
    groups: list[list[Any]] = []
    for scene in scenes:
        previous = groups[-1][-1] if groups else None
        if previous is None or scene.seed != previous.seed or scene.elapsed < previous.elapsed:
            groups.append([])
        groups[-1].append(scene)
    return [
        RecordedEpisode(
            str(group[-1].instruction), stamp_seconds(group[0].header.stamp), stamp_seconds(group[-1].header.stamp),
            "end of the scene", any(scene.success for scene in group), int(group[-1].seed),
        )
        for group in groups
    ]  # fmt: skip


def _messages(reader: BagReader, name: str) -> list[Any]:
    """Messages of the topic with this name, in whatever namespace."""
    topics = [topic for topic, info in reader.topics.items() if topic.endswith(f"/{name}") and not info.problem]
    return [item.message for item in reader.messages(topics)] if topics else []
