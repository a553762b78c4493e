"""A bag in rerun: candidates, segments, commands of every controller, limiter, modes, instruction, all cameras."""

from __future__ import annotations

import re
import subprocess
import sys
from array import array
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hume_msgs.msg import ActionChunk, Epoch, Segment, System1Status, Thought
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from hume_bags.reader import BagReader
from hume_bags.rerun_entities import RerunEntities
from hume_bags.rerun_export import export_rerun, recorded_tools
from hume_core.errors import HumeError
from hume_core.robot import RobotProfile
from hume_core.tool_paths import load_tool_paths
from hume_core.value_colors import value_colors

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"


class Rerun:
    """Stands in for the package and for a recording: keeps what is logged."""

    def __init__(self) -> None:
        self.logged: dict[str, list[tuple[float, str, tuple[Any, ...], dict[str, Any]]]] = defaultdict(list)
        self.time = 0.0
        self.colors: dict[str, tuple[int, int, int]] = {}

    def __getattr__(self, kind: str) -> Any:
        return lambda *values, **more: _Entity(kind, values, more)

    def set_time(self, timeline: str, timestamp: float) -> None:
        self.time = timestamp

    def log(self, path: str, entity: Any, static: bool = False) -> None:
        if static:
            self.colors[path] = entity.more["colors"][0]
            return
        self.logged[path].append((self.time, entity.kind, entity.values, entity.more))


class _Entity:
    def __init__(self, kind: str, values: tuple[Any, ...], more: dict[str, Any]) -> None:
        self.kind, self.values, self.more = kind, values, more

    def compress(self, jpeg_quality: int) -> _Entity:
        return self


class Recording:
    """Entities of a robot, and what they logged."""

    def __init__(self, robot: str, namespace: str = "") -> None:
        self.profile = RobotProfile.load(robot)
        self.tools = load_tool_paths(self.profile)
        self.rerun = Rerun()
        self.entities = RerunEntities(self.rerun, self.rerun, self.profile, self.tools, namespace)
        self.root = f"/{namespace}" if namespace else ""

    def take(self, topic: str, kind: str, message: Any, time: float = 1.0) -> None:
        assert self.entities.shows(kind)
        self.entities.log(f"{self.root}/{topic}", kind, message, time)

    def newest(self, path: str) -> Any:
        """Values and options of what was logged last."""
        _, _, values, more = self.rerun.logged[f"{self.root}/{path}"][-1]
        return values[0], more


@pytest.mark.parametrize("namespace", ["", "left"])
@pytest.mark.parametrize("robot", ["ur5e", "franka_fr3"])
def test_candidates_are_paths_in_the_colors_of_their_values(robot: str, namespace: str) -> None:
    recording = Recording(robot, namespace)
    home, names = np.array(recording.profile.home), list(recording.profile.joint_names)
    rows = (home + np.random.default_rng(0).normal(scale=0.05, size=(3, 5, len(home)))).astype(np.float32)
    chunk = ActionChunk(seq=7, names=names, dt=0.05, anchor=array("d", home), value=0.8, instruction="stack them")
    values = np.array([0.2, 0.8, 0.5])
    thought = Thought(
        seq=7, action_space="joint_position", num_candidates=3, horizon=5, dim=len(home), index=1,
        candidates=array("f", rows.tobytes()), values=array("f", values),
    )  # fmt: skip
    recording.take("hume/action_chunk", "hume_msgs/msg/ActionChunk", chunk)
    recording.take("hume/thought", "hume_msgs/msg/Thought", thought)
    paths, more = recording.newest("thought/candidates")
    assert paths == pytest.approx(recording.tools.of_rows(rows, home, 0.05))
    assert (more["colors"] == value_colors(values)).all()
    assert recording.newest("thought/chosen")[0][0] == pytest.approx(paths[1], abs=1e-6)
    assert recording.newest("thought/value")[0] == pytest.approx(0.8)
    assert recording.newest("thought/values")[0] == pytest.approx(values)
    assert recording.newest("instruction")[0] == "stack them"


def command(profile: RobotProfile, positions: Any) -> tuple[str, Any]:
    """A command to the arm as its controller takes it."""
    if profile.arm.controller.type.value == "forward_command_controller":
        return "std_msgs/msg/Float64MultiArray", Float64MultiArray(data=array("d", positions))
    message = JointTrajectory(joint_names=list(profile.joint_names))
    message.points = [JointTrajectoryPoint(positions=array("d", positions))]
    return "trajectory_msgs/msg/JointTrajectory", message


@pytest.mark.parametrize("robot", ["ur5e", "wx250s_sim", "franka_fr3", "so101", "xarm7"])
def test_commands_lie_beside_what_is_measured(robot: str) -> None:
    recording = Recording(robot, "left")
    profile, home = recording.profile, np.array(recording.profile.home)
    kind, message = command(profile, home + 0.1)
    recording.take(profile.arm.controller.topic, kind, message)
    # The driver names joints in an order of its own.
    state = JointState(name=list(profile.joint_names[::-1]), position=array("d", home[::-1]))
    recording.take(profile.joint_states, "sensor_msgs/msg/JointState", state)
    for name, position in zip(profile.joint_names, home, strict=True):
        assert recording.newest(f"joints/{name}/commanded")[0] == pytest.approx(position + 0.1)
        assert recording.newest(f"joints/{name}/measured")[0] == pytest.approx(position)
    colors = {path.rpartition("/")[2]: color for path, color in recording.rerun.colors.items()}
    assert len(set(colors.values())) == 2
    for what, joints in (("commanded", home + 0.1), ("measured", home)):
        assert recording.newest(f"tool/{what}")[0][0] == pytest.approx(recording.tools.at(joints))


def test_segments_are_paths_and_curves() -> None:
    recording = Recording("ur5e")
    rows = np.array(recording.profile.home) + np.linspace(0.0, 0.1, 4)[:, None]
    names = list(recording.profile.joint_names)
    segment = Segment(names=names, horizon=4, dt=0.05, positions=array("d", rows.ravel()))
    recording.take("hume/segment", "hume_msgs/msg/Segment", segment)
    assert recording.newest("segment")[0][0] == pytest.approx(recording.tools.of_joints(rows))
    assert recording.newest(f"joints/{names[2]}/segment")[0] == pytest.approx(rows[0, 2])


def test_modes_and_the_limiter_are_shown() -> None:
    recording = Recording("ur5e")
    names = list(recording.profile.joint_names)
    for time, mode, reason in ((1.0, "RUNNING", ""), (2.0, "RUNNING", ""), (3.0, "FAULT", "fault: joint states lost")):
        status = System1Status(mode_name=mode, reason=reason, joint_names=names, limited=[True] + [False] * 5)
        recording.take("hume/status", "hume_msgs/msg/System1Status", status, time)
    lines = recording.rerun.logged["/status/mode"]
    assert [(time, values[0], more["level"]) for time, _, values, more in lines] == [
        (1.0, "RUNNING", "INFO"),
        (3.0, "fault: joint states lost", "ERROR"),
    ]
    assert [recording.newest(f"limiter/{name}")[0] for name in names] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    recording.take("hume/epoch", "hume_msgs/msg/Epoch", Epoch(epoch=3, reason="instruction: lift it"))
    assert recording.newest("epoch")[0] == "epoch 3: lift it"


@pytest.mark.parametrize("cameras", [1, 3])
def test_every_camera_is_shown(cameras: int) -> None:
    recording = Recording("ur5e")
    image = Image(encoding="rgb8", height=4, width=4, step=12, data=bytes(48))
    for k in range(cameras):
        recording.take(f"camera_{k}/image", "sensor_msgs/msg/Image", image)
    assert [path for path in recording.rerun.logged if path.endswith("/image")] == [
        f"/camera_{k}/image" for k in range(cameras)
    ]


def test_what_cannot_be_shown_is_an_error() -> None:
    recording = Recording("ur5e")
    broken = Thought(seq=1, num_candidates=3)
    recording.take("hume/action_chunk", "hume_msgs/msg/ActionChunk", ActionChunk(seq=1, names=["a"]))
    with pytest.raises(HumeError):
        recording.entities.log("/hume/thought", "hume_msgs/msg/Thought", broken, 1.0)
    with pytest.raises(HumeError, match="'x'"):
        recording.entities.log("/camera", "sensor_msgs/msg/Image", Image(encoding="x"), 1.0)


def test_the_robot_of_a_bag_is_found() -> None:
    profile, tools, problem = recorded_tools(BagReader(LIFT))
    assert (profile is not None and profile.name, problem) == ("wx250s_sim", "")
    assert tools is not None
    _, none, reason = recorded_tools(BagReader(LIFT), "nobody")
    assert none is None
    assert "unknown robot 'nobody'" in reason


def test_the_file_has_the_entities(tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun is optional")
    file = tmp_path / "lift.rrd"
    assert export_rerun(BagReader(LIFT), file) > 3000
    printed = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = set(re.findall(r"/[\w/.]+", printed.stdout + printed.stderr))
    joints = {f"/joints/{name}/{what}" for name in ("waist", "elbow") for what in ("commanded", "measured", "segment")}
    assert joints | {"/thought/candidates", "/thought/chosen", "/segment", "/tool/commanded", "/tool/measured"} <= found
    assert {"/thought/values", "/status/mode", "/instruction", "/epoch", "/limiter/waist"} <= found
    assert {"/camera/scene/image_raw", "/camera/wrist/image_raw"} <= found
