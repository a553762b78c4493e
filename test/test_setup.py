"""A shell in which one workspace is sourced can run the `hume` of another."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _left(environment: dict[str, str]) -> dict[str, str]:
    """The environment after `leave_workspace`."""
    script = f'set -euo pipefail; source "{ROOT}/setup/leave_workspace.sh"; leave_workspace; env -0'
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    return {key: value for key, value in found.items() if key not in ("_", "PWD", "SHLVL")}


def _plain() -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": os.environ.get("HOME", "/")}


def test_another_workspace_is_left_as_if_it_had_not_been_sourced(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / ".venv").mkdir(parents=True)
    (other / ".venv" / "hume_env.sh").touch()
    plain = _plain() | {"PYTHONPATH": "/mine"}
    sourced = {
        "VIRTUAL_ENV": f"{other}/.venv",
        "PATH": f"{other}/.venv/bin:{plain['PATH']}",
        "LD_LIBRARY_PATH": f"{other}/.venv/lib:{other}/.venv/lib/ros_rcl.libs",
        "AMENT_PREFIX_PATH": f"{other}/install/hume_msgs:{other}/.venv",
        "PYTHONPATH": f"{other}/install/hume_msgs/lib/site-packages:/mine",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1",
        "ROS_DISTRO": "kilted",
        "ROS_VERSION": "2",
        "ROS_PYTHON_VERSION": "3",
    }
    assert _left(plain | sourced) == plain


def test_a_native_ros_and_other_environments_stay(tmp_path: Path) -> None:
    native = _plain() | {"ROS_DISTRO": "kilted", "AMENT_PREFIX_PATH": "/opt/ros/kilted"}
    assert _left(native) == native
    virtual = native | {"VIRTUAL_ENV": str(tmp_path)}
    assert _left(virtual) == virtual
