"""Where the episodes of a bag lie, and how they ended: goals by their epochs, or the simulator's scenes.

Who says how an episode ended, the strongest first: the operator's label, the simulator where it judged the very
instruction, System 2 by `done`. Where none of them says anything it is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hume_bags.reader import BagMessage, BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_core import labels
from hume_core.epochs import ahead, instruction_of
from hume_core.labels import Label
from hume_ros.conversions import stamp_seconds

_EPOCHS = "hume/epoch"
_SCENES = "sim/episode"
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
        label: what the operator said. Empty: nothing.
        begun_ns: when the recorder heard of it, ns on the recorder's clock.
    """

    instruction: str
    start: float
    end: float
    reason: str
    success: bool | None = None
    seed: int = 0
    label: str = ""
    begun_ns: int = 0

    @property
    def discarded(self) -> bool:
        """The operator wants it left out of datasets."""
        return self.label == Label.DISCARD.value


def find_episodes(reader: BagReader, task: str = "") -> list[RecordedEpisode]:
    """The episodes of a bag in the order of time.

    Goals are found by the epochs that System 2 begins for them. Bags without any are cut at the simulated scenes, and
    are one episode where those are missing too and `task` names the instruction.

    Args:
        reader: the bag.
        task: instruction of a bag that has none. Where given, it also replaces recorded ones.
    """
    clock = RecordedClock.of(reader)
    start, end = clock.seconds(reader.start_ns), clock.seconds(reader.end_ns)
    goals = _goals(reader, end)
    scenes = _messages(reader, _SCENES)
    episodes = [_judged(goal, [item.message for item in scenes]) for goal in goals] if goals else _from_scenes(scenes)
    if not episodes and task:
        episodes = [RecordedEpisode(task, start, end, "end of the recording", begun_ns=reader.start_ns)]
    episodes = _labelled(episodes, _messages(reader, labels.TOPIC))
    return [replace(episode, instruction=task) for episode in episodes] if task else episodes


def _goals(reader: BagReader, end: float) -> list[RecordedEpisode]:
    episodes: list[RecordedEpisode] = []
    running: BagMessage | None = None
    for item in _messages(reader, _EPOCHS):
        epoch = item.message
        if running is not None and _follows(epoch, running.message):
            episodes.append(_goal(running, stamp_seconds(epoch.header.stamp), str(epoch.reason)))
            running = None
        if instruction_of(epoch.reason):
            running = item
    if running is not None:
        episodes.append(_goal(running, end, "end of the recording"))
    return episodes


def _follows(epoch: Any, running: Any) -> bool:
    return bool(epoch.source == running.source and ahead(epoch.epoch, running.epoch) > 0)


def _goal(begin: BagMessage, end: float, reason: str) -> RecordedEpisode:
    what = "preempted" if instruction_of(reason) else reason
    success = True if what == "done" else None
    epoch = begin.message
    start = stamp_seconds(epoch.header.stamp)
    return RecordedEpisode(instruction_of(epoch.reason), start, end, what, success, begun_ns=begin.log_time_ns)


def _judged(goal: RecordedEpisode, scenes: list[Any]) -> RecordedEpisode:
    """A goal with the simulator's verdict on its instruction, which counts more than System 2's own."""
    inside = [scene for scene in scenes if goal.start <= stamp_seconds(scene.header.stamp) <= goal.end + _SETTLE]
    if not inside:
        return goal
    # A verdict on another instruction says nothing of this one.
    about = [scene for scene in inside if scene.instruction.strip() == goal.instruction.strip()]
    success = any(scene.success for scene in about) if about else goal.success
    return replace(goal, success=success, seed=int(inside[-1].seed))


def _labelled(episodes: list[RecordedEpisode], items: list[BagMessage]) -> list[RecordedEpisode]:
    """Episodes with the operator's labels: each is about the newest episode begun before it, and the last counts."""
    marked = list(episodes)
    known = {label.value for label in Label}
    for item in items:
        label = str(item.message.data).strip()
        begun = [k for k, episode in enumerate(marked) if episode.begun_ns <= item.log_time_ns]
        if label not in known or not begun:
            continue
        success = None if label == Label.DISCARD.value else label == Label.SUCCESS.value
        newest = max(begun, key=lambda k: marked[k].begun_ns)
        marked[newest] = replace(marked[newest], label=label, success=success)
    return marked


def _from_scenes(scenes: list[BagMessage]) -> list[RecordedEpisode]:
    """One episode per scene and instruction. `elapsed` falls when a scene is set up anew."""
    groups: list[list[BagMessage]] = []
    for item in scenes:
        if not groups or _begins(item.message, groups[-1][-1].message):
            groups.append([])
        groups[-1].append(item)
    return [_scene(group) for group in groups]


def _begins(scene: Any, previous: Any) -> bool:
    same = (scene.seed, scene.instruction) == (previous.seed, previous.instruction)
    return not same or bool(scene.elapsed < previous.elapsed)


def _scene(group: list[BagMessage]) -> RecordedEpisode:
    first, last = group[0].message, group[-1].message
    return RecordedEpisode(
        str(last.instruction), stamp_seconds(first.header.stamp), stamp_seconds(last.header.stamp),
        "end of the scene", any(item.message.success for item in group), int(last.seed),
        begun_ns=group[0].log_time_ns,
    )  # fmt: skip


def _messages(reader: BagReader, name: str) -> list[BagMessage]:
    """Messages of the topic with this name, in whatever namespace."""
    topics = [topic for topic, info in reader.topics.items() if topic.endswith(f"/{name}") and not info.problem]
    return list(reader.messages(topics)) if topics else []
