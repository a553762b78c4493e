"""A System 2 that was published alone moves the simulated arm, without System 1's network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hume_msgs.action import ExecuteTask
from hume_msgs.msg import Segment, System1Status
from rclpy.action import ActionClient
from sensor_msgs.msg import JointState

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_core.robot import RobotProfile
from hume_ros.conversions import joint_values

pytestmark = pytest.mark.ros

START_TIMEOUT = 180.0
PROFILE = RobotProfile.load("wx250s_sim")


@pytest.fixture
def stack(
    ros_domain: int, checkpoint: Path, tmp_path: Path, system2_alone: Callable[[Path, Path], Path]
) -> Iterator[Supervisor]:
    folder = system2_alone(checkpoint, tmp_path / "alone")
    with Supervisor(graph("sim", LaunchOptions(checkpoint=str(folder), seed=0, refine=False))) as supervisor:
        yield supervisor


def test_it_moves_the_arm(stack: Supervisor, observer: Any) -> None:
    status: list[System1Status] = []
    segments: list[Segment] = []
    states: list[JointState] = []
    node = observer.node
    node.create_subscription(System1Status, "hume/status", status.append, 10)
    node.create_subscription(Segment, "hume/segment", segments.append, 10)
    node.create_subscription(JointState, "joint_states", states.append, 10)
    idle = lambda: status and status[-1].mode == System1Status.IDLE  # noqa: E731
    observer.until(idle, START_TIMEOUT, "System 1 becoming idle")
    goals = ActionClient(node, ExecuteTask, "hume/execute_task")
    observer.until(goals.server_is_ready, START_TIMEOUT, "hume/execute_task")
    accepted, deadline = None, time.monotonic() + START_TIMEOUT
    while accepted is None and time.monotonic() < deadline:
        future = goals.send_goal_async(ExecuteTask.Goal(instruction="lift the red cube"))
        observer.until(future.done, 10.0, "an answer to the goal")
        accepted = future.result() if future.result().accepted else None
        observer.spin(0.3)
    assert accepted is not None
    joints = lambda: joint_values(states[-1], PROFILE.joint_names)  # noqa: E731
    start = joints()
    observer.until(lambda: np.abs(joints() - start).max() > 0.02, 60.0, "the simulated arm moving")
    assert segments
