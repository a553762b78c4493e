"""System 1 compares its clock with System 2's from heartbeats, and warns of an offset."""

from __future__ import annotations

from typing import Any

import pytest
from hume_msgs.msg import System1Status
from rclpy.clock import Clock
from rclpy.node import Node
from rclpy.time import Duration, Time

from hume_system1.peer_clock import PeerClock
from hume_system2.heartbeat import System2Heartbeat

pytestmark = pytest.mark.ros


class ShiftedClock:
    """A clock that is ahead of the machine's."""

    def __init__(self, clock: Clock, ahead: float) -> None:
        self._clock, self._ahead = clock, Duration(seconds=ahead)

    def now(self) -> Time:
        return self._clock.now() + self._ahead


class OtherMachine:
    """What `System2Heartbeat` needs of a node, with another clock."""

    def __init__(self, node: Node, ahead: float) -> None:
        self._node, self._clock = node, ShiftedClock(node.get_clock(), ahead)

    def get_clock(self) -> ShiftedClock:
        return self._clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


@pytest.mark.parametrize(("ahead", "word"), [(0.3, "ahead of"), (-0.3, "behind"), (0.0, "")])
def test_a_clock_offset_is_measured_and_warned_about(observer: Any, ahead: float, word: str) -> None:
    heartbeat = System2Heartbeat(OtherMachine(observer.node, ahead), lambda: {"image": 0.1}, lambda: True)  # type: ignore[arg-type]
    peer = PeerClock(observer.node, limit=0.05)
    try:
        assert peer.problem() == ""
        for _ in range(5):
            status = System1Status()
            status.header.stamp = observer.node.get_clock().now().to_msg()
            observer.spin(0.01)
            heartbeat.note_status(status)
        observer.until(lambda: peer.offset == peer.offset, 10.0, "a comparison of the clocks")
        assert peer.offset == pytest.approx(ahead, abs=0.05)
        assert peer.round_trip >= 0.0
        text = peer.problem()
        assert word in text
        assert bool(text) == bool(word)
        assert float(peer.figures()["clock offset of System 2, s"]) == pytest.approx(peer.offset, abs=0.05)
    finally:
        heartbeat.close()
        peer.close()
