"""Two processes of one node, told from one that has crashed and its successor."""

from __future__ import annotations

import pytest

from hume_ros.publishers import NAMELESS, SETTLED, Publisher, RepeatedPublishers, repeated_text

SYSTEM2, DENOISER = "/left/hume_system2", "/left/hume_system1_denoiser"


def seen(spans: list[tuple[str, float, float]], until: float, topic: str = "hume/action_chunk") -> str:
    """What is found at the time `until` of publishers that are in the graph from and to given times, s."""
    watch, found = RepeatedPublishers(), {}
    for step in range(int(until / 0.5) + 1):
        now = 0.5 * step
        there = [Publisher(node, (k,)) for k, (node, begin, end) in enumerate(spans) if begin <= now < end]
        found = watch.update({topic: there}, 1000.0 + now)
    return repeated_text(found)


FOR_EVER = 1e9
TWO = f"{SYSTEM2} publishes on hume/action_chunk from 2 processes"


@pytest.mark.parametrize(
    ("spans", "until", "text"),
    [
        ([], 60.0, ""),
        ([(SYSTEM2, 0.0, FOR_EVER)], 60.0, ""),
        ([(SYSTEM2, 0.0, FOR_EVER), (DENOISER, 0.0, FOR_EVER)], 60.0, ""),
        ([(SYSTEM2, 0.0, FOR_EVER), (SYSTEM2, 20.0, FOR_EVER)], 20.0 + SETTLED - 0.5, ""),
        ([(SYSTEM2, 0.0, FOR_EVER), (SYSTEM2, 20.0, FOR_EVER)], 20.0 + SETTLED, TWO),
        # A crashed one leaves the graph 10 s later. Its successor came meanwhile.
        ([(SYSTEM2, 0.0, 30.0), (SYSTEM2, 22.0, FOR_EVER)], 80.0, ""),
        # Again and again: there are always two, but never the same.
        ([(SYSTEM2, 12.0 * k, 12.0 * k + 14.0) for k in range(10)], 110.0, ""),
        ([(SYSTEM2, 0.0, FOR_EVER), (SYSTEM2, 5.0, 40.0)], 30.0, TWO),
        ([(SYSTEM2, 0.0, FOR_EVER), (SYSTEM2, 5.0, 40.0)], 41.0, ""),
        ([(SYSTEM2, 0.0, FOR_EVER)] * 3, 30.0, f"{SYSTEM2} publishes on hume/action_chunk from 3 processes"),
        ([(NAMELESS, 0.0, FOR_EVER)] * 2, 30.0, ""),
    ],
)
def test_nodes_that_run_twice_are_named(spans: list[tuple[str, float, float]], until: float, text: str) -> None:
    assert seen(spans, until) == text


def test_each_topic_is_reported() -> None:
    watch = RepeatedPublishers()
    there = {"a": [Publisher("/x", (1,)), Publisher("/x", (2,))], "b": [Publisher("/y", (3,)), Publisher("/y", (4,))]}
    assert watch.update(there, 0.0) == {}
    text = repeated_text(watch.update(there, SETTLED))
    assert text == "/x publishes on a from 2 processes, /y publishes on b from 2 processes"
