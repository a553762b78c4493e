"""Which parts of a bag become episodes, and which bags are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float64MultiArray

from hume_bags.episodes import find_episodes
from hume_bags.errors import BagError
from hume_bags.export import ExportOptions, run_export
from hume_bags.inspection import inspect_bag
from hume_bags.reader import BagReader
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
START = 1000.0
Record = Callable[..., Any]
Exported = Callable[..., Any]


def test_goals_end_where_system2_says_and_not_at_resets_of_system1(tmp_path: Path, record: Record) -> None:
    session = record(tmp_path / "bag")
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


def test_bags_without_goals_are_cut_at_scenes_or_named(tmp_path: Path, record: Record, exported: Exported) -> None:
    session = record(tmp_path / "bag")
    session.sensors(1.0)
    for time, success in ((0.0, False), (0.5, False), (0.9, True)):
        session.scene(success, START + time)
    session.writer.close()
    assert [e.success for e in find_episodes(BagReader(tmp_path / "bag"))] == [True]
    session = record(tmp_path / "plain", lambda topic, _: topic.startswith("/sim"))
    session.sensors(1.0)
    session.writer.close()
    with pytest.raises(BagError, match="Name the instruction with --task"):
        run_export(ExportOptions((tmp_path / "plain",), tmp_path / "data"))
    data, sources = exported(tmp_path / "plain", tmp_path / "data", task="wave")
    assert data.tasks == ["wave"]
    assert data.success is None
    assert any("next.success" in problem for problem in sources["skipped"])
    data, _ = exported(tmp_path / "plain", tmp_path / "labelled", task="wave", success=True)
    assert data.success is not None
    assert data.success[-1]


def test_an_episode_with_a_gap_is_skipped_and_reported(tmp_path: Path, record: Record, exported: Exported) -> None:
    session = record(tmp_path / "bag", lambda topic, t: "wrist" in topic and 2.0 < t < 2.6)
    session.sensors(4.0)
    session.goal(0.5, 1.5)
    session.goal(1.6, 3.5, number=3)
    session.writer.close()
    data, sources = exported(tmp_path / "bag", tmp_path / "data")
    assert len(data.tasks) == 1
    assert any("the newest observation is 0." in problem and "max_age" in problem for problem in sources["skipped"])
    data, _ = exported(tmp_path / "bag", tmp_path / "tolerant", max_age=1.0)
    assert len(data.tasks) == 2


@pytest.mark.parametrize("topic", ["camera", "joint_states"])
def test_a_missing_topic_is_refused(tmp_path: Path, profile: RobotProfile, topic: str, record: Record) -> None:
    moved = profile.model_dump(mode="json")
    session = record(tmp_path / "bag")
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
    with pytest.raises(BagError, match=r"joint states have no joint 'upper_elbow'\. They have: waist, shoulder"):
        run_export(ExportOptions((LIFT,), tmp_path / "data", robot=str(path)))


def test_bags_of_two_robots_do_not_mix(tmp_path: Path, profile: RobotProfile, record: Record) -> None:
    renamed = replace_name(profile, tmp_path / "b.yaml")
    session = record(tmp_path / "bag")
    session.writer.add_provenance({"profile": renamed.read_text()})
    session.writer.close()
    with pytest.raises(BagError, match="is of robot 'b', the first bag of 'wx250s_sim'"):
        run_export(ExportOptions((LIFT, tmp_path / "bag"), tmp_path / "data"))


def replace_name(profile: RobotProfile, path: Path) -> Path:
    path.write_text(yaml.safe_dump({**profile.model_dump(mode="json"), "name": "b"}))
    return path


@pytest.mark.parametrize("pace", [1.0, 0.4])
@pytest.mark.parametrize("named", [True, False])
def test_a_simulated_clock_is_the_clock_of_the_recording(
    tmp_path: Path, record: Record, exported: Exported, pace: float, named: bool
) -> None:
    """Stamps are of /clock, arrivals of the computer's clock, at which the simulation runs at a pace of its own."""
    session = record(tmp_path / "bag")
    session.add("/clock", "rosgraph_msgs/msg/Clock")

    def write(topic: str, message: Any, time: float) -> None:
        session.writer.write_message(topic, message, round((1.7e9 + (time - START) / pace) * 1e9))

    session.write = write
    for k in range(301):
        clock = Clock()
        set_stamp(clock.clock, START + 0.01 * k)
        write("/clock", clock, START + 0.01 * k)
    session.sensors(3.0)
    if not named:
        session.epoch(1, "instruction: wave", START + 0.5)
    session.writer.close()
    found = inspect_bag(BagReader(tmp_path / "bag"))
    assert found.duration == pytest.approx(3.0, abs=0.02)
    assert found.topics["/joint_states"].rate == pytest.approx(100.0, rel=0.02)
    assert found.topics["/joint_states"].age_highest == pytest.approx(0.001, abs=2e-4)
    assert all(part.end < 0.01 for part in found.unusable)  # until the first image has arrived
    data, _ = exported(tmp_path / "bag", tmp_path / "data", task="wave" if named else "")
    times = 0.05 * data.images["image"][:, 0, 0, 0]
    assert len(times) > 45
    np.testing.assert_allclose(data.action[:, 3], 0.1 * times, atol=1e-4)
