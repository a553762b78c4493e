"""Settings of System 1: parameters of the node, ranges, and where the robot profile comes in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.node import Node

from hume_core.errors import ConfigError, RobotProfileError
from hume_core.node_settings import STREAM_RATE
from hume_core.robot import Rates, RobotProfile, find_profile
from hume_core.settings import declared, find
from hume_ros.parameters import declare_settings
from hume_system1.control.control_settings import ControlSettings, GripperSettings
from hume_system1.robot_settings import control_settings
from hume_system1.settings import System1Settings


@pytest.fixture
def node() -> Iterator[Node]:
    rclpy.init(args=["--ros-args", "-p", "chunk_age:=3", "-p", "max_horizon:=50"])
    made = Node("settings_test")
    yield made
    made.destroy_node()
    rclpy.shutdown()


def test_every_control_setting_is_a_parameter_or_marked(node: Node) -> None:
    settings = declare_settings(node, System1Settings)
    assert (settings.control.chunk_age, settings.control.max_horizon) == (3.0, 50)
    marked = {item.name for item in declared(ControlSettings) if item.given_by}
    push = {"push_settle", "push_timeout", "push_reach", "jump_speed"}
    chunks = {"action_spaces", "chunk_rows", "chunk_dim", "require_chunk"}
    assert marked == {"rate_hz", "plays_stop", "require_heartbeat"} | chunks | push
    assert [
        item.name for item in declared(ControlSettings) if node.has_parameter(item.name) == bool(item.given_by)
    ] == []


def test_defaults_are_within_their_ranges() -> None:
    assert System1Settings().control == ControlSettings()
    assert GripperSettings().open == 0.04


def test_the_range_of_the_stream_is_the_same_in_profile_and_control(tmp_path: Path) -> None:
    rate = find(ControlSettings, "rate_hz")
    assert (rate.low, rate.high, rate.default) == (STREAM_RATE.low, STREAM_RATE.high, Rates().stream)
    text = find_profile("wx250s_sim").read_text()
    for stream in (30.0, 5000.0):
        path = tmp_path / "arm.yaml"
        path.write_text(text.replace("stream: 200.0", f"stream: {stream}"))
        with pytest.raises(RobotProfileError, match=r"rates\.stream"):
            RobotProfile.load(path)
        with pytest.raises(ConfigError, match=f"'rate_hz' is {stream}. Valid: a number from 50 to 1000 Hz"):
            ControlSettings(rate_hz=stream)


def test_the_profile_gives_rate_action_space_and_pushes() -> None:
    profile = RobotProfile.load("wx250s_sim")
    settings = control_settings(profile, ControlSettings(chunk_age=3.0))
    assert (settings.rate_hz, settings.chunk_age) == (200.0, 3.0)
    assert settings.action_spaces == (profile.action_space.name,)
    push = profile.push
    assert (settings.push_settle, settings.push_timeout) == (push.settle, push.timeout)
    assert (settings.push_reach, settings.jump_speed) == (push.reach, push.jump_speed)


def test_settings_need_neither_torch_nor_ros() -> None:
    program = (
        "import sys, hume_system1.settings, hume_system2.settings\n"
        "assert not {'torch', 'rclpy', 'pydantic'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
