"""Bad input: one clear error, the node stays alive and unconfigured, nothing moves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray

pytestmark = pytest.mark.ros

SYSTEM2 = ("hume_system2", "system2_node")
SYSTEM1 = ("hume_system1", "system1_node")
TIMEOUT = 60.0


def hume(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hume_tools", *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


def test_unknown_robot_names_the_known_ones(ros_domain: int) -> None:
    finished = hume("up", "sim", "robot:=wx9000")
    assert finished.returncode == 2
    assert "unknown robot 'wx9000'. Known robots: " in finished.stderr
    assert "wx250s_sim" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["robot"], "'checkpoint' is empty"),
        (["moon"], "'moon' is no set of nodes. Valid: sim, robot"),
        (["sim", "speed:=3"], "'speed' is unknown. Did you mean 'seed'? Valid: robot, prefix"),
        (["sim", "candidates:=many"], "'candidates' is 'many'. Valid: a whole number"),
        (["sim", "dry_run:=maybe"], "'dry_run' is 'maybe'. Valid: true or false"),
        (["sim", "nonsense"], "Write name:=value"),
        (["sim", "params_file:=/absent.yaml"], "parameter file '/absent.yaml' does not exist"),
    ],
)
def test_wrong_launch_arguments_are_named(ros_domain: int, arguments: list[str], expected: str) -> None:
    finished = hume("up", *arguments)
    assert finished.returncode == 2
    assert expected in finished.stderr
    assert "Traceback" not in finished.stderr


def expect_unconfigured(node: str, process: Any, observer: Any, expected: str) -> None:
    observer.until(lambda: "cannot configure" in process.output, TIMEOUT, "an error message")
    assert expected in process.output
    assert process.output.count("cannot configure") == 1
    assert "Traceback" not in process.output
    assert process.alive
    assert observer.lifecycle_state(node) == "unconfigured"


@pytest.mark.parametrize("system", [SYSTEM2, SYSTEM1])
def test_checkpoint_without_weights(
    start: Callable[..., Any],
    observer: Any,
    checkpoint: Path,
    tmp_path: Path,
    system: tuple[str, str],
    sensors: Any,
) -> None:
    empty = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, empty, ignore=shutil.ignore_patterns("*.safetensors"))
    process = start(*system, robot="wx250s_sim", checkpoint=empty, autostart=True, sensor_timeout=5.0)
    expect_unconfigured(system[0], process, observer, "model.safetensors")


@pytest.mark.parametrize("system", [SYSTEM2, SYSTEM1])
def test_a_misspelt_parameter_is_named(
    start: Callable[..., Any], observer: Any, checkpoint: Path, system: tuple[str, str]
) -> None:
    process = start(*system, robot="wx250s_sim", checkpoint=checkpoint, autostart=True, sensor_timeuot=1.0)
    expect_unconfigured(system[0], process, observer, "'sensor_timeuot' is unknown to " + system[0])
    assert "did you mean 'sensor_timeout'?" in process.output


def test_missing_camera_names_the_topic(start: Callable[..., Any], observer: Any, checkpoint: Path) -> None:
    process = start(*SYSTEM2, robot="wx250s_sim", checkpoint=checkpoint, autostart=True, sensor_timeout=1.0)
    expect_unconfigured("hume_system2", process, observer, "nobody publishes /camera/scene/image_raw")


@pytest.mark.parametrize("system", [SYSTEM2, SYSTEM1])
def test_wrong_joint_names(
    start: Callable[..., Any], observer: Any, checkpoint: Path, sensors: Any, system: tuple[str, str]
) -> None:
    commands: list[Float64MultiArray] = []
    subscription = observer.node.create_subscription(Float64MultiArray, "arm_controller/commands", commands.append, 10)
    sensors.joints = ["shoulder_pan_joint", "elbow_joint"]
    process = start(*system, robot="wx250s_sim", checkpoint=checkpoint, autostart=True, sensor_timeout=5.0)
    expected = "joint states have no joint 'waist'. They have: shoulder_pan_joint, elbow_joint"
    expect_unconfigured(system[0], process, observer, expected)
    assert commands == []
    observer.node.destroy_subscription(subscription)


class Sensors:
    """Publishes what a robot would, with joint names of the test's choice."""

    def __init__(self, node: Any) -> None:
        self.joints = ["waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate", "left_finger"]
        self._node = node
        self._images = [node.create_publisher(Image, f"camera/{name}/image_raw", 2) for name in ("scene", "wrist")]
        self._states = node.create_publisher(JointState, "joint_states", 2)
        self._timer = node.create_timer(0.05, self._publish)

    def _publish(self) -> None:
        stamp = self._node.get_clock().now().to_msg()
        image = Image(height=4, width=4, step=12, encoding="rgb8", data=bytes(48))
        state = JointState(name=self.joints, position=[0.0] * len(self.joints), velocity=[0.0] * len(self.joints))
        image.header.stamp = state.header.stamp = stamp
        for publisher in self._images:
            publisher.publish(image)
        self._states.publish(state)

    def close(self) -> None:
        self._node.destroy_timer(self._timer)
        for publisher in (*self._images, self._states):
            self._node.destroy_publisher(publisher)


@pytest.fixture
def sensors(observer: Any) -> Any:
    publisher = Sensors(observer.node)
    yield publisher
    publisher.close()
