"""A bag as a `.rrd` file for the rerun viewer."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.recorded_robot import profile_for
from hume_bags.rerun_entities import RerunEntities, import_rerun
from hume_bags.rerun_layout import arrangement
from hume_core.errors import HumeError
from hume_core.robot import RobotProfile, known_profiles
from hume_core.tool_paths import ToolPaths, load_tool_paths

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


def export_rerun(reader: BagReader, file: Path, robot: str = "", namespace: str = "") -> int:
    """Write the file. What cannot be shown is said on standard error.

    Args:
        reader: the bag.
        file: to write.
        robot: profile. Empty: the one that the bag was recorded with.
        namespace: of the recorded topics.

    Returns:
        The number of messages in it.

    Raises:
        BagError: rerun is not installed, or the file cannot be written.
    """
    rerun = import_rerun()
    profile, tools, problem = recorded_tools(reader, robot)
    if problem:
        print(f"hume: paths of the tool are left out: {problem}", file=sys.stderr)
    recording = rerun.RecordingStream("hume")
    try:
        recording.save(str(file))
    except Exception as error:
        raise BagError(f"'{file}' cannot be written: {error}") from error
    entities = RerunEntities(rerun, recording, profile, tools, namespace)
    usable = {topic: info.type for topic, info in reader.topics.items() if not info.problem}
    wanted = [topic for topic, kind in usable.items() if entities.shows(kind)]
    cameras = [topic for topic in wanted if usable[topic] in _IMAGES]
    joints = [] if profile is None else profile.joint_names
    home = None if profile is None or tools is None else tools.at(np.array(profile.home))
    recording.send_blueprint(arrangement(rerun, cameras, joints, namespace, home))
    count, problems = 0, Counter[str]()
    for item in reader.messages(wanted):
        try:
            message = item.message
        except BagError:
            continue  # `hume inspect` counts what cannot be decoded
        try:
            entities.log(item.topic, item.type, message, item.log_time_ns * 1e-9)
        except HumeError as error:
            problems[f"{item.topic}: {error}"] += 1
        else:
            count += 1
    recording.flush()
    recording.disconnect()
    for text, number in problems.items():
        print(f"hume: {number} messages are left out: {text}", file=sys.stderr)
    return count


def recorded_tools(reader: BagReader, robot: str = "") -> tuple[RobotProfile | None, ToolPaths | None, str]:
    """The robot of a bag, its tool paths, and why there are none.

    Args:
        reader: the bag.
        robot: profile. Empty: the one that the bag was recorded with.
    """
    profile: RobotProfile | None = None
    try:
        profile = _with_its_urdf(profile_for(reader, robot))
        return profile, load_tool_paths(profile, **_policy(reader)), ""
    except HumeError as error:
        return profile, None, str(error)


def _with_its_urdf(profile: RobotProfile) -> RobotProfile:
    """A bag holds the text of a profile, but not the folder from which its URDF's path starts."""
    section = profile.tool_kinematics
    if section is None or section.urdf is None or Path(section.urdf).is_file() or profile.name not in known_profiles():
        return profile
    present = RobotProfile.load(profile.name).model_dump(mode="json").get("kinematics")
    return profile if present is None else profile.with_sections(kinematics=present)


def _policy(reader: BagReader) -> dict[str, Any]:
    """Checkpoint and contract of the recorded System 2, as far as they are still there."""
    noted = reader.provenance
    system2 = noted.get("parameters hume_system2") or {}
    found = {name: str(system2.get(name) or noted.get(name) or "") for name in ("checkpoint", "contract")}
    if not found["contract"] and not Path(found["checkpoint"]).is_dir():
        return {}
    return found
