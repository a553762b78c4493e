"""Two processes with the name of one node: System 1 and `hume doctor --robot` say so, once it is no crash."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hume_msgs.msg import ActionChunk, System1Status
from rcl_interfaces.msg import Log
from rclpy.node import Node

from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.supervisor import Supervisor
from hume_ros import qos
from hume_ros.publishers import SETTLED

pytestmark = pytest.mark.ros

ROBOT = "wx250s_sim"
TOPIC = "hume/action_chunk"


def doctor() -> dict[str, dict[str, Any]]:
    """Findings by name."""
    command = [sys.executable, "-m", "hume_tools", "doctor", "--robot", ROBOT, "--json", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_a_system2_that_runs_twice_is_warned_about(ros_domain: int, checkpoint: Path, observer: Any) -> None:
    warnings: list[tuple[float, str]] = []
    statuses: list[System1Status] = []

    def note(message: Log) -> None:
        if message.name == "hume_system1" and "processes" in message.msg:
            warnings.append((time.monotonic(), str(message.msg)))

    observer.node.create_subscription(Log, "/rosout", note, 100)
    observer.node.create_subscription(System1Status, "hume/status", statuses.append, qos.STATUS)
    with Supervisor(graph("mock", LaunchOptions(robot=ROBOT, checkpoint=str(checkpoint), system2=False))):
        observer.until(lambda: statuses and statuses[-1].mode == System1Status.IDLE, 120.0, "System 1 becoming idle")
        first = Node("hume_system2")
        first.create_publisher(ActionChunk, TOPIC, qos.CHUNK)
        observer.spin(1.0)
        assert TOPIC not in doctor()

        second, begun = Node("hume_system2"), time.monotonic()
        second.create_publisher(ActionChunk, TOPIC, qos.CHUNK)
        observer.until(lambda: warnings, SETTLED + 30.0, "the warning of System 1")
        told, text = warnings[0]
        assert told - begun >= SETTLED - 1.0, "a crashed process would still be in the graph"
        assert f"/hume_system2 publishes on {TOPIC} from 2 processes. Stop all but one" in text
        assert statuses[-1].mode == System1Status.IDLE, "a warning is no fault"

        finding = doctor()[TOPIC]
        assert not finding["good"]
        assert finding["found"] == "/hume_system2 publishes from 2 processes"
        assert len(warnings) == 1, "it is not told all the time"
        second.destroy_node()
        first.destroy_node()
