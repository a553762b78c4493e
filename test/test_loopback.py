"""Nothing of the stack receives beyond this machine, and nodes of this machine still find each other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.ros

LOOPBACK = "127.0.0.1"
NODE = """
import sys, rclpy
from rclpy.node import Node
from std_msgs.msg import String
rclpy.init(args=[])
node = Node("talker")
publisher = node.create_publisher(String, "chatter", 10)
node.create_timer(0.02, lambda: publisher.publish(String(data="hello")))
print("ready", flush=True)
rclpy.spin(node)
"""
LISTENER = """
import time, rclpy
from rclpy.node import Node
from std_msgs.msg import String
rclpy.init(args=[])
node, got = Node("listener"), []
node.create_subscription(String, "chatter", got.append, 10)
deadline = time.monotonic() + 20.0
while not got and time.monotonic() < deadline:
    rclpy.spin_once(node, timeout_sec=0.1)
print("heard" if got else "silence", flush=True)
"""


def start(code: str, **variables: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in {**os.environ, **variables}.items() if value}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)


def unread_bytes(port: int) -> int:
    """What waits in the receiving queue of an IPv4 UDP socket."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        parts = line.split()
        if int(parts[1].partition(":")[2], 16) == port:
            return int(parts[4].partition(":")[2], 16)
    return 0


def test_what_is_received_comes_from_this_machine(ros_domain: int) -> None:
    """Sockets that are open to others only send: whatever is sent to them is never read."""
    node = start(NODE)
    try:
        assert node.stdout is not None
        assert node.stdout.readline() == "ready\n"
        time.sleep(0.5)
        sockets = [c.laddr for c in psutil.Process(node.pid).net_connections("inet")]
        assert [address for address in sockets if address.ip == LOOPBACK]
        discovery = 7400 + 250 * ros_domain
        for address in sockets:
            if address.ip != LOOPBACK:
                assert not discovery <= address.port < discovery + 250, "a port of the protocol is open to others"
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.sendto(b"probe", (LOOPBACK if address.ip == "0.0.0.0" else address.ip, address.port))
                time.sleep(0.2)
                assert unread_bytes(address.port) > 0, f"{address} is read"
    finally:
        node.kill()
        node.wait()


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "", "ROS_AUTOMATIC_DISCOVERY_RANGE": ""},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "", "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"},
    ],
    ids=["ours", "a driver with defaults", "a driver for the network"],
)
@pytest.mark.parametrize("ours_talks", [True, False])
def test_nodes_of_this_machine_hear_each_other(ros_domain: int, others: dict[str, str], ours_talks: bool) -> None:
    talker = start(NODE, **({} if ours_talks else others))
    listener = start(LISTENER, **(others if ours_talks else {}))
    try:
        assert listener.communicate(timeout=60)[0] == "heard\n"
    finally:
        for process in (talker, listener):
            process.kill()
            process.wait()
