"""The scripted expert, its rows through the stack, and how far two ways are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_libero import GOAL, InProcess

from hume_core.errors import ConfigError
from hume_core.kinematics import Kinematics
from hume_core.robot_kinematics import load_kinematics
from hume_libero.expert import TASKS, Expert
from hume_libero.expert_report import ExpertEpisode, parse_tasks, summarise
from hume_libero.expert_runs import Demonstration, Followed, Follower, demonstrate, distances_to_path
from hume_libero.replay import REST_ROWS, RecordedRows
from hume_libero.suites import LiberoSuite, find_suite
from hume_libero.world import LiberoWorld

SUITE = find_suite("libero_object")


@pytest.mark.parametrize("state", [0, 2])
def test_the_expert_takes_a_thing_to_its_goal(world: LiberoWorld, state: int) -> None:
    found = demonstrate(world, SUITE, state)
    assert found.success
    assert len(found.tool) == len(found.rows) + 1 < SUITE.steps
    assert np.abs(found.rows[:, :6]).max() <= 1.0
    assert set(found.rows[:, 6]) == {0.0, 1.0}
    assert found.rows[0, 6] == found.rows[-1, 6] == 1.0
    np.testing.assert_allclose(world.reading.objects["cream_cheese_1"][:2], GOAL[:2], atol=0.02)


def test_its_rows_change_slowly_enough_for_a_real_arm(world: LiberoWorld) -> None:
    rows = demonstrate(world, SUITE, 0).rows
    assert np.abs(np.diff(rows[:, :3], axis=0)).max() < 0.16


def test_it_ends_with_the_suites_number_of_steps(world: LiberoWorld) -> None:
    found = demonstrate(world, LiberoSuite("libero_object", 12, "libero_object"), 0)
    assert (len(found.rows), found.success) == (12, False)


def test_a_task_without_an_expert_is_refused(fake: InProcess) -> None:
    world = LiberoWorld(fake, 16)
    with pytest.raises(ConfigError, match=r"no expert for task 1 of libero_10. Valid: libero_spatial:0, "):
        Expert(world.open("libero_10", 1))
    with pytest.raises(ConfigError, match="no expert for 'libero_object:99'"):
        parse_tasks(["libero_object:1", "libero_object:99"])
    assert parse_tasks([]) == list(TASKS)
    assert parse_tasks(["libero_goal:8"]) == [("libero_goal", 8)]


def test_recorded_rows_come_back_by_time() -> None:
    rows = np.arange(30)[:, None] * np.ones(7)
    replay = RecordedRows(rows)
    first = replay.chunk(REST_ROWS * 0.05)
    assert first.shape == (16, 7)
    assert first[:, 0].tolist() == list(range(16))
    # A row holds until the next one, and the arm rests before the first and after the last.
    assert replay.chunk((REST_ROWS + 3) * 0.05 + 0.049)[0, 0] == 3.0
    assert replay.chunk(0.0)[:, 0].tolist() == [0.0] * 16
    late = replay.chunk((REST_ROWS + 25) * 0.05)
    assert late[:, 0].tolist() == [25.0, 26.0, 27.0, 28.0, 29.0] + [0.0] * 11
    assert late[-1, 6] == 29.0


def test_a_segment_is_the_part_of_the_chunk_that_is_due() -> None:
    replay = RecordedRows(np.arange(30)[:, None] * np.ones(7))
    chunk = replay.chunk(REST_ROWS * 0.05)
    observation: Any = None
    assert replay.segment(observation, chunk, 0.5, np.zeros(7))[:, 0].tolist() == list(range(8, 16))


@pytest.fixture(scope="module")
def follower() -> Follower:
    return Follower(SUITE)


@pytest.fixture(scope="module")
def kinematics(follower: Follower) -> Kinematics:
    return load_kinematics(follower.profile)


def test_the_stack_moves_the_tool_where_the_rows_say(
    world: LiberoWorld, fake: InProcess, follower: Follower, kinematics: Kinematics
) -> None:
    """A row sideways for half a second moves the commanded arm to that side, and to that side alone."""
    rows = np.zeros((30, 7))
    rows[:10, 1], rows[:, 6] = 0.4, 1.0
    rows[20:, 6] = 0.0
    before = kinematics.forward(world.reading.joints).position
    still = np.tile(world.reading.tool, (31, 1))
    found = follower.follow(world, 0, Demonstration(rows, still, True))
    assert (found.fault, found.success) == ("", False)
    moved = kinematics.forward(world.reading.joints).position - before
    assert 0.02 < moved[1] < 0.08
    assert np.abs(moved[[0, 2]]).max() < 0.01
    assert world.reading.fingers[0] == 0.0
    # From one joint state to the next: 10 ms, with a command for each tick of the stream.
    steps = [given["steps"] for method, given in fake.asked if method == "joints"]
    assert {sum(counts) for counts in steps} == {5}
    assert {len(counts) for counts in steps} <= {2, 3}


def test_the_same_rows_give_the_same_commands(world: LiberoWorld, follower: Follower) -> None:
    rows = np.zeros((12, 7))
    rows[:, 0], rows[:, 6] = np.linspace(0.0, 0.3, 12), 1.0
    ends = []
    for _ in range(2):
        follower.follow(world, 1, Demonstration(rows, np.zeros((13, 3)), True))
        ends.append(world.reading.joints)
    np.testing.assert_array_equal(*ends)


def test_distance_from_a_way() -> None:
    path = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    points = np.array([[0.5, -0.25, 0.0], [1.0, 0.7, 0.1], [-3.0, 4.0, 0.0], [1.0, 2.0, 0.0]])
    np.testing.assert_allclose(distances_to_path(points, path), [0.25, 0.1, 5.0, 1.0], atol=1e-12)


def episode(state: int, osc: bool, stack: bool, *strays: float) -> ExpertEpisode:
    demonstration = Demonstration(np.zeros((2, 7)), np.zeros((3, 3)), osc)
    return ExpertEpisode(state, demonstration, Followed(stack, np.array(strays), np.array(strays) / 2, ""))


def test_the_report_counts_both_ways_and_measures_in_mm() -> None:
    found = {
        ("libero_object", 1): [episode(0, True, True, 0.0, 0.002), episode(1, True, False, 0.001, 0.006)],
        ("libero_goal", 8): [episode(0, True, True, 0.001)],
    }
    report = summarise(found, {"mujoco": "1"})
    first, second = report["tasks"]
    assert (first["task"], first["osc"]["success"], first["stack"]["success"]) == ("libero_object:1", 1.0, 0.5)
    assert first["deviation_mm"]["max"] == pytest.approx(6.0)
    assert first["deviation_mm"]["mean"] == pytest.approx(9.0 / 4)
    assert first["path_deviation_mm"] == pytest.approx(3.0)
    assert second["outcomes"] == [
        {"state": 0, "osc": True, "stack": True, "rows": 2, "deviation_mm": pytest.approx(1.0), "fault": ""}
    ]
    assert report["total"]["difference"]["mean"] == pytest.approx(1.0 / 3.0)
