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
from hume_bags.topics import controller_state, trajectory_action
from hume_bags.tracks import Array, LinearTrack, Track
from hume_core.errors import HumeError
from hume_core.texts import listed
from hume_ros.conversions import stamp_seconds

_FIELDS = ("positions", "velocities", "accelerations")


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
        BagError: the controller refused every one, or they are of another robot.
    """
    controller = TrajectoryController(continuous, f"commands on '{topic}'")
    goal, used, refused = b"", 0, ""
    for given in _given(reader, topic, clock):
        if given.trajectory is None:
            if given.goal == goal and goal:
                controller.stop(given.arrival)
            continue
        try:
            begin = None if used else resting(given.arrival)
            controller.take(given.arrival, _points(given, names, controller, begin), begin)
        except TrajectoryRefusedError as error:
            refused = f"'{given.source}': {error}"
            problems[refused] += 1
            continue
        goal, used = given.goal, used + 1
    if refused and not used:
        raise BagError(f"{reader.path} has no trajectory that is carried out. {refused}")
    return controller.track(clock.seconds(reader.end_ns)) if used else None


def reported_track(reader: BagReader, topic: str, names: Sequence[str], continuous: NDArray[np.bool_]) -> Track | None:
    """What the controller said that it commands: its state, or the feedback of its action. None without either."""
    state = controller_state(topic)
    # Before Humble the state had another name.
    for source in (state, state.replace("controller_state", "state"), f"{trajectory_action(topic)}/_action/feedback"):
        if not reader.has(source):
            continue
        times, rows = [], []
        for report in _reports(reader, source):
            point = getattr(report, "reference", None) or getattr(report, "desired", None)
            place = {name: k for k, name in enumerate(getattr(report, "joint_names", ()))}
            if point is not None and all(name in place and place[name] < len(point.positions) for name in names):
                rows.append([point.positions[place[name]] for name in names])
                times.append(stamp_seconds(report.header.stamp))
        if rows:
            return LinearTrack(np.array(times), np.array(rows, np.float64), f"commands in '{source}'", continuous)
    return None


def _reports(reader: BagReader, source: str) -> Iterator[Any]:
    """States of the controller, or feedback of its action. Both name their desired point in a field of their own."""
    for item in reader.messages([source]):
        try:
            message = item.message
        except BagError:  # distributions differ in the fields at its end
            continue
        yield message.feedback if source.endswith("/feedback") else message


def _given(reader: BagReader, topic: str, clock: RecordedClock) -> Iterator[_Given]:
    """Trajectories of the topic and of goals, and the endings of goals, by their arrival."""
    action = trajectory_action(topic)

    def sent() -> Iterator[_Given]:
        for item in reader.messages([topic]) if reader.has(topic) else ():
            yield _Given(clock.seconds(item.log_time_ns), item.message, b"", topic)

    def goals() -> Iterator[_Given]:
        for goal in accepted_goals(reader, action):
            yield _Given(clock.seconds(goal.time_ns), goal.goal.trajectory, goal.identity, action)

    def stops() -> Iterator[_Given]:
        for time_ns, identity in endings(reader, action):
            yield _Given(clock.seconds(time_ns), None, identity, action)

    return heapq.merge(sent(), goals(), stops(), key=lambda given: given.arrival)


def _points(given: _Given, names: Sequence[str], controller: TrajectoryController, resting: Array | None) -> Points:
    """The points in the order of `names`, due on the nodes' clock.

    Raises:
        TrajectoryRefusedError: the controller refuses it, or it is for other joints.
    """
    message = given.trajectory
    assert message is not None
    place = {name: k for k, name in enumerate(message.joint_names)}
    absent = [name for name in names if name not in place]
    if len(absent) == len(names):
        raise TrajectoryRefusedError(
            f"a trajectory does not command '{names[0]}' but {listed(message.joint_names) or 'nothing'}"
        )
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
    if not np.isfinite(states[0][:, columns]).all():
        raise TrajectoryRefusedError("a trajectory has positions that are not finite")
    if absent:
        _hold_others(states, columns, controller.state(given.arrival), resting, absent[0])
    return Points(times, states)


def _numbers(message: Any, field: str, places: Sequence[int]) -> Array:
    """(k, n) one field of all points. NaN where a point does not have it."""
    rows = [getattr(point, field) for point in message.points]
    size = len(message.joint_names)
    odd = [len(row) for row in rows if len(row) not in (size, 0 if field != "positions" else size)]
    if odd:
        raise TrajectoryRefusedError(f"a point has {odd[0]} {field} for {size} joints. Positions are needed")
    nothing = [np.nan] * size
    return np.array([row if len(row) else nothing for row in rows], dtype=np.float64)[:, places]


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
