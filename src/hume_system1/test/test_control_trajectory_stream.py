"""The messages to `joint_trajectory_controller`: one smooth curve, sent again and again, that ends at rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hume_sim.trajectory import JointTrajectory
from hume_system1.control.events import EStopEvent
from hume_system1.control.stamp_clock import StampClock
from hume_system1.control.stop_path import StopPath
from hume_system1.control.stopping import stop_extent
from hume_system1.control.stream_check import divided_differences
from hume_system1.control.trajectory_stream import TrajectoryStream

DT = 0.005
LEAD = 0.0125


class Messages:
    """Every message of a rig's core, as the controller would get it."""

    def __init__(self, rig: Any, lead: float = LEAD) -> None:
        settings = rig.core.settings
        self.rig, self.lead = rig, lead
        self.stream = TrajectoryStream(rig.core.limits.size, lead, settings.period, settings.longest_tick)
        self.sent: list[tuple[float, float, JointTrajectory]] = []
        follow = rig.arm

        def send(command: Any, measured: Any) -> Any:
            self.stream.add(command.time, command.starts, rig.core.limiter.joints)
            s = self.stream
            states = (s.positions.copy(), s.velocities.copy(), s.accelerations.copy())
            self.sent.append((command.time, s.times[0], JointTrajectory(s.times - s.times[0], *states)))
            return follow(command, measured)

        rig.arm = send


def positions(message: tuple[float, float, JointTrajectory], times: Any) -> Any:
    """Where the message has the arm at steady times."""
    _, begin, trajectory = message
    return np.stack([trajectory.sample(t - begin).position for t in times])


@pytest.fixture
def moving(make_rig: Any) -> tuple[Any, Messages]:
    """A rig in motion under a controller that plays trajectories."""
    rig = make_rig(plays_stop=True)
    messages = Messages(rig)
    rig.activate()
    rig.run(1.0, segments=True)
    return rig, messages


def test_every_message_begins_in_the_past_and_ends_at_rest(moving: tuple[Any, Messages]) -> None:
    rig, messages = moving
    rig.run(1.0, segments=True, frequency=0.8)
    for now, begin, trajectory in messages.sent:
        assert begin <= now - LEAD + 1e-9
        assert (np.diff(trajectory.times) > 0.0).all()
        assert not trajectory.velocities[-1].any()
        assert not trajectory.accelerations[-1].any()


def test_messages_agree_on_what_the_controller_has_played(moving: tuple[Any, Messages]) -> None:
    rig, messages = moving
    for dt in (0.005, 0.0051, 0.0074, 0.0049, 0.002, 0.005):
        rig.tick(dt, rig.chunk(), rig.segment())
    for before, after in zip(messages.sent, messages.sent[1:], strict=False):
        times = np.linspace(after[0], before[0] + LEAD, 7)
        np.testing.assert_allclose(positions(after, times), positions(before, times), atol=1e-9)


@pytest.mark.parametrize("stall", [0.008, 0.02, 0.05, 0.4, 3.0])
def test_after_a_stall_the_message_goes_on_where_the_controller_has_come_to(
    moving: tuple[Any, Messages], stall: float
) -> None:
    rig, messages = moving
    for _ in range(5):
        rig.run(0.4, segments=True)
        rig.tick(stall)
        if rig.command.publish:
            before, after = messages.sent[-2:]
            times = np.linspace(after[0], after[0] + LEAD, 9)
            np.testing.assert_allclose(positions(after, times), positions(before, times), atol=1e-6)


def test_a_new_start_and_a_pause_begin_at_rest(moving: tuple[Any, Messages]) -> None:
    rig, messages = moving
    rig.run(2.0)
    assert not rig.command.publish
    place, silent = rig.command.position.copy(), len(messages.sent)
    rig.run(0.5, segments=True)
    now, begin, trajectory = messages.sent[silent]
    at_rest = positions((now, begin, trajectory), np.linspace(begin, now + LEAD - DT, 20))
    np.testing.assert_allclose(at_rest, np.tile(place, (20, 1)), atol=1e-12)


def test_a_stop_is_the_stop_of_the_core(moving: tuple[Any, Messages]) -> None:
    """What the controller plays if System 1 ends is what the core would have commanded."""
    rig, messages = moving
    last = messages.sent[-1]
    rig.tick(DT, EStopEvent())
    commands = [rig.command.position.copy()]
    for _ in range(100):
        commands.append(rig.tick().position.copy())
    times = last[0] + LEAD + DT * np.arange(1, 102)
    np.testing.assert_allclose(positions(last, times), np.stack(commands), atol=2e-6)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("quintic", [True, False])
def test_the_controller_s_interpolation_of_a_stop_keeps_every_limit(make_rig: Any, seed: int, quintic: bool) -> None:
    """Joints that stop at different times, close to their limits, by quintics and by cubics."""
    random = np.random.default_rng(seed)
    rig = make_rig()
    limits, joints = rig.core.limits, rig.core.limiter.joints
    for joint in joints:
        joint.v = random.uniform(-1.0, 1.0) * joint.max_v * random.integers(0, 2)
        spare = joint.max_v - abs(joint.v)
        joint.a = random.uniform(-1.0, 1.0) * min(joint.max_a, (2.0 * joint.max_j * spare) ** 0.5)
        low, high = stop_extent(joint.v, joint.a, joint.max_a, joint.max_j)
        margin = random.choice([1e-4, 0.1])
        joint.p = joint.upper - high - margin if random.integers(2) else joint.lower - low + margin
    stop = StopPath(limits.size)
    stop.plan(joints)
    if not len(stop.times):
        return
    start = np.array([[joint.p, joint.v, joint.a] for joint in joints]).T
    states = [
        np.vstack([row, rest])
        for row, rest in zip(start, (stop.positions, stop.velocities, stop.accelerations), strict=True)
    ]
    trajectory = JointTrajectory(np.concatenate([[0.0], stop.times]), *(states if quintic else states[:2]))
    times = np.linspace(0.0, stop.times[-1], 2000)
    path = np.stack([trajectory.sample(t).position for t in times])
    assert max((path - limits.upper).max(), (limits.lower - path).max()) <= 1e-6
    _, acceleration, _ = divided_differences(times, path)
    assert (np.abs(acceleration) <= 1.5 * limits.acceleration).all()


def test_numbers_of_points_stay_within_what_was_allocated(make_rig: Any) -> None:
    """Any order of late, early and missed ticks."""
    random = np.random.default_rng(0)
    rig = make_rig(plays_stop=True)
    messages = Messages(rig, lead=0.03)
    rig.activate()
    for k in range(3000):
        dt = float(random.choice([0.0013, 0.005, 0.0074, 0.012, 0.1, 0.8], p=[0.1, 0.7, 0.1, 0.05, 0.04, 0.01]))
        rig.tick(dt, *([rig.chunk(), rig.segment(frequency=0.7)] if k % 3 == 0 else []))
        if k % 500 == 250:
            rig.run(1.0)
    assert max(len(trajectory.times) for _, _, trajectory in messages.sent) <= messages.stream.capacity
    assert len(messages.sent) > 2000


@pytest.mark.parametrize(
    ("rate", "step"), [(1.0, 0.0), (1.0003, 0.0), (0.6, 0.004), (1.0, 0.1), (0.5, 0.1), (3.0, 0.06), (0.8, 0.03)]
)
def test_stamps_follow_a_clock_smoothly(rate: float, step: float) -> None:
    """A real clock that is slewed, and /clock of a simulator that is slow or fast and comes in steps."""
    random = np.random.default_rng(1)
    clock, period = StampClock(), 5_000_000
    offset, errors, jumps, before = 1_700_000_000_000_000_000, [], [], None
    for k in range(4000):
        steady = k * period
        ros = rate * steady
        read = np.floor(ros / (1e9 * step)) * 1e9 * step if step else ros + abs(random.normal(0.0, 20e3))
        clock.update(steady, offset + round(read))
        if k > 2000:
            errors.append(clock.at(steady) - offset - ros)
            jumps.append(clock.at(steady) - before)
        before = clock.at(steady + period)
    # A reading that has advanced has done so some time within the last period.
    mean = -0.5 * rate * period if step else 16e3
    assert np.abs(np.array(errors) - mean).max() < (0.6 * rate * period if step else 10e3)
    assert np.abs(jumps).max() < (0.05 * rate * period if step else 2e3)


def test_stamps_follow_a_clock_that_was_set_at_once() -> None:
    clock = StampClock()
    for k in range(100):
        clock.update(k * 5_000_000, k * 5_000_000)
    clock.update(500_000_000, 9_000_000_000)
    assert clock.at(500_000_000) == 9_000_000_000
