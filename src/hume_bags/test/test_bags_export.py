"""Bag -> dataset -> training is one path: the arrays are those that the nodes see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hume_msgs.msg import EpisodeState, Epoch
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray

from hume_bags.commands import Track
from hume_bags.episodes import find_episodes
from hume_bags.errors import BagError
from hume_bags.export import SOURCES, ExportOptions, run_export
from hume_bags.provenance import recording_provenance
from hume_bags.reader import BagReader
from hume_bags.writer import BagWriter
from hume_core.robot import RobotProfile
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer, SensorFrame
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.reader import load_demonstrations
from hume_training.training.run import run_train

ROOT = Path(__file__).parents[3]
LIFT = ROOT / "test" / "fixtures" / "bags" / "lift"
ROBOTS = ROOT / "src" / "hume_bringup" / "config" / "robots"
CONFIGS = ROOT / "src" / "hume_training" / "hume_training" / "configs"
START = 1000.0


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


@pytest.fixture
def profile() -> RobotProfile:
    return RobotProfile.load(ROBOTS / "wx250s_sim.yaml")


class Session:
    """A made-up recording: joints and commands are known functions of time, images tell their number."""

    def __init__(
        self, folder: Path, profile: RobotProfile, skip: Callable[[str, float], bool] = lambda *_: False
    ) -> None:
        self.writer = BagWriter(folder, recording_provenance(str(ROBOTS / "wx250s_sim.yaml")))
        self.profile, self.skip = profile, skip
        self.joints = [*profile.joint_names, "left_finger"]
        types = {
            "/joint_states": "sensor_msgs/msg/JointState", "/camera/scene/image_raw": "sensor_msgs/msg/Image",
            "/camera/wrist/image_raw": "sensor_msgs/msg/Image",
            "/arm_controller/commands": "std_msgs/msg/Float64MultiArray",
            "/gripper_controller/commands": "std_msgs/msg/Float64MultiArray", "/hume/epoch": "hume_msgs/msg/Epoch",
            "/sim/episode": "hume_msgs/msg/EpisodeState",
        }  # fmt: skip
        for topic, name in types.items():
            self.writer.add_topic(topic, name, [qos.SENSOR])

    def write(self, topic: str, message: Any, time: float) -> None:
        if not self.skip(topic, time - START):
            self.writer.write_message(topic, message, round(time * 1e9))

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
            time = START + k / 200
            arm = Float64MultiArray(data=[0.1 * (time - START)] * len(self.profile.joint_names))
            self.write("/arm_controller/commands", arm, time)
            self.write("/gripper_controller/commands", Float64MultiArray(data=[0.026]), time)
            if k % 2 == 0:
                state = JointState(name=self.joints[::-1], position=[float(j) for j in range(len(self.joints))][::-1])
                state.position[-1] = time - START
                set_stamp(state.header.stamp, time)
                self.write("/joint_states", state, time + 0.001)
            if k % 10 == 0:
                for camera in ("scene", "wrist"):
                    pixels = bytes([k // 10 % 256]) * 48
                    image = Image(height=4, width=4, encoding="bgr8", step=12, data=pixels)
                    set_stamp(image.header.stamp, time)
                    self.write(f"/camera/{camera}/image_raw", image, time + 0.002)

    def goal(self, start: float, end: float, reason: str = "canceled", number: int = 1) -> None:
        self.epoch(number, "instruction: lift the red cube", START + start)
        self.epoch(number + 1, reason, START + end)


def exported(bag: Path, folder: Path, **more: Any) -> tuple[Demonstrations, dict[str, Any]]:
    assert run_export(ExportOptions((bag,), folder, **({"images": True} | more))) == 0
    return load_demonstrations(folder), json.loads((folder / SOURCES).read_text())


def test_live_messages_bag_messages_and_exported_frames_give_identical_arrays(tmp_path: Path) -> None:
    """Live means: what the nodes' own buffer makes of the messages as they arrive."""
    reader = BagReader(LIFT)
    profile = RobotProfile.model_validate(yaml.safe_load(reader.provenance["profile"]))
    live = live_frames(reader, profile)
    data, _ = exported(LIFT, tmp_path / "data")
    episode = find_episodes(reader)[0]
    stamps = np.array([frame.stamp for frame in live])
    first = stamps[stamps >= episode.start][0]
    assert len(data.state) > 100
    for row in range(len(data.state)):
        at = live[int(np.searchsorted(stamps, first + row * profile.action.dt + 1e-4, side="right")) - 1]
        for key in profile.cameras:
            assert np.array_equal(data.images[key][row], at.images[key][0])
        assert np.array_equal(data.state[row], at.states[-1])


def live_frames(reader: BagReader, profile: RobotProfile) -> list[SensorFrame]:
    topics = {"/" + camera.topic: key for key, camera in profile.cameras.items()} | {"/joint_states": JOINT_STATES}
    sources = {key: MessageSource() for key in topics.values()}
    buffer = ObservationBuffer(profile, sources)
    frames: list[SensorFrame] = []
    for item in reader.messages(list(topics)):
        sources[topics[item.topic]].deliver(item.message)
        if buffer.newest_stamp() > (frames[-1].stamp if frames else 0.0):
            frames.append(buffer.take(buffer.newest_stamp()))
    return frames


def test_rows_lie_on_the_action_grid_by_time(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile)
    session.sensors(3.0)
    session.goal(0.52, 2.52)
    session.scene(True, START + 2.5)
    session.writer.close()
    data, sources = exported(tmp_path / "bag", tmp_path / "data")
    # The first observation of the goal is of 0.55 s. Image number = time / 0.05 s.
    times = 0.55 + 0.05 * np.arange(len(data.state))
    assert len(times) == 40
    assert np.array_equal(data.images["image"][:, 0, 0, 0], np.round(times / 0.05))
    np.testing.assert_allclose(data.state[:, 0], times, atol=1e-3)
    np.testing.assert_array_equal(data.state[:, 1:], np.tile(np.arange(1, 7), (40, 1)))
    np.testing.assert_allclose(data.action[:, :6], np.tile(0.1 * times[:, None], (1, 6)), atol=1e-6)
    np.testing.assert_allclose(data.action[:, 6], 0.5, atol=1e-6)  # half open
    assert data.tasks == ["lift the red cube"]
    assert data.fps == 20
    assert data.success is not None
    assert data.success.tolist() == [False] * 39 + [True]
    assert sources["episodes"][0]["reason"] == "canceled"


def test_measured_positions_can_be_the_actions(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile, lambda topic, _: topic.endswith("commands"))
    session.sensors(2.0)
    session.goal(0.5, 1.5)
    session.writer.close()
    with pytest.raises(BagError, match="no commands on '/arm_controller/commands'; --actions states"):
        run_export(ExportOptions((tmp_path / "bag",), tmp_path / "data"))
    data, _ = exported(tmp_path / "bag", tmp_path / "data", actions="states")
    np.testing.assert_allclose(data.action[:-1, :6], data.state[1:, :6], atol=1e-6)


@pytest.mark.parametrize("speed", [0.7, -3.0])
def test_between_two_commands_a_continuous_joint_goes_the_short_way(speed: float) -> None:
    """Commands to a driver that wraps go from pi to -pi. The mean of the two would be on the opposite side."""
    times = np.linspace(0.0, 10.0, 301)
    angles = np.stack([2.0 + speed * times] * 2, axis=1)
    wrapped = (angles + np.pi) % (2.0 * np.pi) - np.pi
    track = Track(times, wrapped, "commands", np.array([True, False]))
    np.testing.assert_array_equal(track.at(times), wrapped)
    between = np.linspace(0.01, 9.99, 777)
    found = track.at(between)[:, 0]
    expected = 2.0 + speed * between
    np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * expected), atol=1e-9)
    assert np.abs(found).max() < np.pi + abs(speed) / 30.0
    np.testing.assert_array_equal(track.at(between)[:, 1], np.interp(between, times, wrapped[:, 1]))


def test_goals_end_where_system2_says_and_not_at_resets_of_system1(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile)
    session.epoch(1, "instruction: lift the red cube", START)
    session.epoch(2, "reset", START + 1, "/hume_system1")
    session.epoch(3, "instruction: stack", START + 2)
    session.epoch(4, "done", START + 3)
    session.epoch(5, "instruction: lift the blue cube", START + 4)
    session.write("/arm_controller/commands", Float64MultiArray(), START + 5)
    session.writer.close()
    found = find_episodes(BagReader(tmp_path / "bag"))
    assert [
        (e.instruction, round(e.start - START, 6), round(e.end - START, 6), e.reason, e.success) for e in found
    ] == [
        ("lift the red cube", 0.0, 2.0, "preempted", None),
        ("stack", 2.0, 3.0, "done", True),
        ("lift the blue cube", 4.0, 5.0, "end of the recording", None),
    ]


def test_bags_without_goals_are_cut_at_scenes_or_named(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile)
    session.sensors(1.0)
    for time, success in ((0.0, False), (0.5, False), (0.9, True)):
        session.scene(success, START + time)
    session.writer.close()
    assert [e.success for e in find_episodes(BagReader(tmp_path / "bag"))] == [True]
    session = Session(tmp_path / "plain", profile, lambda topic, _: topic.startswith("/sim"))
    session.sensors(1.0)
    session.writer.close()
    with pytest.raises(BagError, match="name the instruction with --task"):
        run_export(ExportOptions((tmp_path / "plain",), tmp_path / "data"))
    data, sources = exported(tmp_path / "plain", tmp_path / "data", task="wave")
    assert data.tasks == ["wave"]
    assert data.success is None
    assert any("next.success" in problem for problem in sources["skipped"])
    data, _ = exported(tmp_path / "plain", tmp_path / "labelled", task="wave", success=True)
    assert data.success is not None
    assert data.success[-1]


def test_an_episode_with_a_gap_is_skipped_and_reported(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile, lambda topic, t: "wrist" in topic and 2.0 < t < 2.6)
    session.sensors(4.0)
    session.goal(0.5, 1.5)
    session.goal(1.6, 3.5, number=3)
    session.writer.close()
    data, sources = exported(tmp_path / "bag", tmp_path / "data")
    assert len(data.tasks) == 1
    assert any("the newest observation is 0." in problem and "max_age" in problem for problem in sources["skipped"])
    data, _ = exported(tmp_path / "bag", tmp_path / "tolerant", max_age=1.0)
    assert len(data.tasks) == 2


def test_stamps_that_go_back_are_reported_and_rows_stay_in_order(tmp_path: Path, profile: RobotProfile) -> None:
    session = Session(tmp_path / "bag", profile)
    session.sensors(2.0)
    for camera in ("scene", "wrist"):  # a set of 0.965 s that comes after the one of 1 s
        image = Image(height=4, width=4, encoding="bgr8", step=12, data=bytes([200]) * 48)
        set_stamp(image.header.stamp, START + 0.965)
        session.write(f"/camera/{camera}/image_raw", image, START + 1.004)
    session.goal(0.5, 1.5)
    session.writer.close()
    data, sources = exported(tmp_path / "bag", tmp_path / "data")
    assert any("the stamp goes back" in problem for problem in sources["skipped"])
    assert data.images["image"][:, 0, 0, 0].tolist() == list(range(10, 31))


@pytest.mark.parametrize("topic", ["camera", "joint_states"])
def test_a_missing_topic_is_refused(tmp_path: Path, profile: RobotProfile, topic: str) -> None:
    moved = profile.model_dump(mode="json")
    session = Session(tmp_path / "bag", profile)
    session.sensors(1.0)
    session.goal(0.1, 0.9)
    session.writer.close()
    if topic == "joint_states":
        moved["joint_states"] = "elsewhere"
    else:
        moved["cameras"]["wrist_image"]["topic"] = "elsewhere"
    path = tmp_path / "moved.yaml"
    path.write_text(yaml.safe_dump(moved))
    with pytest.raises(BagError, match="has no topic '/elsewhere'"):
        run_export(ExportOptions((tmp_path / "bag",), tmp_path / "data", robot=str(path)))


def test_another_robots_joints_are_refused(tmp_path: Path, profile: RobotProfile) -> None:
    other = profile.model_dump(mode="json")
    other["joints"][2]["name"] = "upper_elbow"
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(other))
    with pytest.raises(BagError, match="joint states have no joint 'upper_elbow'; they have: waist, shoulder"):
        run_export(ExportOptions((LIFT,), tmp_path / "data", robot=str(path)))


def test_bags_of_two_robots_do_not_mix(tmp_path: Path, profile: RobotProfile) -> None:
    renamed = replace_name(profile, tmp_path / "b.yaml")
    session = Session(tmp_path / "bag", profile)
    session.writer.add_provenance({"profile": renamed.read_text()})
    session.writer.close()
    with pytest.raises(BagError, match="is of robot 'b', the first bag of 'wx250s_sim'"):
        run_export(ExportOptions((LIFT, tmp_path / "bag"), tmp_path / "data"))


def replace_name(profile: RobotProfile, path: Path) -> Path:
    path.write_text(yaml.safe_dump({**profile.model_dump(mode="json"), "name": "b"}))
    return path


def test_training_reads_what_a_bag_was_exported_to(tmp_path: Path) -> None:
    run_export(ExportOptions((LIFT,), tmp_path / "data"))
    changes = [f"dataset={tmp_path / 'data'}", f"output={tmp_path / 'run'}", "steps=1", "batch_size=2", "log_every=1"]
    assert run_train("system2", CONFIGS / "system2.yaml", changes) == 0
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").is_file()
    logged = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert np.isfinite(logged["loss"])


def test_a_dataset_is_not_overwritten(tmp_path: Path) -> None:
    options = ExportOptions((LIFT,), tmp_path / "data")
    run_export(options)
    with pytest.raises(BagError, match="holds a dataset already"):
        run_export(options)
    with pytest.raises(BagError, match="valid: commands, states"):
        run_export(replace(options, folder=tmp_path / "new", actions="wishes"))
