"""A launch file run by the real launch and launch_ros: it comes up in order, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from hume_msgs.msg import System1Status

from hume_bringup.environment import share_file
from hume_ros import qos

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(
        importlib.util.find_spec("launch_ros") is None,
        reason="launch_ros is not installed (it comes with a native ROS 2)",
    ),
]

PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
path, *arguments = sys.argv[1:]
pairs = [argument.split(":=", 1) for argument in arguments]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(PythonLaunchDescriptionSource(path), launch_arguments=pairs)])
)
sys.exit(service.run())
"""


def launch(log: Path, file: str, *arguments: str) -> subprocess.Popen[bytes]:
    path = share_file("..", "launch", file)
    assert path is not None
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), *arguments],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def test_simulation_comes_up_and_goes_down(observer: Any, tmp_path: Path) -> None:
    """No checkpoint is named: the default one is taken."""
    statuses: list[System1Status] = []
    observer.node.create_subscription(System1Status, "hume/status", statuses.append, qos.STATUS)
    log = tmp_path / "launch.log"
    process = launch(log, "sim.launch.py", "task:=lift the red cube")
    family: list[psutil.Process] = []
    try:
        observer.until(lambda: statuses and statuses[-1].mode == System1Status.RUNNING, 120.0, "System 1 running")
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 4
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
    left = [p for p in psutil.wait_procs(family, timeout=2)[1] if p.status() != psutil.STATUS_ZOMBIE]
    for orphan in left:
        orphan.kill()
    assert left == []
    text = log.read_text(errors="replace")
    assert text.index("[hume_system1]: idle") < text.index("[hume_system2]: epoch 1")
    assert text.count("process has finished cleanly") == 3


def test_a_node_that_cannot_be_configured_ends_the_launch(observer: Any, tmp_path: Path) -> None:
    log = tmp_path / "launch.log"
    process = launch(log, "mock.launch.py", "checkpoint:=/nonexistent", "system1:=off")
    try:
        observer.until(lambda: process.poll() is not None, 120.0, "the end of the launch")
    finally:
        process.kill()
    assert process.returncode == 1
    text = log.read_text(errors="replace")
    assert text.count("cannot configure: '/nonexistent' is no folder") == 1
    assert "hume_system2 could not start. Its message is above" in text
    assert "Traceback" not in text
