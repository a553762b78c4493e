"""The command stream of a bag as policy actions at given times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.action_goals import accepted_goals
from hume_bags.errors import BagError
from hume_bags.reader import BagMessage, BagReader
from hume_bags.recorded_clock import RecordedClock
from hume_bags.topics import goal_events, resolved, trajectory_action
from hume_bags.tracks import HeldTrack, JoinedTrack, LinearTrack, Track
from hume_bags.trajectory_commands import reported_track, trajectory_track
from hume_core.errors import HumeError
from hume_core.robot import (
    ArmController,
    ArmControllerType,
    GripperController,
    GripperControllerType,
    RobotProfile,
)
from hume_core.texts import listed
from hume_ros.conversions import joint_values, stamp_seconds
from hume_ros.joint_state_merger import JointStateMerger

_TRAJECTORIES = (ArmControllerType.JOINT_TRAJECTORY, GripperControllerType.JOINT_TRAJECTORY)


class Commands:
    """Reads what arm and gripper were commanded.

    Args:
        reader: the bag.
        profile: the robot's.
        namespace: of the recorded topics.

    Attributes:
        problems: how many commands were of no use, by reason.
    """

    def __init__(self, reader: BagReader, profile: RobotProfile, namespace: str = "") -> None:
        self._reader, self._profile, self._namespace = reader, profile, namespace
        self._clock = RecordedClock.of(reader)
        self.problems: Counter[str] = Counter()

    def track(self) -> Track:
        """Absolute joint targets (rad), then the gripper in policy units.

        Raises:
            BagError: none are recorded, or those of another robot.
            RobotProfileError: the robot has several arms or grippers.
        """
        profile = self._profile
        arm = self._joints(list(profile.joint_names), profile.arm.controller, profile.motion_limits().continuous)
        if profile.gripper is None:
            return arm
        return _InPolicyUnits(JoinedTrack([arm, self._gripper()]), profile)

    def _gripper(self) -> Track:
        gripper = self._profile.gripper
        assert gripper is not None
        controller = gripper.controller
        if controller is None:
            raise BagError(
                f"robot '{self._profile.name}' has no controllers.gripper to take commands; --actions states"
            )
        if controller.type is GripperControllerType.GRIPPER_ACTION:
            return self._gripper_goals(resolved(controller.topic, self._namespace), gripper.joint)
        return self._joints([gripper.joint], controller, np.array([False]), len(self._profile.joints))

    def _joints(
        self,
        names: list[str],
        controller: ArmController | GripperController,
        continuous: NDArray[np.bool_],
        first: int = 0,
    ) -> Track:
        """Targets of some joints. `first` is their place among arm and gripper."""
        topic = resolved(controller.topic, self._namespace)
        if controller.type in _TRAJECTORIES:
            columns = slice(first, first + len(names))
            resting = self._resting(columns)
            track = trajectory_track(self._reader, topic, names, continuous, self._clock, resting, self.problems)
            track = track or reported_track(self._reader, topic, names, continuous)
            if track is None:
                raise BagError(self._none(topic, goal_events(trajectory_action(topic))))
            return track
        if not self._reader.has(topic):
            raise BagError(self._none(topic))
        times, rows = [], []
        for item in self._reader.messages([topic]):
            rows.append(_array(item, names))
            times.append(self._clock.seconds(item.log_time_ns))
        return LinearTrack(np.array(times), np.stack(rows), f"commands on '{topic}'", continuous)

    def _gripper_goals(self, action: str, joint: str) -> Track:
        times, rows = [], []
        for goal in accepted_goals(self._reader, action):
            command = goal.goal.command
            rows.append([_position_of(command, joint) if hasattr(command, "name") else float(command.position)])
            times.append(self._clock.seconds(goal.time_ns))
        if not times:
            raise BagError(self._none(goal_events(action)))
        end = self._clock.seconds(self._reader.end_ns)
        return HeldTrack(np.array(times), np.array(rows), end, f"goals of '{action}'")

    def _resting(self, columns: slice) -> Callable[[float], NDArray[np.float64] | None]:
        """Where joints were measured at a time. None where nothing says so."""

        def at(time: float) -> NDArray[np.float64] | None:
            track = self._measured
            known = track is not None and track.start <= time <= track.end
            return track.at(np.array([time]))[0, columns] if track is not None and known else None

        return at

    @cached_property
    def _measured(self) -> Track | None:
        try:
            return measured_positions(self._reader, self._profile, self._namespace)
        except BagError:
            return None

    def _none(self, *topics: str) -> str:
        """Why there are no commands."""
        reader = self._reader
        unreadable = [topic for topic in topics if topic in reader.topics and reader.topics[topic].problem]
        if unreadable:
            return f"commands on '{unreadable[0]}' cannot be read: {reader.topics[unreadable[0]].problem}"
        where = " or ".join(f"'{topic}'" for topic in topics)
        goals = " (goals of an action are recorded with service introspection only)" if len(topics) > 1 else ""
        return f"{reader.path} has no commands on {where}{goals}; --actions states takes measured positions"


class _InPolicyUnits:
    """Positions whose last one, the gripper's, becomes a policy action. See `Track`."""

    def __init__(self, track: Track, profile: RobotProfile) -> None:
        self._track, self._profile = track, profile
        self.start, self.end = track.start, track.end

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Track`."""
        positions = self._track.at(times)
        return np.hstack([positions[:, :-1], gripper_actions(self._profile, positions[:, -1:])])


def measured(reader: BagReader, profile: RobotProfile, namespace: str = "") -> Track:
    """Measured joint positions (rad), then the gripper in policy units.

    Raises:
        BagError: there are no usable joint states.
    """
    raw = measured_positions(reader, profile, namespace)
    return raw if profile.gripper is None else _InPolicyUnits(raw, profile)


def measured_positions(reader: BagReader, profile: RobotProfile, namespace: str = "") -> LinearTrack:
    """Measured positions of the arm's joints, then of the gripper's, rad or m.

    Raises:
        BagError: there are no usable joint states.
    """
    times, rows, problem = [], [], "none was recorded"
    joints = [*profile.joint_names, *([] if profile.gripper is None else [profile.gripper.joint])]
    merger = JointStateMerger(joints, profile.observation.max_age, extra=joints[len(profile.joints) :])
    topic = resolved(profile.joint_states, namespace)
    for item in reader.messages([topic]) if reader.has(topic) else ():
        arrival = item.log_time_ns * 1e-9
        try:
            state = merger.add(item.message, arrival)
            if state is None:
                problem = merger.problem(arrival)
                continue
            rows.append(joint_values(state, joints))
            times.append(stamp_seconds(state.header.stamp))
        except HumeError as error:
            problem = str(error)
    if not rows:
        raise BagError(f"{reader.path} has no usable joint states: {problem}")
    continuous = np.zeros(len(joints), dtype=bool)
    continuous[: len(profile.joints)] = profile.motion_limits().continuous
    return LinearTrack(np.array(times), np.stack(rows), "joint states", continuous)


def gripper_actions(profile: RobotProfile, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gripper positions, m or rad, in policy units. Same shape."""
    gripper = profile.gripper
    assert gripper is not None
    opening = (positions - gripper.closed) / (gripper.open - gripper.closed)
    return gripper.policy_closed + np.clip(opening, 0.0, 1.0) * (gripper.policy_open - gripper.policy_closed)


def _array(item: BagMessage, names: list[str]) -> NDArray[np.float64]:
    values = np.asarray(item.message.data, dtype=np.float64)
    if values.shape != (len(names),):
        raise BagError(f"'{item.topic}' carries {values.size} numbers. The robot profile has {len(names)}: {names}")
    return values


def _position_of(command: Any, joint: str) -> float:
    """Of a joint in the `JointState` that is a command."""
    place = list(command.name).index(joint) if joint in command.name else 0
    if place >= len(command.position):
        raise BagError(f"a goal of the gripper says no position of '{joint}'. It has: {listed(command.name) or 'none'}")
    return float(command.position[place])
