"""Small recorded sessions and a tiny checkpoint, for the tests of bags and of `hume_bags.regress`."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
import zstandard
from hume_msgs.msg import EpisodeState, Epoch
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray

from hume_bags.export import SOURCES, ExportOptions, run_export
from hume_bags.message_types import type_hash
from hume_bags.provenance import recording_provenance
from hume_bags.quality import qos_to_text
from hume_bags.reader import BagReader
from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.run import regress
from hume_bags.writer import BagWriter
from hume_core.nn.gemma import StackConfig
from hume_core.policy_contract import PolicyContract
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_demonstrations
from hume_training.initialize import create_checkpoint
from hume_training.presets import Preset

ROBOT = "wx250s_sim"
ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
SECONDS = 1000.0
"""When a `Session` begins."""
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


class Session:
    """A made-up recording: joints and commands are known functions of time, images tell their number."""

    def __init__(
        self,
        folder: Path,
        profile: RobotProfile,
        skip: Callable[[str, float], bool] = lambda *_: False,
        namespace: str = "",
    ) -> None:
        self.writer = BagWriter(folder, recording_provenance(str(ROBOTS / f"{ROBOT}.yaml")))
        self.profile, self.skip, self.prefix = profile, skip, f"/{namespace}" if namespace else ""
        self.joints = [*profile.joint_names, "left_finger"]
        types = {
            "/joint_states": "sensor_msgs/msg/JointState", "/camera/scene/image_raw": "sensor_msgs/msg/Image",
            "/camera/wrist/image_raw": "sensor_msgs/msg/Image",
            "/arm_controller/commands": "std_msgs/msg/Float64MultiArray",
            "/gripper_controller/commands": "std_msgs/msg/Float64MultiArray", "/hume/epoch": "hume_msgs/msg/Epoch",
            "/sim/episode": "hume_msgs/msg/EpisodeState",
        }  # fmt: skip
        for topic, name in types.items():
            self.add(topic, name)

    def add(self, topic: str, type_name: str) -> None:
        self.writer.add_topic(self.prefix + topic, type_name, [qos.SENSOR])

    def write(self, topic: str, message: Any, time: float) -> None:
        if not self.skip(topic, time - SECONDS):
            self.writer.write_message(self.prefix + topic, message, round(time * 1e9))

    def epoch(self, number: int, reason: str, time: float, source: str = "/hume_system2") -> None:
        message = Epoch(epoch=number, reason=reason, source=source)
        set_stamp(message.header.stamp, time)
        self.write("/hume/epoch", message, time)

    def scene(self, success: bool, time: float) -> None:
        message = EpisodeState(seed=5, task="lift", instruction="lift the red cube", success=success)
        set_stamp(message.header.stamp, time)
        self.write("/sim/episode", message, time)

    def sensors(self, seconds: float) -> None:
        """Joint states at 100 Hz, commands at 200 Hz, images at 20 Hz."""
        for k in range(round(seconds * 200)):
            time = SECONDS + k / 200
            arm = Float64MultiArray(data=[0.1 * (time - SECONDS)] * len(self.profile.joint_names))
            self.write("/arm_controller/commands", arm, time)
            self.write("/gripper_controller/commands", Float64MultiArray(data=[0.026]), time)
            if k % 2 == 0:
                state = JointState(name=self.joints[::-1], position=[float(j) for j in range(len(self.joints))][::-1])
                state.position[-1] = time - SECONDS
                set_stamp(state.header.stamp, time)
                self.write("/joint_states", state, time + 0.001)
            if k % 10 == 0:
                for camera in ("scene", "wrist"):
                    pixels = bytes([k // 10 % 256]) * 48
                    image = Image(height=4, width=4, encoding="bgr8", step=12, data=pixels)
                    set_stamp(image.header.stamp, time)
                    self.write(f"/camera/{camera}/image_raw", image, time + 0.002)

    def goal(self, start: float, end: float, reason: str = "canceled", number: int = 1) -> None:
        self.epoch(number, "instruction: lift the red cube", SECONDS + start)
        self.epoch(number + 1, reason, SECONDS + end)


@pytest.fixture
def profile() -> RobotProfile:
    return RobotProfile.load(ROBOTS / f"{ROBOT}.yaml")


@pytest.fixture
def record(profile: RobotProfile) -> Callable[..., Session]:
    """A new `Session` of the simulated robot."""
    return lambda folder, *more, **options: Session(folder, profile, *more, **options)


@pytest.fixture
def exported() -> Callable[..., tuple[Demonstrations, dict[str, Any]]]:
    """Exports a bag. Gives the dataset, and what was written about its sources."""

    def export(bag: Path, folder: Path, **more: Any) -> tuple[Demonstrations, dict[str, Any]]:
        assert run_export(ExportOptions((bag,), folder, **({"images": True} | more))) == 0
        return load_demonstrations(folder), json.loads((folder / SOURCES).read_text())

    return export


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


def to_sqlite(source: Path, folder: Path, version: int = 9, packing: str = "", files: int = 1) -> Path:
    """A bag anew as sqlite3, with the tables and metadata of a version.

    Args:
        source: the bag.
        folder: of the new one.
        version: of the metadata. Tables got their columns over time.
        packing: file, message or nothing.
        files: that the messages are split over.
    """
    reader = BagReader(source)
    items = list(reader.messages())
    numbers = {topic: number for number, topic in enumerate(reader.topics, 1)}
    folder.mkdir()
    pack = zstandard.ZstdCompressor().compress
    names = []
    for part in range(files):
        path = folder / f"{folder.name}_{part}.db3"
        database = sqlite3.connect(path)
        columns = ["name", "type", "serialization_format", "offered_qos_profiles", "type_description_hash"]
        columns = columns[: 3 + (version >= 4) + (version >= 7)]
        database.execute(
            f"CREATE TABLE topics(id INTEGER PRIMARY KEY, {', '.join(f'{c} TEXT NOT NULL' for c in columns)})"
        )
        database.execute(
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, "
            "data BLOB NOT NULL)"
        )
        for topic, info in reader.topics.items():
            texts = [topic, info.type, "cdr", qos_to_text(info.qos), type_hash(info.type)][: len(columns)]
            marks = ", ".join("?" * (1 + len(texts)))
            database.execute(f"INSERT INTO topics VALUES ({marks})", [numbers[topic], *texts])
        for item in items[part * len(items) // files : (part + 1) * len(items) // files]:
            data = pack(item.data) if packing == "message" else item.data
            values = [numbers[item.topic], item.log_time_ns, data]
            database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)", values)
        database.commit()
        database.close()
        if packing == "file":
            packed = path.with_name(f"{path.name}.zstd")
            packed.write_bytes(pack(path.read_bytes()))
            path.unlink()
            path = packed
        # Until version 3 with the folder's name in front.
        names.append(path.name if version > 3 else f"{folder.name}/{path.name}")
    information = {
        "version": version, "storage_identifier": "sqlite3", "relative_file_paths": names, "message_count": len(items),
        "compression_format": "zstd" if packing else "", "compression_mode": packing.upper(),
        "custom_data": {key: json.dumps(value) for key, value in reader.provenance.items()},
    }  # fmt: skip
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": information}))
    return folder


@pytest.fixture(scope="session")
def as_sqlite() -> Callable[..., Path]:
    """`to_sqlite`."""
    return to_sqlite
