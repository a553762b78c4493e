"""Bags that are played again, simulators that are reset, clocks that are set."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from builtin_interfaces.msg import Time

from hume_core.robot import RobotProfile
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer

PROFILE = RobotProfile.load("ur5e")
NAMES = [*PROFILE.joint_names, PROFILE.gripper.joint] if PROFILE.gripper else []


class Robot:
    """Cameras that are late, joint states that are not, on a clock that may be set."""

    def __init__(self, delay: float, rate: int = 100) -> None:
        self.delay, self.rate = delay, rate
        self.sources = {key: MessageSource() for key in (*PROFILE.cameras, JOINT_STATES)}
        self.problems: list[str] = []
        self.steady, self._late = 0.0, []
        self.buffer = ObservationBuffer(
            PROFILE, self.sources, clock=lambda: self.steady, decode=False, on_problem=self.problems.append
        )

    def play(self, start: float, seconds: float, place: float = 0.0, shift: dict[str, float] | None = None) -> Any:
        """Messages from `start` on. Yields the time at every step."""
        shift = shift or {}
        for k in range(round(seconds * self.rate)):
            at = start + k / self.rate
            self.steady += 1.0 / self.rate
            self._send(JOINT_STATES, at + shift.get(JOINT_STATES, 0.0), place)
            if k % (self.rate // 25) == 0:
                self._late += [(self.steady + self.delay, key, at + shift.get(key, 0.0)) for key in PROFILE.cameras]
            while self._late and self._late[0][0] <= self.steady:
                _, key, stamp = self._late.pop(0)
                self._send(key, stamp, place)
            yield at

    def _send(self, source: str, at: float, place: float) -> None:
        nanoseconds = round(at * 1e9)
        stamp = Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        self.sources[source].deliver(
            SimpleNamespace(
                header=SimpleNamespace(stamp=stamp), name=NAMES if source == JOINT_STATES else [],
                position=[place] * len(NAMES), velocity=[],
            )
        )  # fmt: skip

    def sets(self, *args: Any, **options: Any) -> list[tuple[float, float]]:
        """(time, stamp) whenever a new set can be thought about."""
        last, found, beginnings = -math.inf, [], self.buffer.beginnings
        for at in self.play(*args, **options):
            if self.buffer.beginnings != beginnings:
                last, beginnings = -math.inf, self.buffer.beginnings
            if self.buffer.wait_for_new(last, 0.0):
                last = self.buffer.newest_stamp()
                found.append((at, last))
        return found


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.13])
@pytest.mark.parametrize("back", [0.35, 2.0, 300.0])
def test_after_time_went_back_sets_come_again_within_half_a_second(delay: float, back: float) -> None:
    robot = Robot(delay)
    assert len(robot.sets(1000.0, 5.0)) >= 120
    again = robot.sets(1005.0 - back, 3.0, place=0.7)
    fresh = [(at, stamp) for at, stamp in again if stamp <= at + 1e-6]
    assert fresh[0][0] - (1005.0 - back) < 0.5
    assert len(fresh) > 0.8 * 3.0 * 25
    assert robot.buffer.take(1008.0 - back).joint_positions[0] == 0.7
    assert any("went back by" in problem for problem in robot.problems)


@pytest.mark.parametrize("source", [next(iter(PROFILE.cameras)), JOINT_STATES])
def test_one_source_whose_clock_is_set_back_is_named(source: str) -> None:
    """What it sends matches nothing while its clock is wrong, and at once when it is right again."""
    robot = Robot(0.03)
    robot.sets(50.0, 2.0)
    wrong = robot.sets(52.0, 2.0, shift={source: -1.5})
    assert [at for at, _ in wrong if at > 52.05] == []
    assert f"stamps of {source} went back by 1.4" in robot.problems[-1]
    assert robot.sets(54.0, 1.0)[0][0] < 54.2


def test_a_message_out_of_order_is_no_new_time() -> None:
    robot = Robot(0.0)
    for k in range(40):
        robot.sets(10.0 + 0.02 * k + (0.03 if k % 7 == 0 else 0.0), 0.02)
    assert robot.buffer.beginnings == 0
    assert robot.problems == []


@pytest.mark.parametrize("rate", [1000, 250])
def test_drivers_with_different_delays_are_no_new_time(rate: int) -> None:
    sources = {JOINT_STATES: MessageSource()}
    buffer = ObservationBuffer(PROFILE, sources, clock=lambda: clock[0])
    clock = [0.0]
    for k in range(rate):
        clock[0] = 5.0 + k / rate
        for names, delay in ((NAMES[:-1], 0.0), (NAMES[-1:], 0.18)):
            nanoseconds = round((clock[0] - delay) * 1e9)
            header = SimpleNamespace(stamp=Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9))
            sources[JOINT_STATES].deliver(
                SimpleNamespace(header=header, name=names, position=[0.0] * len(names), velocity=[])
            )
    assert buffer.beginnings == 0
    assert buffer.take(clock[0]).stamp == pytest.approx(clock[0])
