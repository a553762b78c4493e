"""The whole stack with a policy in the end effector's space. The robot description comes from its topic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from hume_msgs.msg import System1Status
from std_msgs.msg import String

from hume_bench.trial import Trial
from hume_bringup.launch_options import LaunchOptions
from hume_core.errors import KinematicsError
from hume_core.kinematics import read_urdf
from hume_core.robot import RobotProfile, find_profile
from hume_ros import qos
from hume_ros.description import receive_description
from hume_training.default_checkpoint import random_checkpoint

pytestmark = pytest.mark.ros

SCALE = [0.004, 0.004, 0.004, 0.01, 0.01, 0.01]


def end_effector_profile(folder: Path) -> Path:
    """The simulated arm with small displacements of the tool as actions, and no path of a URDF."""
    data: dict[str, Any] = yaml.safe_load(find_profile("wx250s_sim").read_text(encoding="utf-8"))
    data["action"] = {"space": "ee_delta", "dt": 0.05, "scale": SCALE}
    del data["kinematics"]["urdf"]
    path = folder / "wx250s_tool.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@pytest.fixture
def trial(ros_domain: int, tmp_path: Path) -> Iterator[Trial]:
    robot = str(end_effector_profile(tmp_path))
    with Trial(LaunchOptions(robot=robot, checkpoint=str(random_checkpoint(robot)), candidates=3, seed=0)) as running:
        yield running


def test_tool_displacements_move_the_arm(trial: Trial) -> None:
    kinematics = RobotProfile.load("wx250s_sim").kinematics
    assert kinematics is not None
    assert kinematics.urdf is not None
    publisher = trial.node.create_publisher(String, "robot_description", qos.LATCHED)
    publisher.publish(String(data=read_urdf(kinematics.urdf)))
    trial.start_task()
    trial.wait(lambda: trial.status.segments_accepted > 20, 60.0, "the twentieth segment")
    assert trial.status.mode in (System1Status.RUNNING, System1Status.HOLD)
    # Chunks and segments of an older epoch, or too old on a busy machine, may be dropped. Nothing may break a limit.
    reasons = {str(reason) for reason in trial.status.rejected_reasons}
    assert {reason for reason in reasons if "epoch" not in reason and "age" not in reason} == set()
    assert trial.status.max_velocity_ratio <= 1.0


def test_a_missing_description_is_named(ros_domain: int) -> None:
    node = rclpy.create_node("description_test")
    try:
        with pytest.raises(KinematicsError, match=r"no robot description on /robot_description within 0 s\. Start"):
            receive_description(node, 0.3)
    finally:
        node.destroy_node()
