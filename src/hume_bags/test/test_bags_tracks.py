"""Commands as functions of time."""

from __future__ import annotations

import numpy as np
import pytest

from hume_bags.errors import BagError
from hume_bags.tracks import HeldTrack, JoinedTrack, LinearTrack


@pytest.mark.parametrize("speed", [0.7, -3.0])
def test_between_two_commands_a_continuous_joint_goes_the_short_way(speed: float) -> None:
    """Commands to a driver that wraps go from pi to -pi. The mean of the two would be on the opposite side."""
    times = np.linspace(0.0, 10.0, 301)
    angles = np.stack([2.0 + speed * times] * 2, axis=1)
    wrapped = (angles + np.pi) % (2.0 * np.pi) - np.pi
    track = LinearTrack(times, wrapped, "commands", np.array([True, False]))
    np.testing.assert_array_equal(track.at(times), wrapped)
    between = np.linspace(0.01, 9.99, 777)
    found = track.at(between)[:, 0]
    expected = 2.0 + speed * between
    np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * expected), atol=1e-9)
    assert np.abs(found).max() < np.pi + abs(speed) / 30.0
    np.testing.assert_array_equal(track.at(between)[:, 1], np.interp(between, times, wrapped[:, 1]))


def test_a_held_target_counts_until_the_next_and_to_the_end() -> None:
    track = HeldTrack(np.array([1.0, 2.5]), np.array([[3.0], [7.0]]), 9.0, "goals")
    assert (track.start, track.end) == (1.0, 9.0)
    np.testing.assert_array_equal(track.at(np.array([1.0, 2.49, 2.5, 9.0])), [[3.0], [3.0], [7.0], [7.0]])
    with pytest.raises(BagError, match="goals do not cover the episode"):
        track.at(np.array([0.99]))


def test_tracks_side_by_side_are_known_where_all_are() -> None:
    times = np.array([0.0, 4.0])
    line = LinearTrack(times, np.array([[0.0, 4.0], [4.0, 0.0]]), "line", np.array([False, False]))
    held = HeldTrack(np.array([1.0]), np.array([[5.0]]), 3.0, "held")
    track = JoinedTrack([line, held])
    assert (track.start, track.end) == (1.0, 3.0)
    np.testing.assert_allclose(track.at(np.array([1.0, 2.5])), [[1.0, 3.0, 5.0], [2.5, 1.5, 5.0]])


@pytest.mark.parametrize("rounding", [1e-9, 4e-7])
def test_rounded_times_at_the_ends_are_covered(rounding: float) -> None:
    begin, end = 1.7e9 + 0.1, 1.7e9 + 0.2
    values = np.array([[1.0], [2.0]])
    line = LinearTrack(np.array([begin, end]), values, "line", np.array([False]))
    held = HeldTrack(np.array([begin]), values[:1], end, "held")
    times = np.array([begin - rounding, end + rounding])
    np.testing.assert_array_equal(line.at(times), values)
    np.testing.assert_array_equal(held.at(times), [[1.0], [1.0]])


def test_a_track_without_numbers_covers_nothing() -> None:
    track = LinearTrack(np.empty(0), np.empty((0, 2)), "commands", np.array([False, False]))
    assert track.end < track.start
