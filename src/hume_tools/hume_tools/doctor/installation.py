"""`hume doctor`: what is there, what is missing, and what to type."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import resource
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hume_core.json_report import json_text
from hume_core.robot import known_profiles

_NEEDED = (
    "numpy",
    "torch",
    "transformers",
    "opencv-python-headless",
    "mujoco",
    "rosbags",
    "safetensors",
    "pydantic",
    "pin",
)
_LAUNCH = ("launch", "launch_ros", "message_filters", "control_msgs")


@dataclass(frozen=True)
class Finding:
    """One line of the report: what, whether it is well, what was found, what to type."""

    what: str
    good: bool
    found: str
    fix: str = ""
    optional: bool = False


def installation(root: Path) -> list[Finding]:
    """What the machine and the workspace have."""
    return [
        *_python(),
        *_ros(),
        _workspace(root),
        _rendering(),
        *_realtime(),
        _profiles(),
    ]


def show(findings: Sequence[Finding], as_json: bool) -> int:
    """Print findings. 0 when nothing that is needed is wrong."""
    good = all(finding.good or finding.optional for finding in findings)
    if as_json:
        listed = [asdict(finding) | {"fix": "" if finding.good else finding.fix} for finding in findings]
        print(json_text({"good": good, "findings": listed}, indent=2))
        return 0 if good else 1
    table = Table("")
    for title in ("what", "found", "to do"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.good else ("[yellow]--[/]" if finding.optional else "[red]wrong[/]")
        table.add_row(mark, escape(finding.what), escape(finding.found), "" if finding.good else escape(finding.fix))
    Console().print(table)
    return 0 if good else 1


def _python() -> list[Finding]:
    version = platform.python_version()
    findings = [Finding("Python 3.10 to 3.13", (3, 10) <= sys.version_info[:2] <= (3, 13), version)]
    for name in _NEEDED:
        found = _version(name)
        findings.append(Finding(name, bool(found), found or "not installed", "./hume doctor again: set-up installs it"))
    return findings


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _ros() -> list[Finding]:
    distro = os.environ.get("ROS_DISTRO", "")
    source = "from PyPI" if _version("ros-rclpy") else "native"
    findings = [Finding("rclpy", _importable("rclpy"), f"ROS 2 {distro}, {source}", "./hume doctor again")]
    for name in _LAUNCH:
        there = _importable(name)
        fix = f"not on PyPI. With a native ROS 2: apt install ros-$ROS_DISTRO-{name.replace('_', '-')}"
        findings.append(Finding(name, there, "installed" if there else "not installed", fix, optional=True))
    return findings


def _importable(name: str) -> bool:
    # A mere folder of that name on the path has no origin.
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


def _workspace(root: Path) -> Finding:
    built = (root / "install" / "hume_msgs").is_dir()
    return Finding("colcon workspace", built, str(root / "install"), "./hume doctor again: set-up builds it")


def _rendering() -> Finding:
    os.environ.setdefault("MUJOCO_GL", "egl")
    fix = "sudo apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
    try:
        import mujoco

        model = mujoco.MjModel.from_xml_string("<mujoco/>")
        with mujoco.Renderer(model, 16, 16) as renderer:
            renderer.update_scene(mujoco.MjData(model))
            renderer.render()
    except Exception as error:
        return Finding("off-screen rendering", False, f"{type(error).__name__}: {error}", fix)
    return Finding("off-screen rendering", True, os.environ["MUJOCO_GL"])


def _realtime() -> list[Finding]:
    priority = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    allowed = os.geteuid() == 0 or priority == resource.RLIM_INFINITY or priority >= 60
    fix = "add '@realtime - rtprio 95' and '@realtime - memlock unlimited' to /etc/security/limits.conf"
    found = "allowed" if allowed else f"rtprio limit {priority}"
    cores = os.cpu_count() or 1
    return [
        Finding("real-time scheduling", allowed, found, fix, optional=True),
        Finding("cores", cores >= 2, str(cores), "two or more keep the command stream punctual", optional=True),
        Finding("compiler", shutil.which("g++") is not None, shutil.which("g++") or "none", "apt-get install g++"),
    ]


def _profiles() -> Finding:
    names = known_profiles()
    return Finding("robot profiles", bool(names), ", ".join(names) or "none", "./hume doctor again: set-up builds it")
