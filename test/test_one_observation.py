"""State and pictures are composed by one code: live, on bags, in sessions and in exports, for every contract."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState

from hume_bags.export import ExportOptions, run_export
from hume_bags.observations import BagObservations
from hume_bags.reader import BagReader
from hume_bags.writer import BagWriter
from hume_core.policy_contract import PolicyContract, named_contract
from hume_core.robot import RobotProfile, find_profile
from hume_core.state_composer import StateComposer
from hume_ros.conversions import set_stamp
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer, SensorFrame
from hume_session import Latencies, LatencyModel, PolicyFacts
from hume_session.schedule import Schedule
from hume_session.thinking import ThinkingStage
from hume_training.data.reader import load_demonstrations

START, COUNT = 1000.0, 40
CASES = (("libero_goal", "franka_panda"), ("libero_object", "franka_panda"), ("bridge", "wx250s"))


@dataclass(frozen=True)
class Sent:
    """What a robot published."""

    profile: RobotProfile
    joints: NDArray[np.float64]
    grippers: NDArray[np.float64]
    pictures: list[NDArray[np.uint8]]

    def messages(self) -> list[tuple[float, str, Any]]:
        """(time, topic, message), a set of cameras and joints each 0.05 s."""
        gripper = self.profile.gripper
        assert gripper is not None
        sent: list[tuple[float, str, Any]] = []
        for k in range(COUNT):
            time = START + 0.05 * k
            state = JointState(name=[*self.profile.joint_names, gripper.joint])
            state.position = array("d", [*self.joints[k], self.grippers[k]])
            state.velocity = array("d", [0.0] * len(state.name))
            set_stamp(state.header.stamp, time)
            sent.append((time, "/" + self.profile.joint_states, state))
            for camera in self.profile.cameras.values():
                height, width = self.pictures[k].shape[:2]
                image = Image(height=height, width=width, encoding="rgb8", step=3 * width)
                image.data = array("B", self.pictures[k].tobytes())
                set_stamp(image.header.stamp, time)
                sent.append((time, "/" + camera.topic, image))
        return sent


@pytest.fixture(params=CASES, ids=[name for name, _ in CASES])
def contract(request: pytest.FixtureRequest) -> tuple[PolicyContract, str, str]:
    name, robot = request.param
    return named_contract(name), name, robot


def sent_by(profile: RobotProfile) -> Sent:
    random = np.random.default_rng(11)
    low, high = zip(*(joint.position for joint in profile.joints if joint.position is not None), strict=True)
    gripper = profile.gripper
    assert gripper is not None
    pictures = [random.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(COUNT)]
    joints = random.uniform(0.5 * np.array(low), 0.5 * np.array(high), (COUNT, len(low)))
    return Sent(profile, joints, random.uniform(gripper.closed, gripper.open, COUNT), pictures)


def expected(sent: Sent, robot: RobotProfile) -> list[tuple[NDArray[np.float32], dict[str, NDArray[np.uint8]]]]:
    """By the composer and the cameras alone."""
    compose = StateComposer.of(robot).compose
    return [
        (
            compose(sent.joints[k], None, float(sent.grippers[k])),
            {key: camera.prepare(sent.pictures[k]) for key, camera in robot.cameras.items()},
        )
        for k in range(COUNT)
    ]


def check(frames: Sequence[SensorFrame], wanted: list[Any]) -> None:
    assert len(frames) == COUNT
    for frame, (state, pictures) in zip(frames, wanted, strict=True):
        assert frame.states[-1].tobytes() == state.tobytes()
        assert list(frame.images) == list(pictures)
        for key, picture in pictures.items():
            np.testing.assert_array_equal(frame.images[key][0], picture)


def test_live_bag_session_and_export_give_the_same(contract: tuple[PolicyContract, str, str], tmp_path: Path) -> None:
    wants, name, robot_name = contract
    profile = RobotProfile.load(robot_name)
    sent, robot = sent_by(profile), wants.seen_by(profile)
    wanted = expected(sent, robot)
    check(live(sent, robot), wanted)
    bag = recorded(sent, tmp_path / "bag", robot_name)
    check([item.frame for item in BagObservations(BagReader(bag), robot).frames()], wanted)
    check(in_a_session(sent, robot), wanted)
    options = ExportOptions(
        (bag,), tmp_path / "data", robot_name, task="lift", actions="states", contract=name, images=True
    )
    assert run_export(options) == 0
    data = load_demonstrations(tmp_path / "data")
    known = {state.tobytes(): pictures for state, pictures in wanted}
    assert len(data.state) > 3
    for row, state in enumerate(data.state):
        pictures = known[np.asarray(state, np.float32).tobytes()]
        for key, picture in pictures.items():
            np.testing.assert_array_equal(data.images[key][row], picture)


def live(sent: Sent, robot: RobotProfile) -> list[SensorFrame]:
    sources = {key: MessageSource() for key in (*robot.cameras, JOINT_STATES)}
    buffer = ObservationBuffer(robot, sources)
    frames: list[SensorFrame] = []
    for _, topic, message in sent.messages():
        for key in keys(robot, topic):
            sources[key].deliver(message)
        if buffer.newest_stamp() > (frames[-1].stamp if frames else 0.0):
            frames.append(buffer.take(buffer.newest_stamp()))
    return frames


def keys(robot: RobotProfile, topic: str) -> list[str]:
    found = [key for key, camera in robot.cameras.items() if "/" + camera.topic == topic]
    return found or ([JOINT_STATES] if topic == "/" + robot.joint_states else [])


def recorded(sent: Sent, folder: Path, robot: str) -> Path:
    with BagWriter(folder, {"robot": str(find_profile(robot))}) as writer:
        for time, topic, message in sent.messages():
            kind = "JointState" if isinstance(message, JointState) else "Image"
            writer.add_topic(topic, f"sensor_msgs/msg/{kind}")
            writer.write_message(topic, message, round(time * 1e9))
    return folder


def in_a_session(sent: Sent, robot: RobotProfile) -> list[SensorFrame]:
    """What System 2's stage of a session would think about."""
    schedule = Schedule()
    stage = ThinkingStage(
        robot, PolicyFacts(tuple(robot.cameras), 1, SimpleNamespace()), SimpleNamespace(),
        LatencyModel(Latencies.constant(0.1), Latencies.constant(0.1)).think, schedule, SimpleNamespace(), print,
    )  # type: ignore[arg-type] # fmt: skip
    observer = stage._observer
    frames: list[SensorFrame] = []
    for _, topic, message in sent.messages():
        for key in keys(robot, topic):
            stage._sources[key].deliver(message)
        if observer.newest_stamp() > (frames[-1].stamp if frames else 0.0):
            frames.append(observer.take(observer.newest_stamp()))
    return frames
