"""The processes run and end together, and the arm comes to rest first."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from hume_bench.endings import measure_ending
from hume_bringup.programs import find_executable

pytestmark = pytest.mark.ros


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_when_its_parent_ends_the_arm_rests_and_nothing_is_left(ros_domain: int, number: signal.Signals) -> None:
    """A closed terminal, and an end of which the others cannot be informed."""
    # Raises where a process was left, the stream was cut off in motion, or somebody printed a traceback.
    figures = measure_ending(number, moving=True)
    assert figures["standstill_ms"] > 0.0, "it moved when it was stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_end_during_the_start_leaves_nothing(ros_domain: int, number: signal.Signals) -> None:
    measure_ending(number, moving=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("node", ["system1", "system2"])
def test_a_node_that_waits_for_its_robot_ends_when_asked(
    observer: Any, checkpoint: Path, node: str, number: signal.Signals
) -> None:
    """There is no robot: without the signal it would wait for ten minutes."""
    parameters = {"robot": "wx250s_sim", "checkpoint": checkpoint, "autostart": "true", "sensor_timeout": 600.0}
    command = [sys.executable, find_executable(f"hume_{node}", f"{node}_node"), "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        observer.until(lambda: f"hume_{node}_probe" in observer.node.get_node_names(), 120.0, "its waiting")
        # A node that was killed keeps its name for a while, so a name is not enough.
        observer.spin(5.0)
        assert process.poll() is None
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(number)
        process.wait(20)
        _, left = psutil.wait_procs(family, timeout=20)
        assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        process.kill()
        process.wait()
