"""The kinds of files that `hostile_files.py` mutates and reads."""

from __future__ import annotations

import os
import random
import shutil
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mutations import mutated_bytes, mutated_json, mutated_tree, mutated_yaml

ROOT = Path(__file__).parents[2]


class Kind:
    """One kind of file: `spoil` leaves a mutated one in `folder`, `read` reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def spoil(self, random_: random.Random) -> None:
        raise NotImplementedError

    def read(self) -> None:
        raise NotImplementedError


class Checkpoint(Kind):
    """The shipped checkpoint: configuration, tokenizer, contract, and the header of its tensors."""

    FILES = (
        "config.json", "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "vqh_backbone.json", "policy_contract.json", "model.safetensors",
    )  # fmt: skip

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import torch

        from hume_core.robot import RobotProfile
        from hume_system1.model import System1
        from hume_system2.model import System2
        from hume_training.default_checkpoint import shipped_checkpoint

        torch.set_num_threads(1)
        self.systems = (System2, System1)
        self.source = shipped_checkpoint("wx250s_tabletop")
        self.profile = RobotProfile.load("wx250s_sim")

    def spoil(self, random_: random.Random) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in set(self.FILES):
            (self.folder / name).symlink_to(self.source / name)
        path = self.folder / random_.choice(self.FILES)
        path.unlink()
        if path.name == "model.safetensors":
            self._spoil_tensors(path, random_)
        else:
            path.write_text(mutated_json((self.source / path.name).read_text(), random_), encoding="utf-8")

    def _spoil_tensors(self, path: Path, random_: random.Random) -> None:
        """A mutated header. The numbers are zeros that take no room on the disk."""
        with (self.source / path.name).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = file.read(length)
        new = mutated_json(header.decode(), random_).encode()
        said = len(new) if random_.random() < 0.8 else random_.choice((0, 1, 2**31, 2**63, 2**64 - 1, len(new) + 8))
        path.write_bytes(struct.pack("<Q", said) + new)
        os.truncate(path, 8 + len(new) + (self.source / path.name).stat().st_size - 8 - length)

    def read(self) -> None:
        system2, system1 = (system.from_pretrained(self.folder) for system in self.systems)
        if system2.contract is not None:
            system2.contract.differences(self.profile)
            system2.contract.adapt(self.profile)
        system2.warm_up()
        system1.warm_up()


class Dataset(Kind):
    """A small dataset: description, episodes, tasks and frames."""

    IMAGES = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import numpy as np
        import pyarrow.parquet

        from hume_training.data.layout import demonstration_features
        from hume_training.data.reader import load_demonstrations
        from hume_training.data.writer import EpisodeData, finish, stage_shard

        self.load, self.parquet = load_demonstrations, pyarrow.parquet
        self.source = folder.with_name(f"{folder.name}_whole")
        features = demonstration_features(["image"], 16, ["a", "b", "gripper"], ["cube"], 20, self.IMAGES)
        numbers = np.random.default_rng(0)
        episodes = []
        for _ in range(2):
            columns: dict[str, Any] = {
                key: numbers.random((5, *feature.shape)).astype(feature.dtype)
                for key, feature in features.items()
                if feature.dtype == "float32"
            }
            columns |= {key: np.zeros(5, bool) for key, feature in features.items() if feature.dtype == "bool"}
            images = numbers.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
            episodes.append(EpisodeData({**columns, "observation.images.image": images}, "lift", 0, True))
        stage_shard(self.source, 0, episodes, features)
        finish(self.source, features, 20, "test")
        self.files = [path.relative_to(self.source) for path in sorted(self.source.rglob("*.parquet"))]

    def spoil(self, random_: random.Random) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.source, self.folder)
        info = self.folder / "meta" / "info.json"
        if random_.random() < 0.5:
            info.write_text(mutated_json(info.read_text(), random_), encoding="utf-8")
            return
        path = self.folder / random_.choice(self.files)
        if random_.random() < 0.6:
            path.write_bytes(mutated_bytes(path.read_bytes(), random_))
        else:
            self._spoil_rows(path, random_)

    def _spoil_rows(self, path: Path, random_: random.Random) -> None:
        """A parquet file that is whole and holds something else."""
        import pyarrow

        whole = path.read_bytes()
        rows = self.parquet.read_table(path).to_pylist()
        changed = mutated_tree(rows, random_)
        try:
            self.parquet.write_table(pyarrow.Table.from_pylist(changed), path)
        except (pyarrow.ArrowException, AttributeError, TypeError, ValueError, OverflowError):
            path.write_bytes(mutated_bytes(whole, random_))

    def read(self) -> None:
        self.load(self.folder)


class VideoDataset(Dataset):
    """A small dataset whose camera is a video."""

    IMAGES = False

    def spoil(self, random_: random.Random) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.source, self.folder)
        episodes = next((self.folder / "meta" / "episodes").rglob("*.parquet"))
        if random_.random() < 0.2:
            self._spoil_rows(episodes, random_)
            return
        path = next((self.folder / "videos").rglob("*.mp4"))
        path.write_bytes(mutated_bytes(path.read_bytes(), random_))


class Bag(Kind):
    """A small bag of another recorder: the file of messages and the metadata."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from hume_msgs.msg import Epoch
        from sensor_msgs.msg import Image, JointState

        from hume_bags.inspection import inspect_bag
        from hume_bags.reader import BagReader
        from hume_bags.writer import BagWriter
        from hume_ros import qos

        self.reader, self.inspect = BagReader, inspect_bag
        self.source = folder.with_name(f"{folder.name}_whole")
        profile = (ROOT / "src/hume_bringup/config/robots/wx250s_sim.yaml").read_text()
        with BagWriter(self.source, {"robot": "wx250s_sim", "profile": profile}) as writer:
            writer.add_topic("/joint_states", "sensor_msgs/msg/JointState", [qos.SENSOR])
            writer.add_topic("/camera/scene/image_raw", "sensor_msgs/msg/Image", [qos.SENSOR])
            writer.add_topic("/hume/epoch", "hume_msgs/msg/Epoch", [qos.LATCHED])
            for k in range(20):
                state = JointState(name=["waist"], position=array("d", [0.1]), velocity=array("d", [0.0]))
                image = Image(height=4, width=4, encoding="rgb8", step=12, data=bytes(48))
                for message in (state, image):
                    message.header.stamp.sec = k
                writer.write_message("/joint_states", state, k * 10**9)
                writer.write_message("/camera/scene/image_raw", image, k * 10**9)
                if k % 7 == 0:
                    writer.write_message("/hume/epoch", Epoch(epoch=k, source="/s", reason="instruction: x"), k * 10**9)
                    writer.flush()
        self.mcap = next(self.source.glob("*.mcap"))

    def spoil(self, random_: random.Random) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.source, self.folder)
        metadata = self.folder / "metadata.yaml"
        if random_.random() < 0.25:
            metadata.write_text(mutated_yaml(metadata.read_text(), random_), encoding="utf-8")
        else:
            (self.folder / self.mcap.name).write_bytes(mutated_bytes(self.mcap.read_bytes(), random_))

    def read(self) -> None:
        reader = self.reader(self.folder)
        try:
            self.inspect(reader)
            assert len(reader.problems) < 500
        finally:
            reader.close()


class Profile(Kind):
    """Robot profiles, and the files of limits, policies and parameters that go with them."""

    LIMITS = "scale: {velocity: 0.5}\njoints: {waist: {position: [-1.0, 1.0], velocity: 0.5}}\ngripper: {speed: 0.02}\n"
    POLICY = "system2: {candidates: 5, time_temp: [0.9, 1.0]}\nsystem1: {refine: true, chunk_switch: at_once}\n"
    PARAMS = "hume_system1:\n  ros__parameters: {robot: wx250s_sim, rate: 1.0}\n/**: {a: {ros__parameters: {b: 1}}}\n"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from hume_bringup.params_file import check_params_file, names_parameter
        from hume_bringup.policy_config import load_policy_config
        from hume_core.limits_file import tightened
        from hume_core.policy_contract import PolicyContract
        from hume_core.robot import RobotProfile
        from hume_system1.control.control_settings import ControlSettings
        from hume_system1.robot_settings import control_settings, gripper_settings

        self.robots = sorted((ROOT / "src/hume_bringup/config/robots").glob("*.yaml"))
        whole = RobotProfile.load("wx250s_sim")

        def profile(path: Path) -> None:
            robot = RobotProfile.load(path)
            robot.motion_limits()
            gripper_settings(robot)
            control_settings(robot, ControlSettings())
            PolicyContract.of(robot).differences(whole)

        def params(path: Path) -> None:
            check_params_file(str(path))
            names_parameter(str(path), "robot")

        self.readers: dict[str, Callable[[Path], Any]] = {
            "profile": profile,
            "limits": lambda path: tightened(whole, path),
            "policy": lambda path: load_policy_config(str(path)),
            "params": params,
        }
        self.chosen = "profile"
        self.path = folder / "file.yaml"

    def spoil(self, random_: random.Random) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.chosen = random_.choice(("profile", "profile", "profile", *self.readers))
        texts = {"limits": self.LIMITS, "policy": self.POLICY, "params": self.PARAMS}
        text = texts.get(self.chosen) or random_.choice(self.robots).read_text(encoding="utf-8")
        self.path.write_text(mutated_yaml(text, random_), encoding="utf-8")

    def read(self) -> None:
        self.readers[self.chosen](self.path)


KINDS = {"checkpoint": Checkpoint, "dataset": Dataset, "video": VideoDataset, "bag": Bag, "profile": Profile}
