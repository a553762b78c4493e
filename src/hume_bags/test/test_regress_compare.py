"""What counts as a difference between two runs, and damaged golden files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hume_bags.recorded_clock import RecordedClock
from hume_bags.regress.compare import compare
from hume_bags.regress.findings import Tolerance
from hume_bags.regress.stream import CommandStream, StreamError, read_stream
from hume_session import Latencies


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


def test_the_time_of_a_recording_is_that_of_its_clock() -> None:
    clock = RecordedClock([(1000, 50), (2000, 60), (3000, 160)])
    assert [clock.ros_time(time) for time in (900, 1000, 1500, 2500, 3000, 3500)] == [-50, 50, 55, 110, 160, 660]
    assert RecordedClock([]).ros_time(7) == 7


def test_latency_in_force_is_the_last_that_began() -> None:
    latencies = Latencies((10, 20), (5, 7), "measured")
    assert [latencies.at(time) for time in (0, 10, 19, 20, 100)] == [5, 5, 5, 7, 7]
