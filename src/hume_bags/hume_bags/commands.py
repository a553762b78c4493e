"""The command stream of a bag as policy actions at given times."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_bags.reader import BagMessage, BagReader
from hume_bags.topics import command_topics, resolved
from hume_core.angles import unwrapped
from hume_core.errors import ObservationError
from hume_core.robot import ArmControllerType, GripperControllerType, RobotProfile
from hume_ros.conversions import joint_values, stamp_seconds
from hume_ros.joint_state_merger import JointStateMerger


class Track:
    """Numbers over time, linear in between.

    Args:
        times: ascending (T,), s.
        values: (T, k).
        what: for errors.
        continuous: (k,) angles of continuous joints: they go the short way, in the turns of the number before.
    """

    def __init__(
        self,
        times: NDArray[np.float64],
        values: NDArray[np.float64],
        what: str,
        continuous: NDArray[np.bool_],
    ) -> None:
        order = np.argsort(times, kind="stable")
        self.times, self._what = times[order], what
        self._values = unwrapped(values[order], continuous)
        self._turns = self._values - values[order]

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (N, k) at times (N,).

        Raises:
            BagError: a time lies before the first number or after the last one.
        """
        if not len(self.times) or times[0] < self.times[0] or times[-1] > self.times[-1]:
            raise BagError(f"{self._what} do not cover the episode")
        between = np.stack([np.interp(times, self.times, column) for column in self._values.T], axis=1)
        return between - self._turns[np.searchsorted(self.times, times, side="right") - 1]


def commanded(reader: BagReader, profile: RobotProfile, namespace: str = "") -> Track:
    """What arm and gripper were commanded: absolute joint targets (rad), then the gripper in policy units.

    `Float64MultiArray` has no stamp, so a command counts from its arrival on.

    Raises:
        BagError: the topics are not recorded, or carry another robot's commands.
    """
    topics = command_topics(profile, namespace)
    missing = [topic for topic in topics if topic not in reader.topics or not reader.topics[topic].count]
    if missing:
        raise BagError(f"{reader.path} has no commands on '{missing[0]}'; --actions states takes measured positions")
    joints = profile.motion_limits().continuous
    arm = _track(reader, topics[0], profile.controllers.arm.type, list(profile.joint_names), joints)
    gripper = profile.gripper
    if gripper is None:
        return arm
    if len(topics) == 1:
        raise BagError(
            f"the gripper of robot '{profile.name}' takes an action, which bags do not hold; --actions states"
        )
    assert profile.controllers.gripper is not None
    finger = _track(reader, topics[1], profile.controllers.gripper.type, [gripper.joint], np.array([False]))
    inside = arm.times[(arm.times >= finger.times[0]) & (arm.times <= finger.times[-1])]
    return Track(
        inside,
        np.hstack([arm.at(inside), gripper_actions(profile, finger.at(inside))]),
        "commands",
        np.append(joints, False),
    )


def measured(reader: BagReader, profile: RobotProfile, namespace: str = "") -> Track:
    """Measured joint positions (rad), then the gripper in policy units.

    Raises:
        BagError: there are no usable joint states.
    """
    times, rows, problem = [], [], "none was recorded"
    joints = [*profile.joint_names, *([] if profile.gripper is None else [profile.gripper.joint])]
    merger = JointStateMerger(joints, profile.observation.max_age, extra=joints[len(profile.joints) :])
    for item in reader.messages([resolved(profile.joint_states, namespace)]):
        arrival = item.log_time_ns * 1e-9
        try:
            state = merger.add(item.message, arrival)
            if state is None:
                problem = merger.problem(arrival)
                continue
            rows.append(joint_values(state, joints))
            times.append(stamp_seconds(state.header.stamp))
        except ObservationError as error:
            problem = str(error)
    if not rows:
        raise BagError(f"{reader.path} has no usable joint states: {problem}")
    values = np.stack(rows)
    if profile.gripper is not None:
        values = np.hstack([values[:, :-1], gripper_actions(profile, values[:, -1:])])
    continuous = np.zeros(len(joints), dtype=bool)
    continuous[: len(profile.joints)] = profile.motion_limits().continuous
    return Track(np.array(times), values, "joint states", continuous)


def gripper_actions(profile: RobotProfile, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gripper positions, m or rad, in policy units. Same shape."""
    gripper = profile.gripper
    assert gripper is not None
    opening = (positions - gripper.closed) / (gripper.open - gripper.closed)
    return gripper.policy_closed + np.clip(opening, 0.0, 1.0) * (gripper.policy_open - gripper.policy_closed)


def _track(
    reader: BagReader,
    topic: str,
    kind: ArmControllerType | GripperControllerType,
    names: list[str],
    continuous: NDArray[np.bool_],
) -> Track:
    trajectory = kind.value == ArmControllerType.JOINT_TRAJECTORY.value
    times, rows = [], []
    for item in reader.messages([topic]):
        rows.append(_trajectory_target(item, names) if trajectory else _array(item, names))
        times.append(item.log_time_ns * 1e-9)
    return Track(np.array(times), np.stack(rows), f"commands on '{topic}'", continuous)


def _array(item: BagMessage, names: list[str]) -> NDArray[np.float64]:
    values = np.asarray(item.message.data, dtype=np.float64)
    if values.shape != (len(names),):
        raise BagError(f"'{item.topic}' carries {values.size} numbers; the robot profile has {len(names)}: {names}")
    return values


def _trajectory_target(item: BagMessage, names: list[str]) -> NDArray[np.float64]:
    """The last point of a trajectory."""
    message: Any = item.message
    place = {name: k for k, name in enumerate(message.joint_names)}
    missing = [name for name in names if name not in place]
    if missing or not message.points:
        raise BagError(f"'{item.topic}' does not command '{(missing or names)[0]}' but {list(message.joint_names)}")
    positions = message.points[-1].positions
    return np.array([positions[place[name]] for name in names], dtype=np.float64)
