"""Environment variables every process of the stack wants, unless the user has set them."""

from __future__ import annotations

import os
from pathlib import Path

from hume_core.robot import profile_directories


def share_file(*parts: str) -> Path | None:
    """A file of the installed `hume_bringup/config`. None where no workspace is sourced."""
    for folder in profile_directories():
        path = folder.parent.joinpath(*parts)
        if path.is_file():
            return path
    return None


def default_environment() -> dict[str, str]:
    """Variables to add: nothing listens beyond this machine, discovery is quick, rendering needs no screen."""
    wanted = {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "MUJOCO_GL": "egl",
        # The nodes' parameter `threads` decides. Helpers of libraries below torch would take every core.
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
    }
    profile = share_file(_middleware_profile())
    if profile is not None:
        wanted["FASTDDS_DEFAULT_PROFILES_FILE"] = str(profile)
    return {name: value for name, value in wanted.items() if name not in os.environ}


def _middleware_profile() -> str:
    """The file for one machine, unless the user says that there are more."""
    wide = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST").upper() not in ("LOCALHOST", "OFF")
    return "fastdds_network.xml" if wide or os.environ.get("ROS_STATIC_PEERS") else "fastdds_local.xml"
