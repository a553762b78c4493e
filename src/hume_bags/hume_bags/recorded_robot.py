"""The robot profile that a bag was recorded with."""

from __future__ import annotations

from pydantic import ValidationError

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_core.yaml_file import parse_yaml


def recorded_profile(reader: BagReader) -> RobotProfile | None:
    """The profile in a bag's provenance. None in bags of other recorders.

    Raises:
        BagError: there is one, but this version cannot read it.
    """
    text = reader.provenance.get("profile")
    if text is None:
        return None
    try:
        return RobotProfile.model_validate(parse_yaml(str(text), "the recorded profile"))
    except (ValidationError, ConfigError) as error:
        raise BagError(f"{reader.path} holds a robot profile that cannot be read. Name one with --robot") from error


def profile_for(reader: BagReader, robot: str = "") -> RobotProfile:
    """The named profile with the recorded prefix, or the one that the bag was recorded with.

    Raises:
        BagError: neither is there.
        RobotProfileError: unknown robot.
    """
    if robot:
        noted = reader.provenance
        return RobotProfile.load(robot, str(noted.get("prefix") or ""), bool(noted.get("prefix_controllers", True)))
    profile = recorded_profile(reader)
    if profile is None:
        raise BagError(f"{reader.path} does not say which robot it is of. Name its profile with --robot")
    return profile
