"""Robot descriptions (URDF): finding the text."""

from __future__ import annotations

import os
from pathlib import Path

from hume_core.errors import KinematicsError

_PACKAGE = "package://"


def read_urdf(location: str) -> str:
    """The text of a URDF file.

    Args:
        location: a path, or `package://NAME/path/inside/share`.

    Raises:
        KinematicsError: there is no such file or package, or it is a xacro file.
    """
    path = _package_path(location) if location.startswith(_PACKAGE) else Path(location).expanduser()
    if path.suffix == ".xacro":
        raise KinematicsError(f"{path} is a xacro file. Expand it first: xacro {path.name} > robot.urdf")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KinematicsError(f"the URDF {path} cannot be read: {error}") from error


def _package_path(location: str) -> Path:
    name, _, inside = location.removeprefix(_PACKAGE).partition("/")
    prefixes = [Path(part) for part in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    for prefix in prefixes:
        if (prefix / "share" / name).is_dir():
            return prefix / "share" / name / inside
    raise KinematicsError(f"{location}: package '{name}' is not installed. Source its workspace, or give a file path")
