"""What `hume inspect` says of good and of bad bags."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sensor_msgs.msg import Image, JointState

from hume_bags.errors import BagError
from hume_bags.inspection import Inspection, inspect_bag
from hume_bags.inspection_report import run_inspect
from hume_bags.provenance import checkpoint_id, recording_provenance
from hume_bags.reader import BagReader
from hume_bags.writer import BagWriter
from hume_core.robot import RobotProfile
from hume_ros.conversions import set_stamp

ROOT = Path(__file__).parents[3]
LIFT = ROOT / "test" / "fixtures" / "bags" / "lift"
ROBOTS = ROOT / "src" / "hume_bringup" / "config" / "robots"
SCENE, WRIST, JOINTS = "/camera/scene/image_raw", "/camera/wrist/image_raw", "/joint_states"


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


def never(topic: str, time: float) -> bool:
    return False


def inspected(
    folder: Path,
    leave_out: Callable[[str, float], bool] = never,
    late: Callable[[str, float], float] = lambda *_: 0.0,
    spoil: Callable[[Any, float], None] = lambda *_: None,
    names: tuple[str, ...] | None = None,
) -> Inspection:
    """Inspect four made-up seconds: cameras at 20 Hz, joint states at 100 Hz, stamped `late` s before they arrive."""
    profile = RobotProfile.load("wx250s_sim")
    joints = list(names or (*profile.joint_names, "left_finger"))
    with BagWriter(folder, recording_provenance("wx250s_sim")) as writer:
        for topic, kind in ((SCENE, "Image"), (WRIST, "Image"), (JOINTS, "JointState")):
            writer.add_topic(topic, f"sensor_msgs/msg/{kind}")
        for k in range(400):
            time = k / 100
            for topic in (SCENE, WRIST, JOINTS) if k % 5 == 0 else (JOINTS,):
                if leave_out(topic, time):
                    continue
                message: Any = JointState(name=joints, position=[0.0] * len(joints))
                if topic != JOINTS:
                    message = Image(height=2, width=3, encoding="rgb8", step=9, data=bytes(18))
                set_stamp(message.header.stamp, 1000.0 + time - late(topic, time))
                spoil(message, time)
                writer.write_message(topic, message, round((1000.0 + time) * 1e9))
    return inspect_bag(BagReader(folder))


def test_a_good_bag_has_nothing_unusable(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag")
    assert found.topics[JOINTS].rate == pytest.approx(100.0)
    assert found.topics[JOINTS].joints[0][:2] == ["waist", "shoulder"]
    assert found.topics[SCENE].rate == pytest.approx(20.0)
    assert found.topics[SCENE].longest_gap == pytest.approx(0.05)
    assert found.topics[SCENE].image_sizes == ["3x2 rgb8"]
    assert found.sync is not None
    assert found.sync.sets == 80
    assert found.sync.unmatched == {"image": 0.0, "wrist_image": 0.0}
    assert found.unusable == []
    assert found.problems == []


def test_a_silent_camera_makes_a_part_unusable(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag", lambda topic, time: topic == WRIST and 1.0 < time < 2.0)
    assert found.topics[WRIST].longest_gap == pytest.approx(1.0)
    assert found.topics[WRIST].gap_at == pytest.approx(1.0)
    [part] = found.unusable
    assert (part.start, part.end) == (pytest.approx(1.25, abs=0.02), pytest.approx(2.0))
    assert part.reason == f"'{WRIST}' is silent for 1.00 s"


def test_ages_and_spreads_are_those_of_the_stamps(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag", late=lambda topic, _: 0.03 if topic == WRIST else 0.0)
    assert found.topics[WRIST].age_median == pytest.approx(0.03, abs=1e-6)
    assert found.topics[SCENE].age_highest == pytest.approx(0.0, abs=1e-6)
    assert found.sync is not None
    assert found.sync.spread_highest == pytest.approx(0.03, abs=1e-6)


def test_cameras_too_far_apart_never_match(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag", late=lambda topic, _: 0.4 if topic == WRIST else 0.0)
    assert found.sync is None
    assert any("never match within 0.05 s" in problem for problem in found.problems)
    assert found.unusable[0].end == found.duration


def test_stamps_that_go_back_are_counted(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag", late=lambda topic, time: 0.5 if topic == JOINTS and 1.0 < time < 1.2 else 0.0)
    assert found.topics[JOINTS].unsorted_stamps == 19
    assert any(f"{JOINTS}: the stamp goes back" in problem for problem in found.problems)


def test_messages_of_no_use_are_counted(tmp_path: Path) -> None:
    def spoil(message: Any, time: float) -> None:
        if isinstance(message, Image) and 1.0 < time < 1.2:
            message.encoding = "24UC9"

    found = inspected(tmp_path / "bag", spoil=spoil)
    assert found.topics[SCENE].undecodable == 3
    assert any("image encoding '24UC9' is not supported" in problem for problem in found.problems)


@pytest.mark.parametrize(("encoding", "size"), [("16UC1", 2), ("32FC1", 4)])
def test_depth_is_named_and_is_no_damage(tmp_path: Path, encoding: str, size: int) -> None:
    def spoil(message: Any, time: float) -> None:
        if isinstance(message, Image):
            message.encoding, message.step, message.data = encoding, 3 * size, bytes(6 * size)

    found = inspected(tmp_path / "bag", spoil=spoil)
    assert found.topics[SCENE].undecodable == 0
    assert found.topics[SCENE].image_sizes == [f"3x2 {encoding} (depth)"]
    assert any("holds distances, no picture; name a colour topic" in problem for problem in found.problems)


def test_another_robots_joints_are_named(tmp_path: Path) -> None:
    found = inspected(tmp_path / "bag", names=("joint_1", "joint_2"))
    assert any(
        "has no joint 'waist' of robot 'wx250s_sim'. It has: joint_1, joint_2" in text for text in found.problems
    )
    assert found.sync is None
    assert [(part.start, part.end) for part in found.unusable] == [(0.0, pytest.approx(3.99))]


def test_joints_in_several_messages_are_no_missing_joints(tmp_path: Path) -> None:
    """Arm and gripper from two drivers on one topic."""

    def spoil(message: Any, time: float) -> None:
        if isinstance(message, JointState):
            kept = slice(0, 6) if round(100 * time) % 2 else slice(6, 7)
            message.name, message.position = list(message.name)[kept], list(message.position)[kept]

    found = inspected(tmp_path / "bag", spoil=spoil)
    assert found.problems == []
    assert found.sync is not None
    assert len(found.topics[JOINTS].joints) == 2


def test_a_missing_camera_makes_all_of_it_unusable(tmp_path: Path) -> None:
    other = RobotProfile.load("wx250s_sim").model_dump(mode="json")
    other["cameras"]["wrist_image"]["topic"] = "camera/third/image_raw"
    (tmp_path / "robot.yaml").write_text(yaml.safe_dump(other))
    found = inspect_bag(BagReader(LIFT), str(tmp_path / "robot.yaml"))
    assert any("has no topic '/camera/third/image_raw' (wrist_image)" in problem for problem in found.problems)
    assert found.unusable[0].end == found.duration


def test_the_report_goes_to_screen_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_inspect(LIFT, json_file=tmp_path / "figures.json") == 0
    printed = capsys.readouterr().out
    assert "/camera/scene/image_raw" in printed
    assert "lift the red cube" in printed
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["topics"][JOINTS]["rate"] == pytest.approx(100.0, rel=0.05)
    assert figures["episodes"][0]["instruction"] == "lift the red cube"
    assert figures["provenance"]["checkpoint_id"]


def test_rerun_is_asked_for_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importer = builtins.__import__

    def without_rerun(name: str, *more: Any, **options: Any) -> Any:
        if name == "rerun":
            raise ImportError(name)
        return importer(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", without_rerun)
    with pytest.raises(BagError, match="pip install -r setup/requirements-rerun"):
        run_inspect(LIFT, rerun_file=tmp_path / "bag.rrd")


def test_the_identity_of_a_checkpoint_is_its_content(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(100))
    first = checkpoint_id(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert checkpoint_id(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(bytes(99) + b"\1")
    assert checkpoint_id(tmp_path) != first
