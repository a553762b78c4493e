"""Where robot profiles are found."""

from __future__ import annotations

import os
from pathlib import Path

from hume_core.errors import RobotProfileError


def profile_directories() -> list[Path]:
    """Folders searched for profiles: `HUME_ROBOTS`, then every sourced workspace's `hume_bringup`."""
    own = [Path(part) for part in os.environ.get("HUME_ROBOTS", "").split(os.pathsep) if part]
    prefixes = [Path(part) for part in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    return own + [prefix / "share" / "hume_bringup" / "config" / "robots" for prefix in prefixes]


def known_profiles() -> list[str]:
    """Names of the profiles that `find_profile` would find."""
    return sorted({path.stem for folder in profile_directories() for path in folder.glob("*.yaml")})


def find_profile(name_or_path: str | Path) -> Path:
    """The YAML file of a profile.

    Raises:
        RobotProfileError: no such file or name. Lists the known names.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
        raise RobotProfileError(f"robot profile '{path}' does not exist")
    for folder in profile_directories():
        candidate = folder / f"{name_or_path}.yaml"
        if candidate.is_file():
            return candidate
    known = ", ".join(known_profiles()) or "none is installed. Source the workspace's install/setup.bash"
    raise RobotProfileError(f"unknown robot '{name_or_path}'. Known robots: {known}. A path to a .yaml file works too")
