"""What the markers say: places, colours, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hume_msgs.msg import System1Status
from numpy.typing import NDArray
from visualization_msgs.msg import Marker

from hume_core.value_colors import value_colors
from hume_ros.conversions import stamp_seconds
from hume_ros.thought_paths import CandidatePaths
from hume_views import markers
from hume_views.markers import MarkerMaker

STAMP = 12.5


def candidates(count: int = 4, points: int = 6) -> CandidatePaths:
    rng = np.random.default_rng(count)
    values = rng.random(count)
    paths = rng.normal(size=(count + 1, points, 3))
    return CandidatePaths(STAMP, paths[1:], values, paths[0], 0.25)


def points(marker: Marker) -> NDArray[np.float64]:
    return np.array([[point.x, point.y, point.z] for point in marker.points])


def named(found: list[Marker], name: str) -> list[Marker]:
    return [marker for marker in found if marker.ns == name]


@pytest.mark.parametrize("count", [1, 4, 16])
def test_every_candidate_is_a_line_in_the_color_of_its_value(count: int) -> None:
    thought = candidates(count)
    found = MarkerMaker("arm_base").thought(thought)
    lines = named(found, markers.CANDIDATES)
    assert [line.id for line in lines] == list(range(count))
    for line, path, color in zip(lines, thought.paths, value_colors(thought.values), strict=True):
        assert line.type == Marker.LINE_STRIP
        assert points(line) == pytest.approx(path)
        assert [line.color.r, line.color.g, line.color.b] == pytest.approx(color / 255.0, abs=1e-6)
        assert (line.header.frame_id, stamp_seconds(line.header.stamp)) == ("arm_base", STAMP)
        assert line.lifetime.sec > 0
    (chosen,) = named(found, markers.CHOSEN)
    assert points(chosen) == pytest.approx(thought.chosen)
    assert chosen.scale.x > lines[0].scale.x
    (text,) = named(found, markers.VALUE)
    assert text.text == f"0.250 ({thought.values.min():.3f} to {thought.values.max():.3f})"


def test_messages_are_used_again_and_take_other_sizes() -> None:
    maker = MarkerMaker("base")
    for count, size in ((4, 6), (2, 9), (5, 3)):
        thought = candidates(count, size)
        lines = named(maker.thought(thought), markers.CANDIDATES)
        assert [points(line).tolist() for line in lines] == thought.paths.tolist()


def test_paths_that_are_not_finite_are_left_out() -> None:
    thought = candidates(4)
    worst = int(thought.values.argmin())
    thought.paths[worst, 2, 1] = np.nan
    found = MarkerMaker("base").thought(thought)
    assert [line.id for line in named(found, markers.CANDIDATES)] == [k for k in range(4) if k != worst]
    thought.chosen[0, 0] = np.inf
    assert not named(MarkerMaker("base").thought(thought), markers.CHOSEN)


def test_the_deviation_of_the_tool_is_said_in_millimetres() -> None:
    way = [np.array([0.1 * k, 0.0, 0.2]) for k in range(3)]
    found = MarkerMaker("base").motion(STAMP, way, [place + np.array([0.0, 0.003, 0.004]) for place in way])
    assert {marker.ns for marker in found} == {markers.COMMANDED, markers.MEASURED, markers.DEVIATION}
    assert points(named(found, markers.COMMANDED)[0]) == pytest.approx(np.array(way))
    assert named(found, markers.DEVIATION)[0].text == "5.0 mm"


def test_without_motion_nothing_is_drawn() -> None:
    assert MarkerMaker("base").motion(STAMP, [], []) == []
    assert MarkerMaker("base").motion(STAMP, [], [np.zeros(3)]) == []
    (line,) = MarkerMaker("base").motion(STAMP, [], [np.zeros(3), np.ones(3)])
    assert line.ns == markers.MEASURED


@pytest.mark.parametrize("mode", ["RUNNING", "HOLD", "FAULT", "IDLE"])
def test_the_status_names_mode_limiter_and_instruction(mode: str) -> None:
    status = System1Status(mode_name=mode, joint_names=["a", "b"], limited=[False, True], reason=f"{mode}: because")
    maker = MarkerMaker("base")
    text = maker.status(STAMP, status, "lift the cube")
    assert text.text.splitlines() == [f"{mode}: because", "lift the cube", "limiter: b"]
    color = text.color
    assert (maker.status(STAMP, System1Status(mode_name="INACTIVE"), "").color != color) == (
        mode in markers.MODE_COLORS
    )


def test_markers_of_two_arms_differ_in_their_namespaces() -> None:
    thought = candidates()
    left, right = MarkerMaker("left/base", "left/"), MarkerMaker("right/base", "right/")
    found = [marker for maker in (left, right) for marker in maker.thought(thought)]
    assert len({(marker.ns, marker.id) for marker in found}) == len(found)
    for side in ("left", "right"):
        own = [marker for marker in found if marker.ns.startswith(f"{side}/")]
        assert {marker.header.frame_id for marker in own} == {f"{side}/base"}
        assert {marker.ns.partition("/")[2] for marker in own} == {markers.CANDIDATES, markers.CHOSEN, markers.VALUE}
