"""What `hume bench stops` relies on: the arm moves again after a stop, and a closed terminal ends the processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hume_msgs.msg import System1Status
from std_msgs.msg import Bool

from hume_bench.watched_stack import ARGUMENTS, ROBOT, WatchedStack
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.context import init_ros

pytestmark = pytest.mark.ros

TIMEOUT = 30.0


@pytest.fixture
def stack(ros_domain: int, tmp_path: Path) -> Iterator[WatchedStack]:
    """Started where SIGHUP is ignored, as under nohup."""
    init_ros()
    made = WatchedStack([f"robot:={ROBOT}", *ARGUMENTS], RobotProfile.load(ROBOT), "left", tmp_path / "log")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with made:
            yield made
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_arm_moves_again_after_every_stop(stack: WatchedStack) -> None:
    publisher = stack.node.create_publisher(Bool, "/left/hume/estop", qos.STATUS)
    for _ in range(3):
        stack.wait_for_motion()
        publisher.publish(Bool(data=True))
        stack.wait(lambda: stack.status.mode == System1Status.ESTOP, TIMEOUT, "the emergency stop")
        stack.wait(lambda: stack.status.standing_still, TIMEOUT, "standstill")
    stack.send(signal.SIGHUP)
    stack.wait(lambda: not stack.processes(), TIMEOUT, "the end of every process")
