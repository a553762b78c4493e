"""What the columns of an exported dataset are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from hume_bags.errors import BagError
from hume_core.action_spaces import AngleUnit
from hume_core.robot import RobotProfile
from hume_core.state.kinds import GripperForm
from hume_core.state.parts import GripperPart, JointPart, StatePart
from hume_training.data.layout import ACTION, IMAGE_PREFIX, STATE, Feature, camera_feature


def frame_rate(profile: RobotProfile) -> int:
    """Rows per second of a robot's action grid.

    Raises:
        BagError: it is no whole number.
    """
    rate = 1.0 / profile.action.dt
    if abs(rate - round(rate)) > 1e-6:
        raise BagError(f"action.dt is {profile.action.dt} s. LeRobot datasets want a whole number of steps per second")
    return round(rate)


def dataset_features(
    profile: RobotProfile, columns: Mapping[str, NDArray[Any]], flags: Sequence[str], images: bool
) -> dict[str, Feature]:
    """Columns of the dataset.

    Args:
        profile: of the robot.
        columns: of an episode, by key. Pictures are (T, height, width, 3).
        flags: keys of the columns that are one bool.
        images: store PNG images instead of videos.

    Raises:
        BagError: the rate is no whole number.
        RobotProfileError: the robot has several arms or grippers.
    """
    state = state_names(profile)
    action = (*profile.arm.joint_names, *(() if profile.gripper is None else ("gripper",)))
    features = {
        key: camera_feature(values.shape[1], values.shape[2], frame_rate(profile), images)
        for key, values in columns.items()
        if key.startswith(IMAGE_PREFIX)
    }
    features[STATE] = Feature("float32", (len(state),), state)
    features[ACTION] = Feature("float32", (len(action),), action)
    return {**features, **{key: Feature("bool", (1,)) for key in flags}}


def state_names(profile: RobotProfile) -> tuple[str, ...]:
    """Names of a state's numbers, with an ending where they are not in m or rad. Trainings read that."""
    joints, grippers = profile.joint_names, profile.gripper_names
    return tuple(f"{name}{_unit(part)}" for part in profile.state for name in part.names(joints, grippers))


def _unit(part: StatePart) -> str:
    if isinstance(part, JointPart) and part.unit is AngleUnit.DEG:
        return "_deg"
    plain = (GripperForm.POSITION, GripperForm.FINGERS)
    return f"_{part.form.value}" if isinstance(part, GripperPart) and part.form not in plain else ""
