"""Stepping recorded sessions: the same bytes twice, and every change named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from hume_bags.reader import BagReader
from hume_bags.regress import run
from hume_bags.regress.page import write_page
from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.report import summary
from hume_bags.regress.run import regress
from hume_bags.regress.session import SessionError
from hume_bags.regress.stream import read_stream
from hume_bags.writer import BagWriter
from hume_core.errors import ObservationError
from hume_core.robot import find_profile
from hume_session import commanding
from hume_tools.cli.main import app

START = 1_700_000_000_000_000_000
MS = 1_000_000
Edit = Callable[[str, Any, int], Any]
WriteSession = Callable[..., Path]


def stamped(message: Any, time: int) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = time // 10**9, time % 10**9
    return message


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
    monkeypatch.setattr(commanding, "_BEHIND", 0)
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


def test_a_camera_that_moved_by_10_ms_is_named(
    options: RegressOptions, golden: Path, tmp_path: Path, write_session: WriteSession
) -> None:
    def shift(topic: str, message: Any, time: int) -> tuple[Any, int]:
        moved = 10 * MS if topic == "/camera/wrist/image_raw" else 0
        return stamped(message, time + moved), time + moved

    found = findings(replace(options, bag=write_session(tmp_path / "shifted", shift)), golden)
    assert "camera 'wrist_image': all 24 stamps moved by +10.000 ms" in found
    assert not any("camera 'image'" in line or "joint_states" in line for line in found)
    assert any("commands of joint" in line for line in found)


def test_joints_that_changed_places_are_named(
    options: RegressOptions, golden: Path, tmp_path: Path, write_session: WriteSession
) -> None:
    def swap(topic: str, message: Any, time: int) -> tuple[Any, int]:
        if topic == "/joint_states":
            message.name[1], message.name[2] = message.name[2], message.name[1]
        return message, time

    found = findings(replace(options, bag=write_session(tmp_path / "swapped", swap)), golden)
    assert "joint_states: joints 'shoulder' and 'elbow' are swapped" in found


def test_a_changed_setting_is_named(options: RegressOptions, golden: Path) -> None:
    found = findings(replace(options, denoise_latency=0.05, seed=1), golden)
    assert "policy: seed was 0, is 1" in found
    assert "latency: denoise.median_s was 0.03, is 0.05" in found


def test_a_profile_that_changed_since_the_recording_is_named(
    options: RegressOptions, tmp_path: Path, write_session: WriteSession
) -> None:
    bag = write_session(tmp_path / "bag", seconds=0.4)
    text = find_profile("wx250s_sim").read_text(encoding="utf-8").replace("slop: 0.05", "slop: 0.04")
    with BagWriter(tmp_path / "later", {"robot": "wx250s_sim", "profile": text}) as writer:
        reader = BagReader(bag)
        for item in reader.messages():
            writer.add_topic(item.topic, item.type)
            writer.write(item.topic, item.data, item.log_time_ns)
    problems = regress(replace(options, bag=tmp_path / "later")).problems
    assert problems == ["recorded under another robot profile: observation.slop was 0.04, is 0.05"]


def drop(unwanted: Callable[[str, int], bool]) -> Edit:
    return lambda topic, message, time: None if unwanted(topic, time) else (message, time)


def test_a_missing_camera_is_an_error(options: RegressOptions, tmp_path: Path, write_session: WriteSession) -> None:
    bag = write_session(tmp_path / "bag", drop(lambda topic, _: "wrist" in topic))
    with pytest.raises(SessionError, match=r"no topic '/camera/wrist/image_raw' \(camera 'wrist_image'\)\. It has: "):
        regress(replace(options, bag=bag))


def test_another_robots_joints_are_an_error(
    options: RegressOptions, tmp_path: Path, write_session: WriteSession
) -> None:
    def rename(topic: str, message: Any, time: int) -> tuple[Any, int]:
        if topic == "/joint_states":
            message.name = [f"panda_joint{k}" for k in range(7)]
        return message, time

    with pytest.raises(ObservationError, match=r"topic '/joint_states': .* no joint 'waist'. They have: panda_joint0"):
        regress(replace(options, bag=write_session(tmp_path / "bag", rename)))


def test_a_session_without_instruction_needs_one(
    options: RegressOptions, tmp_path: Path, write_session: WriteSession
) -> None:
    bag = write_session(tmp_path / "bag", drop(lambda topic, _: topic == "/hume/epoch"))
    with pytest.raises(SessionError, match="--task"):
        regress(replace(options, bag=bag))
    stream = regress(replace(options, bag=bag, task="lift the red cube")).stream
    assert any("instruction (given)" in event["text"] for event in stream.header["events"])
    assert len(stream.thoughts) > 0


def test_a_cut_off_recording_is_stepped_as_far_as_it_goes(
    options: RegressOptions, tmp_path: Path, write_session: WriteSession
) -> None:
    bag = write_session(tmp_path / "bag")
    (file,) = bag.glob("*.mcap")
    whole = file.read_bytes()
    (bag / "metadata.yaml").unlink()
    file.write_bytes(whole[: len(whole) - 40])
    result = regress(replace(options, bag=bag))
    assert result.problems
    assert len(result.stream.commands) > 0


def test_a_fault_is_noted_and_the_stream_goes_on(
    options: RegressOptions, tmp_path: Path, write_session: WriteSession
) -> None:
    gap = drop(lambda topic, time: topic == "/joint_states" and 600 * MS < time - START < 1000 * MS)
    stream = regress(replace(options, bag=write_session(tmp_path / "bag", gap, seconds=3.4))).stream
    events = [event for event in stream.header["events"] if event["kind"] in ("mode", "reset")]
    texts = [event["text"] for event in events]
    assert "fault: joint states lost" in texts
    assert any(event["kind"] == "reset" for event in events)
    assert stream.header["modes"][int(stream.commands["mode"][-1])] == "running"


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


def test_other_vector_instructions_give_the_same_within_the_tolerance(options: RegressOptions, golden: Path) -> None:
    arguments = [
        "regress", str(options.bag), "--checkpoint", options.checkpoint, "--candidates", "2", "--think-latency", "0.08",
        "--denoise-latency", "0.03", "--golden", str(golden),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "hume_tools", *arguments],
        env={**os.environ, "ATEN_CPU_CAPABILITY": "default", "DNNL_MAX_CPU_ISA": "SSE41"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hume regress: same" in done.stdout


def test_a_run_without_golden_reports_too(options: RegressOptions, tmp_path: Path) -> None:
    result = regress(options)
    write_page(result, tmp_path / "page.html")
    assert summary(result)["same"] is None


def test_stamps_that_go_back_are_reported(options: RegressOptions, tmp_path: Path, write_session: WriteSession) -> None:
    def jump(topic: str, message: Any, time: int) -> tuple[Any, int]:
        late = topic == "/camera/scene/image_raw" and time - START > 800 * MS
        return stamped(message, time - 500 * MS if late else time), time

    result = regress(replace(options, bag=write_session(tmp_path / "bag", jump)))
    assert "image: 1 of 24 stamps do not go forward" in result.problems
    assert any(event["kind"] == "denoising" for event in result.stream.header["events"])
