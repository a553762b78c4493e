"""The fallback synchroniser: matching by stamp, whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

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


def synchronise(count: int, slop: float, queue: int = 10) -> tuple[list[Source], list[tuple[int, ...]]]:
    sources = [Source() for _ in range(count)]
    matched: list[tuple[int, ...]] = []
    sync = ApproximateTimeSynchronizer(sources, queue, slop)
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


def test_the_queue_forgets_the_oldest() -> None:
    (a, b), matched = synchronise(2, 0.001, queue=2)
    for at in (100, 200, 300):
        a.send(at)
    b.send(100)
    b.send(200)
    assert matched == [(200, 200)]


def test_a_message_older_than_a_full_queue_is_left_out() -> None:
    (a, b), matched = synchronise(2, 0.001, queue=2)
    b.send(100)
    for at in (200, 300, 100):
        a.send(at)
    assert matched == []
    b.send(300)
    assert matched == [(300, 300)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), max_size=60))
def test_every_match_is_within_the_slop_and_uses_each_message_once(arrivals: list[tuple[int, int]]) -> None:
    sources, matched = synchronise(3, 0.03)
    for index, at in arrivals:
        sources[index].send(at)
    for match in matched:
        assert max(match) - min(match) <= 30
    for index in range(3):
        used = [match[index] for match in matched]
        sent = [at for source, at in arrivals if source == index]
        assert all(used.count(at) <= sent.count(at) for at in used)
