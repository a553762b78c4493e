"""Limits files: tighter joint limits on top of a robot profile, for first runs and for work near people.

    scale: {velocity: 0.3, acceleration: 0.5}     # optional, factors above 0 and at most 1, for every joint
    joints:
      waist: {position: [-1.0, 1.0], velocity: 0.5}
    gripper: {speed: 0.02}                         # of every gripper

Units are those of the profile: rad, rad/s, rad/s^2, rad/s^3, and m/s for the gripper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hume_core.errors import ConfigError
from hume_core.robot import Joint, RobotProfile
from hume_core.texts import shortened, shown
from hume_core.yaml_file import read_yaml

_RATES = ("velocity", "acceleration", "jerk", "tracking")
_SECTIONS = ("scale", "joints", "gripper")


def tightened(profile: RobotProfile, path: str | Path) -> RobotProfile:
    """The profile under the limits of a file.

    Args:
        profile: the robot.
        path: limits file. Empty leaves the profile as it is.

    Raises:
        ConfigError: the file cannot be read, names something the robot lacks, or would loosen a limit.
    """
    if not str(path):
        return profile
    data = read_yaml(path, "limits file")
    try:
        return _apply(profile, data)
    except ConfigError as error:
        raise ConfigError(f"limits file '{path}': {error}") from error


def _apply(profile: RobotProfile, data: Any) -> RobotProfile:
    sections = _mapping("the file", {} if data is None else data, _SECTIONS)
    scale = _mapping("scale", sections.get("scale", {}), _RATES)
    joints = _mapping("joints", sections.get("joints", {}), profile.joint_names)
    arms = [
        arm.model_copy(
            update={"joints": tuple(_joint(joint, scale, joints.get(joint.name, {})) for joint in arm.joints)}
        )
        for arm in profile.arms
    ]
    grippers = list(profile.grippers)
    gripper = _mapping("gripper", sections.get("gripper", {}), ("speed",))
    if gripper:
        if not grippers:
            raise ConfigError(f"field 'gripper': robot '{profile.name}' has no gripper. Leave it out")
        slowest = min(each.speed for each in grippers)
        speed = _number("gripper.speed", gripper["speed"], slowest)
        grippers = [each.model_copy(update={"speed": speed}) for each in grippers]
    return profile.model_copy(update={"arms": tuple(arms), "grippers": tuple(grippers)})


def _joint(joint: Joint, scale: Mapping[str, Any], own: Any) -> Joint:
    where = f"joints.{joint.name}"
    own = _mapping(where, own, (*_RATES, "position"))
    fields = joint.model_dump()
    for name in _RATES:
        present = float(getattr(joint, name))
        wanted = _number(f"{where}.{name}", own.get(name, present), present)
        fields[name] = min(wanted, present * _number(f"scale.{name}", scale.get(name, 1.0), 1.0))
    if "position" in own:
        if joint.position is None:
            raise ConfigError(f"field '{where}.position': the joint is continuous. Leave position out")
        fields["position"] = _range(f"{where}.position", own["position"], joint.position)
        low, high = fields["position"]
        if not low <= joint.home <= high:
            raise ConfigError(
                f"field '{where}.position': the home pose {joint.home} is outside [{low}, {high}]. Widen it"
            )
    try:
        return Joint.model_validate(fields)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"the robot no longer fits: {message}") from error


def _mapping(where: str, value: Any, valid: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a mapping. Valid fields: {', '.join(valid)}")
    unknown = [shown(name) if not isinstance(name, str) else name for name in value if name not in valid]
    if unknown:
        raise ConfigError(f"field '{shortened(unknown[0])}' in {where} is unknown. Valid: {', '.join(valid)}")
    return value


def _number(where: str, value: Any, highest: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not 0.0 < value <= highest:
        raise ConfigError(
            f"field '{where}' is {shown(value)}. Valid: above 0, at most {highest:g}, since a limits file only tightens"
        )
    return float(value)


def _range(where: str, value: Any, present: tuple[float, float]) -> tuple[float, float]:
    low, high = present
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value)
    if not numbers or not low <= value[0] < value[1] <= high:
        raise ConfigError(
            f"field '{where}' is {shown(value)}. Valid: [lowest, highest] within [{low:g}, {high:g}], since a "
            "limits file only tightens"
        )
    return float(value[0]), float(value[1])
