"""The synchroniser: matching by stamp, whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from hume_ros.message_sync import ApproximateTimeSynchronizer


class Source:
    """Stands for a subscriber."""

    def __init__(self) -> None:
        self._callback: Callable[..., None] = lambda *_: None
        self._args: tuple[Any, ...] = ()

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> None:  # noqa: N802
        self._callback, self._args = callback, args

    def send(self, milliseconds: int) -> None:
        stamp = Time(sec=milliseconds // 1000, nanosec=milliseconds % 1000 * 1_000_000)
        self._callback(SimpleNamespace(header=SimpleNamespace(stamp=stamp), at=milliseconds), *self._args)


def synchronise(count: int, slop: float, keep: float = 1.0) -> tuple[list[Source], list[tuple[int, ...]]]:
    sources = [Source() for _ in range(count)]
    matched: list[tuple[int, ...]] = []
    sync = ApproximateTimeSynchronizer(sources, keep, slop)
    sync.registerCallback(lambda *messages: matched.append(tuple(message.at for message in messages)))
    return sources, matched


def test_equal_stamps_match_once_all_are_there() -> None:
    (a, b, c), matched = synchronise(3, 0.01)
    a.send(100)
    c.send(100)
    assert matched == []
    b.send(100)
    assert matched == [(100, 100, 100)]


def test_the_closest_message_is_taken_and_none_is_used_twice() -> None:
    (fast, slow), matched = synchronise(2, 0.02)
    for at in (100, 110, 120):
        fast.send(at)
    slow.send(111)
    slow.send(112)
    assert matched == [(110, 111), (120, 112)]


def test_messages_further_apart_than_the_slop_do_not_match() -> None:
    (a, b), matched = synchronise(2, 0.01)
    a.send(100)
    b.send(111)
    assert matched == []


def test_the_span_over_all_topics_counts() -> None:
    (a, b, c), matched = synchronise(3, 0.01)
    a.send(92)
    c.send(108)
    b.send(100)
    assert matched == []


def test_a_message_waits_for_a_time_and_not_for_a_number_of_messages() -> None:
    (fast, slow), matched = synchronise(2, 0.001, keep=0.2)
    for at in range(0, 301):
        fast.send(at)
    slow.send(98)
    assert matched == []
    slow.send(100)
    assert matched == [(100, 100)]


def test_a_message_older_than_all_that_may_wait_is_left_out() -> None:
    (a, b), matched = synchronise(2, 0.001, keep=0.15)
    b.send(100)
    for at in (200, 300, 100):
        a.send(at)
    assert matched == []
    b.send(300)
    assert matched == [(300, 300)]


@pytest.mark.parametrize(
    ("rate", "delay", "period"), [(1000, 100, 33), (1000, 180, 21), (500, 150, 40), (250, 90, 17), (90, 0, 50)]
)
def test_the_state_nearest_to_a_late_image_is_taken_at_any_rate(rate: int, delay: int, period: int) -> None:
    (camera, states), matched = synchronise(2, 0.05, keep=0.3)
    images = [7 + k * period for k in range(40)]
    stamps = [round(1000 * k / rate) for k in range(2 * rate)]
    for _, at, source in sorted([(at, at, states) for at in stamps] + [(at + delay, at, camera) for at in images],
                                key=lambda event: event[:2]):  # fmt: skip
        source.send(at)
    assert [image for image, _ in matched] == [at for at in images if at + delay <= stamps[-1] + period]
    for image, state in matched:
        had = [at for at in stamps if at <= image + delay]
        assert abs(state - image) == min(abs(at - image) for at in had)


@pytest.mark.parametrize(("period", "late"), [(33, 5), (33, 2), (40, 12), (50, 1)])
@pytest.mark.parametrize("dropped", ["first", "second"])
def test_one_dropped_frame_does_not_shift_the_pairs_for_good(period: int, late: int, dropped: str) -> None:
    (first, second), matched = synchronise(2, 0.05)
    for k in range(20):
        if not (k == 7 and dropped == "first"):
            first.send(k * period)
        if not (k == 7 and dropped == "second"):
            second.send(k * period + late)
    assert all(abs(b - a) == late for a, b in matched[-10:])
    assert len({a for a, b in matched if b - a == late}) == 19


def test_a_source_that_goes_back_begins_anew() -> None:
    sources = [Source() for _ in range(2)]
    matched: list[tuple[int, ...]] = []
    sync = ApproximateTimeSynchronizer(sources, 0.3, 0.05)
    sync.registerCallback(lambda *messages: matched.append(tuple(message.at for message in messages)))
    states, camera = sources
    for at in range(20_000, 20_300, 10):
        states.send(at)
    sync.restart(0, 20.29, 5.0)
    for at in range(5000, 5150, 10):
        states.send(at)
    camera.send(20_280)
    assert matched == []
    sync.restart(1, 20.28, 5.03)
    camera.send(5031)
    assert matched == [(5030, 5031)]


def once(stamps: list[list[int]], order: list[tuple[int, int]], slop: int) -> list[tuple[int, ...]]:
    """Matches by hand: the closest unused ones around each arrival, none used twice."""
    waiting: list[list[int]] = [[] for _ in stamps]
    found = []
    for at, source in order:
        waiting[source].append(at)
        near = [sorted((t for t in kept if abs(t - at) <= slop), key=lambda t: abs(t - at)) for kept in waiting]
        near[source] = [at]
        match = next((c for c in product(*near) if max(c) - min(c) <= slop), None)
        if match is not None:
            found.append(match)
            for kept, used in zip(waiting, match, strict=True):
                kept.remove(used)
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(20, 120), st.lists(st.integers(-4, 4), min_size=24, max_size=24), st.permutations([0, 1, 2]))
def test_matches_of_regular_topics_are_those_of_message_filters(
    period: int, jitter: list[int], order: list[int]
) -> None:
    """Where no topic is so fast or late that a queue of ten messages falls short, the first closest ones count."""
    sources, matched = synchronise(3, 0.015)
    arrivals = [(1000 + k * period + jitter[3 * k + i], i) for k in range(8) for i in order]
    for at, i in arrivals:
        sources[i].send(at)
    stamps = [[at for at, source in arrivals if source == i] for i in range(3)]
    assert matched == once(stamps, arrivals, 15)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), max_size=60))
def test_every_match_is_within_the_slop_and_a_message_is_only_used_again_in_a_closer_one(
    arrivals: list[tuple[int, int]],
) -> None:
    sources, matched = synchronise(3, 0.03)
    for index, at in arrivals:
        sources[index].send(at)
    spans: dict[tuple[int, int], int] = {}
    sent = [(index, at) for index, at in arrivals]
    for match in matched:
        span = max(match) - min(match)
        assert span <= 30
        for message in enumerate(match):
            again = sent.count(message) > 1
            assert again or span < spans.get(message, 31)
            spans[message] = span
