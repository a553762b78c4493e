"""What is drawn onto the film lies where the simulator's own camera sees it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hume_bench.demo.film import film_text
from hume_bench.demo.overlay import CameraView, CandidateOverlay
from hume_core.plot_file import RED, rgb
from hume_sim.scene import CUBES, load_model
from hume_sim.world import TabletopWorld

SIDE = 240


@pytest.fixture(scope="module")
def view() -> CameraView:
    return CameraView(load_model(), "video")


@pytest.fixture(scope="module")
def world() -> Iterator[TabletopWorld]:
    world = TabletopWorld()
    yield world
    world.close()


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("channel", range(len(CUBES)))
def test_a_cube_is_drawn_where_the_camera_sees_it(
    world: TabletopWorld, view: CameraView, channel: int, seed: int
) -> None:
    world.reset(seed)
    image = world.video_frame(SIDE).astype(int)
    others = np.delete(image, channel, axis=2).max(axis=2)
    seen = np.argwhere(image[..., channel] > 1.6 * others + 20)[:, ::-1]
    centre = (seen.min(axis=0) + seen.max(axis=0)) / 2
    place = world.cube_pose(CUBES[channel])[:3]
    np.testing.assert_allclose(view.pixels(place[None], SIDE, SIDE)[0], centre, atol=3.0)


def test_what_is_behind_the_camera_is_nowhere(view: CameraView) -> None:
    assert np.isnan(view.pixels(np.array([[5.0, -5.0, 2.0]]), SIDE, SIDE)).all()


class Tools:
    """Paths that the test gives."""

    joint_names = ("a", "b")
    action_space = "joint_delta"

    def of_rows(self, rows: Any, anchor: Any, dt: float) -> Any:
        ends = np.linspace(0.0, 1.0, 5)[:, None]
        return np.stack([np.array([0.2, 0.0, 0.1]) + ends * row[-1, :3] for row in rows])


def messages(rows: Any, values: Any, weight: int) -> tuple[Any, Any]:
    count, horizon, dim = rows.shape
    stamp = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=0))
    thought = SimpleNamespace(
        header=stamp, seq=4, action_space="joint_delta", num_candidates=count, horizon=horizon, dim=dim,
        candidates=rows.ravel().tolist(), values=values, index=weight,
    )  # fmt: skip
    chunk = SimpleNamespace(header=stamp, seq=4, names=["a", "b"], anchor=[0.0, 0.0], dt=0.05, value=values[weight])
    return thought, chunk


def drawn(view: CameraView, values: Any) -> tuple[Any, Any]:
    rows = np.zeros((2, 3, 3))
    rows[0, :, 1], rows[1, :, 1] = 0.15, -0.15
    overlay = CandidateOverlay(Tools(), view)  # type: ignore[arg-type]
    thought, chunk = messages(rows, values, int(np.argmax(values)))
    overlay.take_thought(thought)
    overlay.take_chunk(chunk)
    frame = np.full((SIDE, SIDE, 3), 10, np.uint8)
    return overlay.draw(frame), rows


def test_the_candidates_go_to_either_side_and_the_chosen_one_is_red(view: CameraView) -> None:
    for values, side in (([0.2, 0.9], -0.15), ([0.9, 0.2], 0.15)):
        picture, _ = drawn(view, values)
        end = view.pixels(np.array([[0.2, 0.9 * side, 0.1], [0.2, -0.9 * side, 0.1]]), SIDE, SIDE).round().astype(int)
        chosen, other = (picture[row, column].astype(int) for column, row in end)
        assert np.abs(chosen - rgb(RED)).max() < 30
        assert other.max() > 40
        assert np.abs(other - rgb(RED)).max() > 60


def test_a_new_scene_begins_without_candidates(view: CameraView) -> None:
    overlay = CandidateOverlay(Tools(), view)  # type: ignore[arg-type]
    thought, chunk = messages(np.full((1, 3, 3), 0.05), [0.5], 0)
    overlay.take_chunk(chunk)
    overlay.take_thought(thought)
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert (overlay.draw(frame) != frame).any()
    overlay.clear()
    assert overlay.draw(frame) is frame


def test_messages_that_contradict_each_other_leave_the_film_as_it_is(view: CameraView) -> None:
    overlay = CandidateOverlay(Tools(), view)  # type: ignore[arg-type]
    thought, chunk = messages(np.full((1, 3, 3), 0.05), [0.5], 0)
    chunk.names = ["c", "d"]
    overlay.take_chunk(chunk)
    overlay.take_thought(thought)
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert overlay.draw(frame) is frame


@pytest.mark.parametrize(
    ("failure", "success", "line"),
    [
        ("", False, "stack"),
        ("", True, "stack: done"),
        ("the pillar was touched", False, "stack: the pillar was touched"),
    ],
)
def test_the_text_says_how_the_scene_ended(failure: str, success: bool, line: str) -> None:
    episode: Any = SimpleNamespace(instruction="stack", success=success)
    assert film_text(episode, failure, None, None) == [line]
