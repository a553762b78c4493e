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
from sensor_msgs.msg import Image

from hume_bags.episodes import find_episodes
from hume_bags.errors import BagError
from hume_bags.export import ExportOptions, run_export
from hume_bags.reader import BagReader
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer, SensorFrame
from hume_training.training.run import run_train

ROOT = Path(__file__).parents[3]
LIFT = ROOT / "test" / "fixtures" / "bags" / "lift"
CONFIGS = ROOT / "src" / "hume_training" / "hume_training" / "configs"
START = 1000.0
Record = Callable[..., Any]
Exported = Callable[..., Any]


def test_live_messages_bag_messages_and_exported_frames_give_identical_arrays(
    tmp_path: Path, exported: Exported
) -> None:
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


def test_rows_lie_on_the_action_grid_by_time(tmp_path: Path, record: Record, exported: Exported) -> None:
    session = record(tmp_path / "bag")
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


def test_measured_positions_can_be_the_actions(tmp_path: Path, record: Record, exported: Exported) -> None:
    session = record(tmp_path / "bag", lambda topic, _: topic.endswith("commands"))
    session.sensors(2.0)
    session.goal(0.5, 1.5)
    session.writer.close()
    with pytest.raises(BagError, match="no commands on '/arm_controller/commands'; --actions states"):
        run_export(ExportOptions((tmp_path / "bag",), tmp_path / "data"))
    data, _ = exported(tmp_path / "bag", tmp_path / "data", actions="states")
    np.testing.assert_allclose(data.action[:-1, :6], data.state[1:, :6], atol=1e-6)


def test_stamps_that_go_back_are_reported_and_rows_stay_in_order(
    tmp_path: Path, record: Record, exported: Exported
) -> None:
    session = record(tmp_path / "bag")
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
    with pytest.raises(BagError, match="Valid: commands, states"):
        run_export(replace(options, folder=tmp_path / "new", actions="wishes"))
