"""Commands to a `joint_trajectory_controller` in a bag: trajectories on its topic, and goals of its action."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.action_goals import accepted_goals, endings
from hume_bags.errors import BagError
from hume_bags.executed_trajectory import Points, TrajectoryController
from hume_bags.reader import BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_bags.tracks import Array, LinearTrack, Track
from hume_core.errors import HumeError
from hume_core.texts import listed
from hume_ros.conversions import stamp_seconds

_FIELDS = ("positions", "velocities", "accelerations")
ACTION = "follow_joint_trajectory"


class TrajectoryRefusedError(HumeError):
    """A controller refuses this trajectory. Says why."""


@dataclass(frozen=True)
class _Given:
    """A trajectory that reached the controller. None: what ran was stopped.

    Attributes:
        arrival: s.
        trajectory: `JointTrajectory`.
        goal: id of the goal, empty for the topic.
        source: topic, for errors.
    """

    arrival: float
    trajectory: Any | None
    goal: bytes
    source: str


def action_of(topic: str) -> str:
    """Name of the action of the controller with this command topic."""
    return f"{topic.rpartition('/')[0]}/{ACTION}"


def trajectory_track(
    reader: BagReader,
    topic: str,
    names: Sequence[str],
    continuous: NDArray[np.bool_],
    clock: RecordedClock,
    resting: Callable[[float], Array | None],
    problems: Counter[str],
) -> Track | None:
    """What the controller commanded: see `TrajectoryController`. None where the bag has no trajectory for it.

    Args:
        reader: the bag.
        topic: on which the controller takes trajectories. Its action lies beside it.
        names: joints.
        continuous: (n,) joints that may turn without end.
        clock: of the nodes.
        resting: positions of the joints at a time, s, where the first trajectory begins. None: not known.
        problems: takes what the controller refused.

    Raises:
        BagError: the trajectories are of another robot.
    """
    controller = TrajectoryController(continuous, f"commands on '{topic}'")
    goal, used = b"", 0
    for given in _given(reader, topic, clock):
        if given.trajectory is None:
            if given.goal == goal and goal:
                controller.stop(given.arrival)
            continue
        try:
            begin = None if used else resting(given.arrival)
            controller.take(given.arrival, _points(given, names, controller, begin), begin)
        except TrajectoryRefusedError as error:
            problems[f"'{given.source}': {error}"] += 1
            continue
        goal, used = given.goal, used + 1
    return controller.track(clock.ros_time(reader.end_ns) * 1e-9) if used else None


def reported_track(reader: BagReader, topic: str, names: Sequence[str], continuous: NDArray[np.bool_]) -> Track | None:
    """What the controller said that it commands: its state, or the feedback of its action. None without either."""
    controller = topic.rpartition("/")[0]
    for source in (f"{controller}/controller_state", f"{controller}/state", f"{action_of(topic)}/_action/feedback"):
        if not reader.has(source):
            continue
        times, rows = [], []
        for item in reader.messages([source]):
            report = getattr(item.message, "feedback", item.message) if source.endswith("feedback") else item.message
            point = getattr(report, "reference", None) or getattr(report, "desired", None)
            place = {name: k for k, name in enumerate(getattr(report, "joint_names", ()))}
            if point is None or any(name not in place or place[name] >= len(point.positions) for name in names):
                continue
            rows.append([point.positions[place[name]] for name in names])
            times.append(stamp_seconds(report.header.stamp))
        if rows:
            return LinearTrack(np.array(times), np.array(rows, np.float64), f"commands in '{source}'", continuous)
    return None


def _given(reader: BagReader, topic: str, clock: RecordedClock) -> Iterator[_Given]:
    """Trajectories of the topic and of goals, and the endings of goals, by their arrival."""
    action = action_of(topic)

    def sent() -> Iterator[_Given]:
        for item in reader.messages([topic]) if reader.has(topic) else ():
            yield _Given(clock.ros_time(item.log_time_ns) * 1e-9, item.message, b"", topic)

    def goals() -> Iterator[_Given]:
        for goal in accepted_goals(reader, action):
            yield _Given(clock.ros_time(goal.time_ns) * 1e-9, goal.goal.trajectory, goal.identity, action)

    def stops() -> Iterator[_Given]:
        for time_ns, identity in endings(reader, action):
            yield _Given(clock.ros_time(time_ns) * 1e-9, None, identity, action)

    return heapq.merge(sent(), goals(), stops(), key=lambda given: given.arrival)


def _points(given: _Given, names: Sequence[str], controller: TrajectoryController, resting: Array | None) -> Points:
    """The points in the order of `names`, due on the nodes' clock.

    Raises:
        BagError: it names none of the joints.
        TrajectoryRefusedError: the controller refuses it.
    """
    message = given.trajectory
    assert message is not None
    place = {name: k for k, name in enumerate(message.joint_names)}
    absent = [name for name in names if name not in place]
    if len(absent) == len(names):
        raise BagError(f"'{given.source}' does not command '{names[0]}' but {listed(message.joint_names) or 'nothing'}")
    if not message.points:
        raise TrajectoryRefusedError("a trajectory without points does nothing")
    stamp = stamp_seconds(message.header.stamp)
    times = np.array([stamp_seconds(point.time_from_start) for point in message.points])
    times += stamp or given.arrival
    if (np.diff(times) <= 0.0).any():
        raise TrajectoryRefusedError("the points of a trajectory are not in the order of time_from_start")
    if stamp and times[-1] < given.arrival:
        raise TrajectoryRefusedError("a trajectory was over before it arrived")
    states = np.full((3, len(times), len(names)), np.nan)
    columns = [k for k, name in enumerate(names) if name in place]
    for field, rows in zip(_FIELDS, states, strict=True):
        rows[:, columns] = _numbers(message, field, [place[names[k]] for k in columns])
    if absent:
        _hold_others(states, columns, controller.state(given.arrival), resting, absent[0])
    return Points(times, states)


def _numbers(message: Any, field: str, places: Sequence[int]) -> Array:
    """(k, n) one field of all points. NaN where a point does not have it."""
    rows = []
    for point in message.points:
        values = getattr(point, field)
        if len(values) not in (0, len(message.joint_names)) or (field == "positions" and not len(values)):
            raise TrajectoryRefusedError(
                f"a point has {len(values)} {field} for {len(message.joint_names)} joints; positions are needed"
            )
        rows.append([values[place] for place in places] if len(values) else [np.nan] * len(places))
    return np.array(rows, dtype=np.float64)


def _hold_others(
    states: Array, columns: Sequence[int], commanded: Array | None, resting: Array | None, absent: str
) -> None:
    """Joints that a trajectory does not name stay where they are."""
    place = resting if commanded is None else commanded[0]
    if place is None:
        raise TrajectoryRefusedError(f"a trajectory does not name joint '{absent}', and nothing says where that is")
    others = [k for k in range(states.shape[2]) if k not in columns]
    states[0][:, others] = place[others]
    given = ~np.isnan(states[1:, :, columns[0]])
    states[1:][..., others] = np.where(given, 0.0, np.nan)[..., None]
