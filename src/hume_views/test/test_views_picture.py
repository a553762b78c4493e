"""A moment of a bag as a picture: what is drawn, and what is said where nothing can be."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.rerun_export import recorded_tools
from hume_views.picture import draw_bag
from hume_views.recorded_view import RecordedView, recorded_view

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"


def view(at: float | None = None) -> RecordedView:
    reader = BagReader(LIFT)
    profile, tools, problem = recorded_tools(reader)
    assert profile is not None, problem
    assert tools is not None, problem
    return recorded_view(reader, profile, tools, at)


@pytest.mark.parametrize("at", [3.0, 5.5])
def test_the_newest_of_everything_is_taken(at: float) -> None:
    found = view(at)
    assert found.thought is not None
    reader = BagReader(LIFT)
    seen = [item for item in reader.messages(["/hume/thought"]) if (item.log_time_ns - reader.start_ns) * 1e-9 <= at]
    assert found.thought.values == pytest.approx(np.array(seen[-1].message.values))
    assert set(found.images) == {"image", "wrist_image"}
    assert found.instruction == "lift the red cube"
    assert found.mode


def test_without_a_moment_the_values_that_differ_most_are_shown() -> None:
    found = view()
    assert found.thought is not None
    spreads = [float(item.message.value_spread) for item in BagReader(LIFT).messages(["/hume/thought"])]
    assert np.ptp(found.thought.values) == pytest.approx(max(spreads), abs=1e-6)


def test_commanded_and_measured_follow_each_other() -> None:
    found = view()
    times, rows = (np.array(part) for part in zip(*found.measured, strict=True))
    asked_times, asked = (np.array(part) for part in zip(*found.commanded, strict=True))
    late = np.stack([np.interp(times[50:-50], asked_times, column) for column in asked.T], axis=1)
    assert np.abs(late - rows[50:-50]).max() < 0.3
    assert np.ptp(rows, axis=0).max() > 0.1


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_written(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"view{suffix}"
    assert draw_bag(LIFT, file) == 0
    if suffix == ".png":
        image = cv2.imread(str(file))
        assert image is not None
        assert image.std() > 10.0
    else:
        assert "lift the red cube" in file.read_text(encoding="utf-8")


def test_a_bag_of_an_unknown_robot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="the tool cannot be drawn: unknown robot 'nobody'"):
        draw_bag(LIFT, tmp_path / "view.png", robot="nobody")


def test_a_bag_without_thoughts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no thoughts on '/right/hume/thought'; record without --no-thoughts"):
        draw_bag(LIFT, tmp_path / "view.png", namespace="right")
