"""`hume up` with real processes: the order of activation, respawn, and the end of a launch that cannot work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hume_msgs.msg import Epoch, System1Status
from sensor_msgs.msg import JointState

from hume_bringup.environment import share_file
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import joint_values

pytestmark = pytest.mark.ros

START_TIMEOUT = 120.0
CATCHING_UP = 2.5
"""The stand-in's steps are coarser than the stream: two commands may fall into one of them."""


class Up:
    """A running `hume up`, its output in a file."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hume_tools", "up", *arguments],
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self._seen: list[psutil.Process] = []

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def family(self) -> list[psutil.Process]:
        """Every process started so far that may still live."""
        if self.process.poll() is None:
            self._seen += [p for p in psutil.Process(self.process.pid).children(recursive=True) if p not in self._seen]
        return self._seen

    def pid(self, executable: str) -> int:
        """Process id of a node."""
        return next(p.pid for p in self.family() if p.is_running() and executable in " ".join(p.cmdline()))

    def stop(self) -> None:
        """Ctrl-C. Whatever is left after it is killed and fails the test."""
        family = self.family()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        left = [p for p in psutil.wait_procs(family, timeout=2)[1] if p.status() != psutil.STATUS_ZOMBIE]
        for process in left:
            process.kill()
        assert left == []


@pytest.fixture
def up(tmp_path: Path, ros_domain: int) -> Iterator[Callable[..., Up]]:
    """Start sets of nodes that are stopped when the test ends."""
    running: list[Up] = []

    def begin(*arguments: str) -> Up:
        running.append(Up(tmp_path / f"up_{len(running)}.log", *arguments))
        return running[-1]

    yield begin
    for stack in running:
        print(stack.output)  # pytest shows it where the test failed
        stack.stop()


def watch(observer: Any, kind: Any, topic: str, quality: Any) -> list[Any]:
    messages: list[Any] = []
    observer.node.create_subscription(kind, topic, messages.append, quality)
    return messages


def test_order_respawn_and_end(up: Callable[..., Up], observer: Any, checkpoint: Path) -> None:
    statuses = watch(observer, System1Status, "hume/status", qos.STATUS)
    epochs = watch(observer, Epoch, "hume/epoch", qos.LATCHED)
    stack = up("mock", f"checkpoint:={checkpoint}", "task:=lift the red cube", "dry_run:=true")
    observer.until(lambda: epochs, START_TIMEOUT, "System 2 beginning its task")
    assert statuses[-1].mode >= System1Status.IDLE, "System 2 was activated before System 1"
    observer.until(lambda: statuses[-1].mode == System1Status.RUNNING, 30.0, "System 1 running")

    first = stack.pid("system2_node")
    os.kill(first, signal.SIGKILL)
    observer.until(lambda: "hume_system2 ended with exit code -9. Starting it again" in stack.output, 10.0, "a word")
    observer.until(lambda: statuses[-1].mode == System1Status.HOLD, 30.0, "System 1 holding without System 2")
    observer.until(lambda: statuses[-1].mode == System1Status.RUNNING, START_TIMEOUT, "System 1 going on")
    assert stack.pid("system2_node") != first

    os.kill(stack.pid("system1_node"), signal.SIGKILL)
    observer.until(lambda: stack.process.poll() is not None, 20.0, "the end of all with System 1")
    assert "hume_system1 ended with exit code -9. Stopping" in stack.output


def test_an_end_effector_policy_moves_a_robot_of_its_own_profile(up: Callable[..., Up], observer: Any) -> None:
    """Twists become joint trajectories. The stand-in follows them within the limits file's limits."""
    limits_file = share_file("limits", "first_run.yaml")
    profile = RobotProfile.load("wx250s")
    assert profile.action_space.needs_kinematics
    statuses = watch(observer, System1Status, "arm/hume/status", qos.STATUS)
    states = watch(observer, JointState, f"arm/{profile.joint_states}", qos.SENSOR)
    up("mock", "robot:=wx250s", "task:=lift the red cube", "namespace:=arm", f"limits_file:={limits_file}")
    observer.until(lambda: statuses and statuses[-1].mode == System1Status.RUNNING, START_TIMEOUT, "System 1 running")
    start = joint_values(states[-1], profile.joint_names)
    moved = lambda: float(np.abs(joint_values(states[-1], profile.joint_names) - start).max())  # noqa: E731
    observer.until(lambda: moved() > 0.005, 30.0, "the arm moving")
    assert 0.0 < statuses[-1].max_velocity_ratio <= 1.0 + 1e-6
    speeds = np.array([joint_values(state, profile.joint_names, "velocity") for state in states])
    assert np.all(np.abs(speeds) <= 0.2 * profile.motion_limits().velocity * CATCHING_UP)


def test_a_node_that_cannot_be_configured_ends_the_launch(up: Callable[..., Up], observer: Any) -> None:
    stack = up("mock", "checkpoint:=/nonexistent", "system1:=off")
    observer.until(lambda: stack.process.poll() is not None, START_TIMEOUT, "the end of the launch")
    assert stack.process.returncode == 2
    assert stack.output.count("cannot configure: '/nonexistent' is no folder") == 1
    assert "hume_system2 could not start, its message is above. Stopping" in stack.output
    assert "Traceback" not in stack.output


def test_with_autostart_off_the_nodes_wait(up: Callable[..., Up], observer: Any, checkpoint: Path) -> None:
    stack = up("mock", f"checkpoint:={checkpoint}", "autostart:=false", "namespace:=left")
    for node in ("hume_system2", "hume_system1"):
        observer.until(lambda node=node: node in known(observer), START_TIMEOUT, f"{node} being there")
        assert observer.lifecycle_state(f"left/{node}") == "unconfigured"
    assert stack.process.poll() is None


def known(observer: Any) -> list[str]:
    return [name for name, namespace in observer.node.get_node_names_and_namespaces() if namespace == "/left"]
