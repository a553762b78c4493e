"""How the report of a regression run opens, and that all its plots have one time axis."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hume_bags.regress import facts, page
from hume_bags.regress.compare import compare
from hume_bags.regress.compare_commands import largest_of
from hume_bags.regress.facts import sentence
from hume_bags.regress.findings import Tolerance
from hume_bags.regress.recorded import RecordedStream, compare_recorded
from hume_bags.regress.regress_settings import RegressOptions
from hume_bags.regress.report import lines, summary
from hume_bags.regress.result import RegressResult
from hume_bags.regress.run import regress
from hume_bags.regress.stream import CommandStream, read_stream
from hume_core.robot import RobotProfile

DRAWINGS = (page._commands, page._differences, page._values, page._limiter, page._latencies)


@pytest.fixture(scope="module")
def result(options: RegressOptions, golden: Path) -> RegressResult:
    return regress(replace(options, golden=golden, command="./hume regress session"))


def changed(stream: CommandStream, **shifts: tuple[int, Any]) -> CommandStream:
    """A stream in which fields differ by so much at a tick, one joint of vectors."""
    commands = stream.commands.copy()
    for name, (tick, (joint, shift)) in shifts.items():
        column = commands[name] if joint is None else commands[name][:, joint]
        column[tick] += shift
    return CommandStream(stream.header, {**stream.sections, "commands": commands})


def test_the_page_opens_with_what_was_compared(
    result: RegressResult, options: RegressOptions, golden: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    page.write_page(result, path)
    opening = path.read_text(encoding="utf-8").partition("<img")[0]
    for part in (str(options.bag), str(golden), options.checkpoint, "wx250s_sim", "./hume regress session"):
        assert part in opening
    assert re.search(r"<th>date</th><td>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</td>", opening)
    assert re.search(r"<th>commit</th><td>(\w{40}(\+changes)?|unknown)</td>", opening)
    assert opening.index("No command differs.") < opening.index("<th>bag</th>")
    assert "recorded</th><td>on 2023-11-14 22:13:20 UTC, robot wx250s_sim" in opening


def test_what_was_compared_is_in_the_json(result: RegressResult, options: RegressOptions) -> None:
    content = json.loads(json.dumps(summary(result), allow_nan=False))
    assert content["compared"]["bag"] == str(options.bag)
    assert content["largest_difference"] is None
    assert lines(result)


@pytest.mark.parametrize(("joint", "tick", "shift"), [(0, 40, 0.02), (5, 111, -0.5), (2, 0, 1e-9)])
def test_the_sentence_names_the_largest_difference_and_when(golden: Path, joint: int, tick: int, shift: float) -> None:
    stream = read_stream(golden)
    other = changed(stream, position=(tick, (joint, shift)), gripper=(3, (None, 5.0)))
    largest = compare(stream, other, Tolerance()).largest
    assert largest is not None
    assert largest.what == f"joint '{stream.joints[joint]}'"
    assert largest.amount == pytest.approx(abs(shift), rel=1e-6)
    time = f"{stream.commands['time'][tick] * 1e-9:.3f} s after the start"
    assert time in sentence(compare(stream, other, Tolerance()))


def test_the_gripper_is_named_where_no_joint_differs(golden: Path) -> None:
    stream = read_stream(golden)
    text = sentence(compare(stream, changed(stream, gripper=(60, (None, 0.004))), Tolerance()))
    assert "0.004 m at the gripper" in text


@pytest.mark.parametrize("missing", ["position", "gripper"])
def test_numbers_that_are_missing_do_not_count(golden: Path, missing: str) -> None:
    stream = read_stream(golden)
    joint = 1 if missing == "position" else None
    assert compare(stream, changed(stream, **{missing: (9, (joint, np.nan))}), Tolerance()).largest is None


def test_without_a_golden_file_it_says_how_to_compare() -> None:
    assert "--golden" in sentence(None)


def test_other_findings_are_pointed_to(golden: Path) -> None:
    stream = read_stream(golden)
    other = changed(stream, velocity=(9, (0, 0.1)))
    told = sentence(compare(stream, other, Tolerance()))
    assert told == "No command differs. What else differs is among the findings."


@pytest.mark.parametrize(("shape", "found"), [((0, 3), None), ((4, 0), None), ((4, 3), None)])
def test_nothing_has_no_largest_difference(shape: tuple[int, int], found: None) -> None:
    zeros = np.zeros(shape)
    assert largest_of(["a", "b", "c"], "rad", np.arange(shape[0]), zeros, zeros) is found


@pytest.mark.parametrize("tick", [20, 90])
def test_recorded_commands_have_a_largest_difference_too(golden: Path, tick: int) -> None:
    stream, start = read_stream(golden), 5_000
    sent = stream.commands[stream.commands["published"] > 0]
    recorded = RecordedStream("arm", sent["time"] + start, sent["position"].copy())
    profile = RobotProfile.load("wx250s_sim")
    assert compare_recorded([recorded], stream, start, profile).largest is None
    recorded.values[tick, 4] -= 0.25
    largest = compare_recorded([recorded], stream, start, profile).largest
    assert largest is not None
    assert (largest.what, largest.time_ns) == (f"joint '{stream.joints[4]}'", int(sent["time"][tick]))
    assert (largest.amount, largest.expected) == (pytest.approx(0.25), recorded.values[tick, 4])


def test_all_plots_have_the_same_time_axis_in_the_same_place(result: RegressResult) -> None:
    assert result.golden is not None
    longer = CommandStream(
        result.golden.header, {**result.golden.sections, "commands": np.repeat(result.golden.commands, 1)}
    )
    longer.commands["time"][-1] += 4_000_000_000
    places = set()
    for draw in DRAWINGS:
        figure = page.drawn(replace(result, golden=longer), draw)
        assert isinstance(figure, Figure)
        for axes in figure.axes:
            box = axes.get_position()
            places.add((axes.get_xlim(), round(box.x0, 6), round(box.x1, 6), figure.get_figwidth()))
    ((limits, *_),) = places
    assert limits == (0.0, pytest.approx(longer.commands["time"][-1] * 1e-9))


@pytest.mark.parametrize(("time", "shown"), [(1_700_000_000_000_000_000, "2023-11-14"), (5_000_000_000, ""), (-1, "")])
def test_times_of_a_simulator_are_no_date(time: int, shown: str) -> None:
    assert facts._date(time)[:10] == shown
