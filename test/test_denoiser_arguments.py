"""What System 1's process is told by ROS arguments reaches its denoiser, a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node

from hume_core.robot import RobotProfile
from hume_system1.denoiser_process import DenoiserProcess
from hume_system1.denoiser_settings import DenoiserSettings
from hume_system1.settings import System1Settings

pytestmark = pytest.mark.ros

ROBOT = "wx250s_sim"
START_TIMEOUT = 60.0
DENOISER = ("hume_system1_denoiser", "/left")


@pytest.fixture
def node(ros_domain: int) -> Iterator[Node]:
    made = Node("hume_system1", namespace="/left")
    yield made
    made.destroy_node()


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Remapping rules of every kind, and a parameter file with sections for any node and for the denoiser."""
    camera = next(iter(RobotProfile.load(ROBOT).cameras.values())).topic
    file = tmp_path / "params.yaml"
    file.write_text(
        "left: {hume_system1_denoiser: {ros__parameters: {sensor_timeout: 500}}}\n"
        "/**: {ros__parameters: {sensor_timeout: 100.0, threads: 3}}\n"
    )
    rules = ("__node:=renamed", f"{camera}:=/other/image", "hume_system1:hume/system1/heartbeat:=beat")
    return ["--ros-args", *(part for rule in rules for part in ("-r", rule)), "--params-file", str(file)]


def test_remapping_rules_and_its_own_parameters_reach_the_denoiser(
    observer: Any, node: Node, arguments: list[str], checkpoint: Path
) -> None:
    settings = DenoiserSettings(robot=ROBOT, checkpoint=str(checkpoint), sensor_timeout=200.0, threads=2)
    denoiser = DenoiserProcess(node, System1Settings(denoiser=settings), arguments=arguments)
    denoiser.start()
    try:
        topics = lambda: dict(observer.node.get_publisher_names_and_types_by_node(*DENOISER))  # noqa: E731
        there = lambda: DENOISER in observer.node.get_node_names_and_namespaces() and topics()  # noqa: E731
        observer.until(there, START_TIMEOUT, "the denoiser under its own name")
        observer.until(lambda: "/left/beat" in topics(), START_TIMEOUT, "the heartbeat under its new name")
        assert "/left/hume/system1/heartbeat" not in topics()
        request = GetParameters.Request(names=["sensor_timeout", "threads"])
        timeout, threads = observer.call(GetParameters, "/left/hume_system1_denoiser/get_parameters", request).values
        assert (timeout.double_value, threads.integer_value) == (500.0, 2)
        observer.until(
            lambda: observer.node.get_subscriptions_info_by_topic("/other/image"), START_TIMEOUT, "the other camera"
        )
        assert denoiser.running
    finally:
        denoiser.stop()
