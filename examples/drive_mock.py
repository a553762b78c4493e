"""Starts a stand-in for the robot and both systems, as `hume up mock` does, and carries out an instruction for a while.

./hume python examples/drive_mock.py [ROBOT]
"""

import os
import sys

import rclpy

from hume_bench.trial import Trial
from hume_bringup.environment import default_environment
from hume_bringup.launch_options import LaunchOptions
from hume_ros.domain import free_domain
from hume_training.default_checkpoint import default_checkpoint

# A domain of its own, on this machine alone: no real robot receives from it.
os.environ.update(default_environment(), ROS_DOMAIN_ID=str(free_domain()))
rclpy.init()

# The arguments of the launch files. They make their nodes from the same description.
robot = sys.argv[1] if len(sys.argv) > 1 else "wx250s_sim"
options = LaunchOptions(robot, checkpoint=str(default_checkpoint(robot)), candidates=2, log_level="warn")

with Trial(options, nodes="mock") as stack:
    # The goal of the action hume/execute_task. This returns once the arm moves.
    goal = stack.start_task("lift the red cube")
    stack.spin(2.0)
    print(f"{stack.status.mode_name}: {stack.status.stream_rate:.0f} commands per second")

    # Cancelling brings the arm to rest within its limits.
    stack.result(goal.cancel_goal_async())
    stack.wait(lambda: stack.status.standing_still, 5.0, "standstill")
    print(f"{stack.status.mode_name}: the arm stands still")
rclpy.shutdown()
