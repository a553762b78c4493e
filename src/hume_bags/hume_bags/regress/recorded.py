"""The commands in a bag itself, as what a run is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.regress.compare import Comparison
from hume_bags.regress.compare_commands import largest_of
from hume_bags.regress.findings import Difference, LargestDifference, seconds
from hume_bags.regress.stream import CommandStream
from hume_bags.topics import command_topics
from hume_core.robot import RobotProfile


@dataclass(frozen=True)
class RecordedStream:
    """What was sent to one controller.

    Attributes:
        topic: of the controller.
        times: (k,) ns, arrival at the recorder.
        values: (k, n) positions, rad or m. Of a trajectory its first point.
    """

    topic: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]


def recorded_commands(bag: BagReader, profile: RobotProfile, namespace: str = "") -> list[RecordedStream]:
    """The commands to the arm and, where they go over a topic, to the gripper.

    Raises:
        BagError: the bag has no commands.
    """
    topics = command_topics(profile, namespace)
    if topics[0] not in bag.topics or not bag.topics[topics[0]].count:
        raise BagError(f"{bag.path} has no commands on '{topics[0]}' to compare with. Record them, or name a file")
    return [_read(bag, topic, profile) for topic in topics if topic in bag.topics and bag.topics[topic].count]


def _read(bag: BagReader, topic: str, profile: RobotProfile) -> RecordedStream:
    times, rows = [], []
    for item in bag.messages([topic]):
        message = item.message
        rows.append(message.points[0].positions if hasattr(message, "points") else message.data)
        times.append(item.log_time_ns)
    try:
        return RecordedStream(topic, np.array(times, np.int64), np.array(rows, np.float64))
    except ValueError as error:
        raise BagError(f"commands on '{topic}' of {bag.path} have different lengths") from error


def last_time(streams: list[RecordedStream]) -> int:
    """Of the newest command, ns."""
    return max(int(stream.times[-1]) for stream in streams)


def compare_recorded(
    streams: list[RecordedStream], run: CommandStream, start: int, profile: RobotProfile
) -> Comparison:
    """Compare a run with what was recorded.

    Args:
        streams: of the bag.
        run: what came out.
        start: of the run, ns. Its times count from there.
        profile: says how commands were sent.
    """
    sent = run.commands[run.commands["published"] > 0]
    columns = [sent["position"], sent["gripper"][:, None]]
    names = [[f"joint '{name}'" for name in run.joints], ["the gripper"]]
    findings: list[Difference] = []
    largest: list[LargestDifference | None] = []
    for stream, values, named, unit in zip(streams, columns, names, ("rad", "m"), strict=False):
        known = ~np.isnan(values).any(axis=1)
        times, values = sent["time"][known] + start, values[known]
        findings += _compare(stream, times, values)
        if len(times) and stream.values.shape[1] == values.shape[1]:
            nearest = values[_nearest(times, stream.times)]
            largest.append(largest_of(named, unit, stream.times - start, stream.values, nearest))
    notes = []
    if profile.plays_trajectories:
        notes.append("of trajectories the first point is compared")
    found = next((item for item in largest if item is not None), None)
    return Comparison(identical=not findings, exact=True, findings=findings, notes=notes, largest=found)


def _compare(stream: RecordedStream, times: NDArray[np.int64], values: NDArray[np.float64]) -> Iterator[Difference]:
    """What differs, where the bytes do."""
    same = np.array_equal(stream.times, times) and stream.values.tobytes() == values.tobytes()
    if same:
        return
    part = f"commands on '{stream.topic}'"
    if not len(times) or stream.values.shape[1] != values.shape[1]:
        yield Difference(part, f"recorded {stream.values.shape}, now {values.shape}")
        return
    if len(times) != len(stream.times):
        yield Difference(part, f"{len(stream.times)} recorded, {len(times)} now")
    nearest = _nearest(times, stream.times)
    apart = np.abs(times[nearest] - stream.times)
    error = np.abs(values[nearest] - stream.values).max(axis=1)
    worst = int(error.argmax())
    begin = int(stream.times[0])
    yield Difference(
        part,
        f"{int((error > 0.0).sum())} of {len(error)} differ from the nearest one now, by {np.median(error):.3g} in the "
        f"median and {error[worst]:.3g} at most, {seconds(int(stream.times[worst]) - begin)} after the first",
    )
    if apart.any():
        yield Difference(part, f"times are up to {apart.max() * 1e-6:.3f} ms apart")


def _nearest(times: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index into times (ascending) of the one nearest to each wanted time."""
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    return np.where(wanted - times[before] <= times[after] - wanted, before, after)
