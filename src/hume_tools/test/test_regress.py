"""Stepping recorded sessions: the same bytes twice, and every change named."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hume_msgs.msg import Epoch
from safetensors.torch import load_file, save_file
from sensor_msgs.msg import Image, JointState
from typer.testing import CliRunner

from hume_core.errors import ObservationError
from hume_core.nn.gemma import StackConfig
from hume_core.robot import RobotProfile
from hume_tools.bags.writer import BagWriter
from hume_tools.cli import app
from hume_tools.regress import core_steps, run
from hume_tools.regress.compare import compare
from hume_tools.regress.findings import Tolerance
from hume_tools.regress.latency import Latencies
from hume_tools.regress.page import write_page
from hume_tools.regress.report import summary
from hume_tools.regress.run import regress
from hume_tools.regress.session import SessionError
from hume_tools.regress.settings import RegressOptions
from hume_tools.regress.stream import CommandStream, StreamError, read_stream
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


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = list(RobotProfile.load(ROBOT).home)
    folder: Path = create_checkpoint(
        tmp_path_factory.mktemp("checkpoint") / "tiny", TINY, 3,
        state_mean=[*home, 0.026], state_std=[0.05] * 6 + [0.01],
        action_mean=[*home, 0.5], action_std=[0.05] * 6 + [0.3], s1_num_steps=2, num_steps=3,
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
    """Joint states at 100 Hz, cameras at 15 Hz, an instruction at 0.2 s; `edit` may change or drop messages."""
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


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bag(tmp_path_factory.mktemp("bag") / "session")


@pytest.fixture(scope="module")
def options(bag: Path, checkpoint: Path) -> RegressOptions:
    return RegressOptions(bag, checkpoint=str(checkpoint), candidates=2, think_latency=0.08, denoise_latency=0.03)


@pytest.fixture(scope="module")
def golden(options: RegressOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "session.stream"
    path.write_bytes(regress(options).stream.to_bytes())
    return path


def findings(options: RegressOptions, golden: Path) -> list[str]:
    comparison = regress(replace(options, golden=golden)).comparison
    assert comparison is not None
    assert comparison.exact
    return [str(finding) for finding in comparison.findings]


def test_two_runs_give_the_same_bytes(options: RegressOptions, golden: Path) -> None:
    result = regress(replace(options, golden=golden))
    assert result.stream.to_bytes() == golden.read_bytes()
    assert result.comparison is not None
    assert result.comparison.identical
    assert result.comparison.same


def test_computing_ahead_in_other_processes_changes_nothing(
    options: RegressOptions, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_steps, "_BEHIND", 0)
    monkeypatch.setattr(run, "in_processes", nullcontext)
    assert regress(options).stream.to_bytes() == golden.read_bytes()


def test_the_session_moves_the_arm(golden: Path) -> None:
    stream = read_stream(golden)
    modes = stream.header["modes"]
    assert modes[int(stream.commands["mode"][-1])] == "running"
    assert float(np.ptp(stream.commands["position"], axis=0).max()) > 0.005
    assert len(stream.thoughts) >= 4
    assert len(stream.segments) >= 30
    assert np.isfinite(stream.commands["gripper"]).all()


def test_a_weight_that_changed_by_one_ulp_is_named(
    options: RegressOptions, golden: Path, checkpoint: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in checkpoint.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    tensors = load_file(changed / "model.safetensors")
    name = next(
        name for name in sorted(tensors) if "s1" in name and name.endswith("weight") and tensors[name].ndim == 2
    )
    flat = tensors[name].view(-1)
    flat[0] = torch.nextafter(flat[0], torch.tensor(10.0))
    save_file(tensors, changed / "model.safetensors")
    found = findings(replace(options, checkpoint=str(changed)), golden)
    assert any(line.startswith("weights: 1 of") and name in line for line in found), found


def test_a_camera_that_moved_by_10_ms_is_named(options: RegressOptions, golden: Path, tmp_path: Path) -> None:
    def shift(topic: str, message: Any, time: int) -> tuple[Any, int]:
        moved = 10 * MS if topic == "/camera/wrist/image_raw" else 0
        return stamped(message, time + moved), time + moved

    found = findings(replace(options, bag=write_bag(tmp_path / "shifted", shift)), golden)
    assert "camera 'wrist_image': all 24 stamps moved by +10.000 ms" in found
    assert not any("camera 'image'" in line or "joint_states" in line for line in found)
    assert any("commands of joint" in line for line in found)


def test_joints_that_changed_places_are_named(options: RegressOptions, golden: Path, tmp_path: Path) -> None:
    def swap(topic: str, message: Any, time: int) -> tuple[Any, int]:
        if topic == "/joint_states":
            message.name[1], message.name[2] = message.name[2], message.name[1]
        return message, time

    found = findings(replace(options, bag=write_bag(tmp_path / "swapped", swap)), golden)
    assert "joint_states: joints 'shoulder' and 'elbow' are swapped" in found


def test_a_changed_setting_is_named(options: RegressOptions, golden: Path) -> None:
    found = findings(replace(options, denoise_latency=0.05, seed=1), golden)
    assert "policy: seed was 0, is 1" in found
    assert "latency: denoise.median_s was 0.03, is 0.05" in found


def drop(unwanted: Callable[[str, int], bool]) -> Edit:
    return lambda topic, message, time: None if unwanted(topic, time) else (message, time)


def test_a_missing_camera_is_an_error(options: RegressOptions, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drop(lambda topic, _: "wrist" in topic))
    with pytest.raises(SessionError, match=r"no topic '/camera/wrist/image_raw' \(camera 'wrist_image'\); it has: "):
        regress(replace(options, bag=bag))


def test_another_robots_joints_are_an_error(options: RegressOptions, tmp_path: Path) -> None:
    def rename(topic: str, message: Any, time: int) -> tuple[Any, int]:
        if topic == "/joint_states":
            message.name = [f"panda_joint{k}" for k in range(7)]
        return message, time

    with pytest.raises(ObservationError, match=r"topic '/joint_states': .* no joint 'waist'; they have: panda_joint0"):
        regress(replace(options, bag=write_bag(tmp_path / "bag", rename)))


def test_a_session_without_instruction_needs_one(options: RegressOptions, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drop(lambda topic, _: topic == "/hume/epoch"))
    with pytest.raises(SessionError, match="--task"):
        regress(replace(options, bag=bag))
    stream = regress(replace(options, bag=bag, task="lift the red cube")).stream
    assert any("instruction (given)" in event["text"] for event in stream.header["events"])
    assert len(stream.thoughts) > 0


def test_a_cut_off_recording_is_stepped_as_far_as_it_goes(options: RegressOptions, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag")
    (file,) = bag.glob("*.mcap")
    whole = file.read_bytes()
    (bag / "metadata.yaml").unlink()
    file.write_bytes(whole[: len(whole) - 40])
    result = regress(replace(options, bag=bag))
    assert result.problems
    assert len(result.stream.commands) > 0


def test_a_fault_is_noted_and_the_stream_goes_on(options: RegressOptions, tmp_path: Path) -> None:
    gap = drop(lambda topic, time: topic == "/joint_states" and 600 * MS < time - START < 1000 * MS)
    stream = regress(replace(options, bag=write_bag(tmp_path / "bag", gap, seconds=3.4))).stream
    events = [event for event in stream.header["events"] if event["kind"] in ("mode", "reset")]
    texts = [event["text"] for event in events]
    assert "fault: joint states lost" in texts
    assert any(event["kind"] == "reset" for event in events)
    assert stream.header["modes"][int(stream.commands["mode"][-1])] == "running"


def other_machine(stream: CommandStream, shift: float) -> CommandStream:
    commands = stream.commands.copy()
    commands["position"] += shift
    header = {**stream.header, "environment": {"machine": "another"}}
    return CommandStream(header, {**stream.sections, "commands": commands})


@pytest.mark.parametrize(("shift", "same"), [(1e-6, True), (1e-3, False)])
def test_another_machine_may_differ_within_the_tolerance(golden: Path, shift: float, same: bool) -> None:
    stream = read_stream(golden)
    comparison = compare(other_machine(stream, shift), stream, Tolerance())
    assert not comparison.exact
    assert comparison.same is same
    assert comparison.notes
    assert any("commands of joint 'waist'" in str(item) for item in comparison.findings) is not same


def test_on_the_same_machine_every_bit_of_a_command_counts(golden: Path) -> None:
    stream = read_stream(golden)
    commands = stream.commands.copy()
    commands["position"][40, 3] = np.nextafter(commands["position"][40, 3], 10.0)
    changed = CommandStream(stream.header, {**stream.sections, "commands": commands})
    found = [str(item) for item in compare(stream, changed, Tolerance()).findings]
    assert len(found) == 1
    assert found[0].startswith("commands of joint 'forearm_roll': position differs in 1 of")


def test_a_setting_that_the_golden_run_did_not_know_is_only_noted(golden: Path) -> None:
    stream = read_stream(golden)
    settings = {**stream.header["settings"], "control": {**stream.header["settings"]["control"], "novelty": 1.0}}
    newer = CommandStream({**stream.header, "settings": settings}, stream.sections)
    comparison = compare(stream, newer, Tolerance())
    assert comparison.same
    assert comparison.notes == ["settings: control.novelty is new: 1.0"]


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:1000], lambda data: b"x" + data[1:]])
def test_a_damaged_golden_file_is_an_error(golden: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(damage(golden.read_bytes()))
    with pytest.raises(StreamError, match="no command stream, or a damaged one"):
        read_stream(path)


def test_the_command_tells_by_its_exit_code_and_writes_the_report(
    options: RegressOptions, golden: Path, tmp_path: Path
) -> None:
    page, report = tmp_path / "report.html", tmp_path / "report.json"
    arguments = [
        "regress", str(options.bag), "--checkpoint", options.checkpoint, "--candidates", "2", "--think-latency", "0.08",
        "--denoise-latency", "0.03", "--golden", str(golden), "--json", str(report), "--html", str(page),
    ]  # fmt: skip
    same = CliRunner().invoke(app, arguments)
    assert same.exit_code == 0, same.output
    assert "same: identical bytes" in same.output
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 5
    assert "http" not in text
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["same"] is True
    assert found["realtime_factor"] > 0
    differs = CliRunner().invoke(app, [*arguments, "--candidates", "3"])
    assert differs.exit_code == 1
    assert "policy: candidates was 2, is 3" in differs.output
    missing = CliRunner().invoke(app, ["regress", str(tmp_path / "nothing")])
    assert missing.exit_code != 0
    assert "does not exist" in str(missing.exception)


def test_a_run_without_golden_reports_too(options: RegressOptions, tmp_path: Path) -> None:
    result = regress(options)
    write_page(result, tmp_path / "page.html")
    assert summary(result)["same"] is None


def test_latency_in_force_is_the_last_that_began() -> None:
    latencies = Latencies((10, 20), (5, 7), "measured")
    assert [latencies.at(time) for time in (0, 10, 19, 20, 100)] == [5, 5, 5, 7, 7]
