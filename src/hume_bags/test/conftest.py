"""A small recorded session and a tiny checkpoint, for the tests of `hume_bags.regress`."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import Epoch
from sensor_msgs.msg import Image, JointState

from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.run import regress
from hume_bags.writer import BagWriter
from hume_core.nn.gemma import StackConfig
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_training.initialize import create_checkpoint
from hume_training.presets import Preset

ROBOT = "wx250s_sim"
START = 1_700_000_000_000_000_000
MS = 1_000_000
STACK = StackConfig(32, 64, 1, 2, 1, 16)
TINY = Preset(
    image=32, patch=16, siglip=(32, 64, 1, 2), dino=(32, 64, 1, 2), text=STACK, expert=STACK, value=STACK,
    system1=STACK, max_dim=8,
)  # fmt: skip
Edit = Callable[[str, Any, int], tuple[Any, int] | None]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    profile = RobotProfile.load(ROBOT)
    home = list(profile.home)
    centre = profile.action_space.resting_row(np.array(home))
    folder: Path = create_checkpoint(
        tmp_path_factory.mktemp("checkpoint") / "tiny", TINY, 3,
        state_mean=[*home, 0.026], state_std=[0.05] * 6 + [0.01],
        action_mean=[*centre, 0.5], action_std=[0.05] * 6 + [0.3], s1_num_steps=2, num_steps=3,
        contract=PolicyContract.of(profile),
    )  # fmt: skip
    return folder


def stamped(message: Any, time: int) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = time // 10**9, time % 10**9
    return message


def joint_state(time: int) -> JointState:
    profile = RobotProfile.load(ROBOT)
    moving = 0.03 * np.sin(3e-9 * max(0, time - START - 300 * MS) + np.arange(6)) - 0.03 * np.sin(np.arange(6))
    message = JointState(name=[*profile.joint_names, "left_finger"])
    message.position = array("d", [*(np.array(profile.home) + moving), 0.02])
    message.velocity = array("d", [0.0] * 7)
    return stamped(message, time)


def image(time: int, seed: int) -> Image:
    pixels = np.random.default_rng(seed).integers(0, 256, 24 * 32 * 3, dtype=np.uint8)
    message = Image(height=24, width=32, encoding="rgb8", step=96, data=array("B", pixels.tobytes()))
    return stamped(message, time)


def keep(topic: str, message: Any, time: int) -> tuple[Any, int]:
    return message, time


def write_bag(folder: Path, edit: Edit = keep, seconds: float = 1.6) -> Path:
    """Joint states at 100 Hz, cameras at 15 Hz, an instruction at 0.2 s. `edit` may change or drop messages."""
    plan: list[tuple[int, str, str, Any]] = []
    for k in range(round(seconds * 100)):
        plan.append((START + 10 * MS * k, "/joint_states", "sensor_msgs/msg/JointState", joint_state))
    for k in range(round(seconds * 15)):
        for topic, seed in (("/camera/scene/image_raw", 2 * k), ("/camera/wrist/image_raw", 2 * k + 1)):
            make = lambda time, seed=seed: image(time, seed)  # noqa: E731
            plan.append((START + 3 * MS + 66_666_667 * k, topic, "sensor_msgs/msg/Image", make))
    epoch = Epoch(epoch=1, source="/hume_system2", reason="instruction: lift the red cube")
    plan.append((START + 200 * MS, "/hume/epoch", "hume_msgs/msg/Epoch", lambda time: stamped(epoch, time)))
    with BagWriter(folder, {"robot": ROBOT}) as writer:
        for time, topic, kind, make in sorted(plan, key=lambda item: (item[0], item[1])):
            edited = edit(topic, make(time), time)
            if edited is not None:
                writer.add_topic(topic, kind)
                writer.write_message(topic, edited[0], edited[1] + MS)
    return folder


@pytest.fixture(scope="session")
def write_session() -> Callable[..., Path]:
    """`write_bag`."""
    return write_bag


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bag(tmp_path_factory.mktemp("bag") / "session")


@pytest.fixture(scope="session")
def options(bag: Path, checkpoint: Path) -> RegressOptions:
    return RegressOptions(bag, checkpoint=str(checkpoint), candidates=2, think_latency=0.08, denoise_latency=0.03)


@pytest.fixture(scope="session")
def golden(options: RegressOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "session.stream"
    path.write_bytes(regress(options).stream.to_bytes())
    return path
