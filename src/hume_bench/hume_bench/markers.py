"""`hume bench markers`: what the node that draws the candidates costs, with and without somebody who looks."""

from __future__ import annotations

import os
import subprocess
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import rclpy
import yaml
from hume_msgs.msg import ActionChunk, Segment, System1Status, Thought
from rclpy.node import Node
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import MarkerArray

from hume_bringup.environment import default_environment
from hume_bringup.node_spec import NodeSpec
from hume_bringup.programs import command
from hume_core.action_spaces import DeltaFrame
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_core.parent_death import tied
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.context import init_ros
from hume_ros.domain import free_domain
from hume_ros.lifecycle import make_executor
from hume_ros.timers import steady_timer
from hume_views.topics import MARKERS, MOTION

CANDIDATES, HORIZON, THOUGHTS = 16, 50, 4.0
_ROBOTS = (("wx250s_sim", ""), ("franka_fr3", ""), ("ur5e", "ee_delta"), ("ur5e", "ee_pose"))
"""Robots, and action spaces where they are not those of the profile."""
_SETTLE, _START_TIMEOUT = 3.0, 30.0  # s
_NARROWEST = 100
_RATES = {"joint_states": 100.0, "segment": 60.0, "status": 10.0}  # Hz; commands come at the profile's rate


@dataclass(frozen=True)
class MarkerCost:
    """Share of a core that the node takes, and what it publishes.

    Attributes:
        robot, action_space: whose rows are drawn.
        alone: share without a subscriber.
        candidates: share with one who looks at candidates and mode.
        motion: share with one who looks at the motion of the tool too, which brings the stream of commands.
        markers_per_second: messages with markers, of thoughts and of the motion.
        thoughts_per_second: those of thoughts.
    """

    robot: str
    action_space: str
    alone: float
    candidates: float
    motion: float
    markers_per_second: float
    thoughts_per_second: float


class _Stack(Node):
    """Publishes what a running stack does, with candidates that mean small motions around home."""

    def __init__(self, profile: RobotProfile) -> None:
        super().__init__("hume_bench_stack")
        self._profile, self._seq = profile, 0
        self._names, self._home = list(profile.joint_names), np.array(profile.home)
        self._rng = np.random.default_rng(0)
        self.markers = self.thoughts = 0
        arm = profile.arm.controller
        self._trajectory = profile.plays_trajectories
        kind = JointTrajectory if self._trajectory else Float64MultiArray
        self._every(JointState, profile.joint_states, _RATES["joint_states"], self._joint_state)
        self._every(kind, arm.topic, profile.rates.stream, self._command)
        self._every(Segment, "hume/segment", _RATES["segment"], self._segment)
        self._every(System1Status, "hume/status", _RATES["status"], self._status)
        self._chunks = self.create_publisher(ActionChunk, "hume/action_chunk", qos.CHUNK)
        self._candidates = self.create_publisher(Thought, "hume/thought", qos.CHUNK)
        steady_timer(self, 1.0 / THOUGHTS, self._think)

    def look(self, topic: str) -> None:
        """Subscribe to markers."""
        self.create_subscription(MarkerArray, topic, self._on_markers, qos.STATUS)

    def _every(self, kind: Any, topic: str, rate: float, make: Callable[[], Any]) -> None:
        publisher = self.create_publisher(kind, topic, qos.STATUS)
        steady_timer(self, 1.0 / rate, lambda: publisher.publish(make()))

    def _on_markers(self, message: MarkerArray) -> None:
        self.markers += 1
        self.thoughts += any(marker.ns == "candidates" for marker in message.markers)

    def _joints(self) -> Any:
        return self._home + 0.1 * np.sin(time.monotonic() + np.arange(len(self._home)))

    def _joint_state(self) -> JointState:
        return self._stamped(JointState(name=self._names, position=array("d", self._joints())))

    def _command(self) -> Any:
        if not self._trajectory:
            return Float64MultiArray(data=array("d", self._joints()))
        point = JointTrajectoryPoint(positions=array("d", self._joints()))
        return self._stamped(JointTrajectory(joint_names=self._names, points=[point]))

    def _segment(self) -> Segment:
        rows = np.tile(self._joints(), 10)
        return self._stamped(Segment(names=self._names, dt=0.05, horizon=10, positions=array("d", rows)))

    def _status(self) -> System1Status:
        limited = [False] * len(self._names)
        return System1Status(mode_name="RUNNING", joint_names=self._names, limited=limited)

    def _think(self) -> None:
        self._seq += 1
        profile, space = self._profile, self._profile.action_space
        spread = space.row_spread(len(self._home), 0.1, (0.003,) * 3 + (0.01,) * 3)
        steps = self._rng.normal(size=(CANDIDATES, HORIZON, len(spread))) * spread
        rows = (steps + self._resting()).astype(np.float32)
        name = space.name
        self._chunks.publish(
            self._stamped(
                ActionChunk(seq=self._seq, names=self._names, dt=profile.action.dt, action_space=name,
                            anchor=array("d", self._home))
            )
        )  # fmt: skip
        self._candidates.publish(
            self._stamped(
                Thought(seq=self._seq, action_space=name, num_candidates=CANDIDATES, horizon=HORIZON,
                        dim=rows.shape[2], candidates=array("f", rows.tobytes()),
                        values=array("f", self._rng.random(CANDIDATES)))
            )
        )  # fmt: skip

    def _resting(self) -> Any:
        space = self._profile.action_space
        return np.zeros(6) if space.needs_kinematics else space.resting_row(self._home)

    def _stamped(self, message: Any) -> Any:
        message.header.stamp = self.get_clock().now().to_msg()
        return message


def run_bench(json_file: Path | None, seconds: float = 20.0) -> int:
    """Measure the node on every robot whose tool is known. Print a table, write the figures where asked.

    Raises:
        HumeError: the node does not publish.
    """
    os.environ.update(default_environment(), ROS_DOMAIN_ID=str(free_domain()))
    init_ros()
    try:
        with TemporaryDirectory(prefix="hume_markers_") as folder:
            results = [_measure(_profile(*robot), Path(folder), seconds) for robot in _ROBOTS]
    finally:
        rclpy.try_shutdown()
    table = Table("robot", "rows", "alone", "candidates", "with motion", "markers/s", "thoughts/s")
    for one in results:
        rates = (f"{one.markers_per_second:.1f}", f"{one.thoughts_per_second:.1f}")
        shares = (f"{share:.2%}" for share in (one.alone, one.candidates, one.motion))
        table.add_row(one.robot, one.action_space, *shares, *rates)
    Console(width=max(_NARROWEST, Console().width)).print(table)
    if json_file is not None:
        write_json(json_file, [asdict(one) for one in results])
    return 0


def _profile(robot: str, space: str) -> RobotProfile:
    profile = RobotProfile.load(robot)
    # Displacements in the tool's axes cost most.
    return profile.with_action(space, frame=DeltaFrame.TOOL) if space else profile


def _measure(profile: RobotProfile, folder: Path, seconds: float) -> MarkerCost:
    file = folder / f"{profile.name}_{profile.action.space}.yaml"
    file.write_text(yaml.safe_dump(profile.model_dump(mode="json")), encoding="utf-8")
    spec = NodeSpec("hume_views", "marker_node", "hume_markers", {"robot": str(file)}, log_level="warn")
    stack, executor = _Stack(profile), make_executor()
    executor.add_node(stack)
    node = subprocess.Popen(tied(command(spec)))
    try:
        _wait(executor, lambda: stack.count_publishers(MARKERS), "the node")
        alone = _share(executor, node.pid, seconds)
        stack.look(MARKERS)
        _wait(executor, lambda: stack.thoughts, "markers of a thought")
        markers, thoughts = stack.markers, stack.thoughts
        candidates = _share(executor, node.pid, seconds)
        stack.look(MOTION)
        motion = _share(executor, node.pid, seconds)
        watched = 2.0 * (seconds + _SETTLE)
        return MarkerCost(
            profile.name, profile.action.space, alone, candidates, motion,
            (stack.markers - markers) / watched, (stack.thoughts - thoughts) / watched,
        )  # fmt: skip
    finally:
        node.terminate()
        node.wait()
        executor.shutdown(timeout_sec=0.5)
        stack.destroy_node()


def _share(executor: Any, process: int, seconds: float) -> float:
    """Share of a core that a process takes."""
    _spin(executor, _SETTLE)
    begin, started = _processor_time(process), time.monotonic()
    _spin(executor, seconds)
    return (_processor_time(process) - begin) / (time.monotonic() - started)


def _processor_time(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def _wait(executor: Any, condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not condition():
        executor.spin_once(timeout_sec=0.02)
        if time.monotonic() > deadline:
            raise HumeError(f"{what} did not come within {_START_TIMEOUT:.0f} s; run the node alone to see why")


def _spin(executor: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.02)
