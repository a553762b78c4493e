"""`hume inspect`: what a bag holds, how well it fits together, and what cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.episodes import RecordedEpisode, find_episodes
from hume_bags.errors import BagError
from hume_bags.observations import BagObservations
from hume_bags.reader import BagMessage, BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_bags.recorded_robot import profile_for
from hume_bags.topics import recorded_namespace, resolved
from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_core.texts import listed, shortened
from hume_ros.conversions import image_to_rgb, stamp_seconds
from hume_ros.image_encodings import is_depth

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


@dataclass
class TopicFigures:
    """One topic. Times in s.

    Attributes:
        type, count: as recorded.
        rate: messages per second between the first and the last.
        longest_gap, gap_at: longest silence, and how far into the bag it begins.
        age_median, age_highest: arrival minus stamp. None without stamps.
        unsorted_stamps: messages whose stamp is earlier than the one before.
        unstamped: messages with a header whose stamp is zero.
        undecodable: messages that do not fit their type or have unusable content.
        image_sizes: width x height and encoding of images, each once.
        joints: names in joint states, in their order, each set once.
        problem: why it cannot be read. Empty where it can.
    """

    type: str
    count: int
    rate: float = 0.0
    longest_gap: float = 0.0
    gap_at: float = 0.0
    age_median: float | None = None
    age_highest: float | None = None
    unsorted_stamps: int = 0
    unstamped: int = 0
    undecodable: int = 0
    image_sizes: list[str] = field(default_factory=list)
    joints: list[list[str]] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class SyncFigures:
    """How cameras and joint states match, by the code that matches them live.

    Attributes:
        sets: matched sets. rate: per second.
        spread_median, spread_highest: newest minus oldest stamp in a set, s.
        age_median, age_highest: arrival of the last part minus the oldest stamp, s.
        unmatched: share of images that are in no set, by camera.
    """

    sets: int
    rate: float
    spread_median: float
    spread_highest: float
    age_median: float
    age_highest: float
    unmatched: dict[str, float]


@dataclass(frozen=True)
class Unusable:
    """A part of the bag, s from its start, and why it cannot be used."""

    start: float
    end: float
    reason: str


@dataclass
class Inspection:
    """Everything that `inspect_bag` finds. Times in s, on the clock of the stamps where that was recorded."""

    bag: str
    start: float
    duration: float
    provenance: dict[str, Any]
    topics: dict[str, TopicFigures]
    episodes: list[RecordedEpisode]
    robot: str = ""
    namespace: str = ""
    sync: SyncFigures | None = None
    unusable: list[Unusable] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def inspect_bag(reader: BagReader, robot: str = "", namespace: str | None = None) -> Inspection:
    """Read a whole bag.

    Args:
        reader: the bag.
        robot: profile to hold it against. Empty takes the one it was recorded with.
        namespace: of the recorded topics. None: see `recorded_namespace`.
    """
    clock = RecordedClock.of(reader)
    start = clock.seconds(reader.start_ns)
    result = Inspection(
        bag=str(reader.path),
        start=start,
        duration=clock.seconds(reader.end_ns) - start,
        provenance=reader.provenance,
        topics=_topics(reader, clock),
        episodes=find_episodes(reader),
    )
    try:
        profile = profile_for(reader, robot)
        result.robot = profile.name
        result.namespace = recorded_namespace(reader.recorded, profile, namespace)
        _check_joints(result, profile)
        _check_sync(result, reader, profile)
    except HumeError as error:
        result.problems.append(str(error))
        result.unusable.append(Unusable(0.0, result.duration, str(error)))
    result.problems = reader.problems + _doubled_joints(result.topics) + result.problems
    return result


def _topics(reader: BagReader, clock: RecordedClock) -> dict[str, TopicFigures]:
    """Figures of every topic, in one pass."""
    collected: dict[str, _Collector] = {
        topic: _Collector(TopicFigures(info.type, info.count, problem=info.problem), clock)
        for topic, info in reader.topics.items()
    }
    for item in reader.messages():
        collected[item.topic].add(item)
    begin = clock.ros_time(reader.start_ns)
    return {topic: collector.finish(begin) for topic, collector in collected.items()}


class _Collector:
    """Gathers the figures of one topic."""

    def __init__(self, figures: TopicFigures, clock: RecordedClock) -> None:
        self._figures, self._clock = figures, clock
        self._arrivals: list[int] = []
        self._ages: list[float] = []
        self._newest = float("-inf")

    def add(self, item: BagMessage) -> None:
        """Take a message into account."""
        arrival = self._clock.ros_time(item.log_time_ns)
        self._arrivals.append(arrival)
        try:
            message = item.message
            self._add_content(message)
        except HumeError:
            self._figures.undecodable += 1
            return
        header = getattr(message, "header", None)
        stamp = 0.0 if header is None else stamp_seconds(header.stamp)
        if stamp > 0:
            self._ages.append(arrival * 1e-9 - stamp)
            self._figures.unsorted_stamps += stamp < self._newest
            self._newest = max(self._newest, stamp)
        elif header is not None:
            self._figures.unstamped += 1

    def _add_content(self, message: Any) -> None:
        figures = self._figures
        if figures.type in _IMAGES:
            _note(figures.image_sizes, _image(message))
        elif figures.type == "sensor_msgs/msg/JointState":
            _note(figures.joints, list(message.name))

    def finish(self, start_ns: int) -> TopicFigures:
        """The figures."""
        figures = self._figures
        gaps = np.diff(self._arrivals) * 1e-9
        if len(gaps):
            figures.rate = float(len(gaps) / max(gaps.sum(), 1e-9))
            worst = int(gaps.argmax())
            figures.longest_gap = float(gaps[worst])
            figures.gap_at = (self._arrivals[worst] - start_ns) * 1e-9
        if self._ages:
            figures.age_median, figures.age_highest = float(np.median(self._ages)), float(max(self._ages))
        return figures


def _image(message: Any) -> str:
    """Size and encoding of an image.

    Raises:
        ObservationError: it cannot be decoded.
    """
    kind = shortened(str(getattr(message, "encoding", None) or message.format), 60)
    if is_depth(kind):  # no picture, and recorded as it is
        size = f"{message.width}x{message.height} " if hasattr(message, "width") else ""
        return f"{size}{kind} (depth)"
    height, width = image_to_rgb(message).shape[:2]
    return f"{width}x{height} {kind}"


def _note(seen: list[Any], value: Any) -> None:
    if value not in seen:
        seen.append(value)


def _doubled_joints(topics: Mapping[str, TopicFigures]) -> list[str]:
    """Joint states that hold several numbers for a joint."""
    doubled = [
        (topic, name, names.count(name))
        for topic, figures in topics.items()
        for names in figures.joints
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    return [f"'{topic}' names joint '{name}' {count} times in one message" for topic, name, count in doubled]


def _check_joints(result: Inspection, profile: RobotProfile) -> None:
    topic = resolved(profile.joint_states, result.namespace)
    figures = result.topics.get(topic)
    if figures is None or not figures.joints:
        return
    # Several drivers may share the topic, with some of the joints each.
    names = list(dict.fromkeys(name for layout in figures.joints for name in layout))
    missing = [name for name in profile.joint_names if name not in names]
    if missing:
        result.problems.append(
            f"'{topic}' has no joint '{missing[0]}' of robot '{profile.name}'. It has: {listed(names) or 'none'}"
        )


def _check_sync(result: Inspection, reader: BagReader, profile: RobotProfile) -> None:
    """Match observations as it is done live, and find the times without a fresh one."""
    observations = BagObservations(reader, profile, namespace=result.namespace)
    stamps, arrivals = [], []
    for item in observations.frames():
        stamps.append(item.stamps)
        arrivals.append(item.arrival)
    result.problems += [f"{count} times: {what}" for what, count in observations.problems.items()]
    if not stamps:
        [(why, _)] = observations.problems.most_common(1) or [("", 0)]
        apart = f"cameras and joint states never match within {profile.observation.slop} s. Compare their topics' ages"
        raise BagError(why or apart)
    parts = np.array(stamps)
    spread, ages = np.ptp(parts, axis=1), np.array(arrivals) - parts.min(axis=1)
    result.sync = SyncFigures(
        sets=len(parts),
        rate=float((len(parts) - 1) / max(arrivals[-1] - arrivals[0], 1e-9)),
        spread_median=float(np.median(spread)),
        spread_highest=float(spread.max()),
        age_median=float(np.median(ages)),
        age_highest=float(ages.max()),
        unmatched={
            key: 1.0 - len(parts) / max(1, reader.topics[observations.topics[key]].count) for key in profile.cameras
        },
    )
    result.unusable += _stale_parts(result, parts.min(axis=1), arrivals, profile)


def _stale_parts(
    result: Inspection, stamps: NDArray[np.float64], arrivals: Sequence[float], profile: RobotProfile
) -> list[Unusable]:
    """Times at which the newest set that had arrived was older than the profile allows."""
    limit = profile.observation.max_age
    why = f"no observation younger than {limit} s (observation.max_age)"
    parts, fresh_until = [], result.start
    for stamp, arrival in zip(stamps, arrivals, strict=True):
        if arrival > fresh_until:
            parts.append((fresh_until, arrival))
        fresh_until = max(fresh_until, stamp + limit)
    end = result.start + result.duration
    if end > fresh_until:
        parts.append((fresh_until, end))
    return [
        Unusable(float(first - result.start), float(last - result.start), _cause(result, first, last) or why)
        for first, last in parts
    ]


def _cause(result: Inspection, first: float, last: float) -> str:
    """The topic whose longest silence covers a stale part, if one does."""
    for topic, figures in result.topics.items():
        begin = result.start + figures.gap_at
        covers = begin <= first + 1e-6 and begin + figures.longest_gap >= last - 1e-6
        if covers and (figures.image_sizes or figures.joints) and last - first > 0:
            return f"'{topic}' is silent for {figures.longest_gap:.2f} s"
    return ""
