"""Limiter and time-optimal stop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import ruckig
from hypothesis import given
from hypothesis import strategies as st

from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.limiter import Limiter
from hume_system1.control.stopping import stop_advance, stop_duration, stop_extent
from hume_system1.control.stream_check import divided_differences
from hume_system1.control.tracking_law import tracking_gains

V, A, J = 2.0, 10.0, 100.0
FREE = (10.0, 10.0)


@st.composite
def viable_states(draw: st.DrawFn) -> tuple[float, float]:
    """(v, a) from which velocity does not leave its limit."""
    a = draw(st.floats(-A, A))
    carried = a * abs(a) / (2.0 * J)
    return draw(st.floats(max(-V, -V - carried), min(V, V - carried))), a


def ruckig_stop(v: float, a: float) -> ruckig.Trajectory:
    """The stop by an independent implementation."""
    problem = ruckig.InputParameter(1)
    problem.control_interface = ruckig.ControlInterface.Velocity
    problem.current_velocity, problem.current_acceleration = [v], [a]
    problem.max_acceleration, problem.max_jerk = [A], [J]
    trajectory = ruckig.Trajectory(1)
    assert ruckig.Ruckig(1).calculate(problem, trajectory) == ruckig.Result.Working
    return trajectory


@given(state=viable_states())
def test_stop_is_as_fast_as_ruckigs(state: tuple[float, float]) -> None:
    trajectory = ruckig_stop(*state)
    assert stop_duration(*state, A, J) == pytest.approx(trajectory.duration, abs=1e-6)
    p, v, a = stop_advance(0.0, *state, A, J, math.inf)
    assert (v, a) == (0.0, 0.0)
    assert p == pytest.approx(trajectory.at_time(trajectory.duration)[0][0], abs=1e-6)


@given(state=viable_states(), part=st.floats(0.0, 1.0))
def test_stop_extent_bounds_the_whole_way(state: tuple[float, float], part: float) -> None:
    low, high = stop_extent(*state, A, J)
    p, _, _ = stop_advance(0.0, *state, A, J, part * stop_duration(*state, A, J))
    assert low - 1e-12 <= p <= high + 1e-12


def test_stop_extent_includes_the_turning_point() -> None:
    low, high = stop_extent(-0.2, 8.0, A, J)
    way = [stop_advance(0.0, -0.2, 8.0, A, J, t)[0] for t in np.linspace(0.0, 1.0, 5001)]
    assert min(way) < -1e-3
    assert low == pytest.approx(min(way), abs=1e-7)
    assert high == pytest.approx(max(way), abs=1e-7)


@given(
    state=viable_states(),
    cuts=st.lists(st.floats(1e-4, 0.3), min_size=1, max_size=10),
)
def test_stop_in_pieces_is_the_same_stop(state: tuple[float, float], cuts: list[float]) -> None:
    whole = stop_advance(0.0, *state, A, J, sum(cuts))
    pieces = (0.0, *state)
    for cut in cuts:
        pieces = stop_advance(*pieces, A, J, cut)
    assert pieces == pytest.approx(whole, abs=1e-9)


LIMITS = st.fixed_dictionaries(
    {
        "width": st.floats(0.02, 6.0),
        "velocity": st.floats(0.1, 10.0),
        "acceleration": st.floats(0.3, 50.0),
        "jerk": st.floats(1.0, 3000.0),
    }
)
NUMBERS = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([math.nan, math.inf, -math.inf, 1e12, -1e300]))
MOVES = st.lists(
    st.tuples(
        st.one_of(st.just(0.005), st.floats(0.001, 0.01), st.floats(0.01, 1.0)),
        st.sampled_from(["follow", "follow", "follow", "brake"]),
        st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
        st.tuples(st.floats(-1.0, 2.0), st.floats(-1.0, 2.0)),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=15,
)


@given(limits=LIMITS, start=st.floats(0.0, 1.0), bandwidth=st.floats(10.0, 200.0), moves=MOVES)
def test_every_limit_holds_for_any_reference_and_any_ticks(
    limits: dict[str, float], start: float, bandwidth: float, moves: list[Any]
) -> None:
    bounds = (limits["velocity"], limits["acceleration"], limits["jerk"])
    joint = JointLimiter(0.0, limits["width"], *bounds)
    joint.start(start * limits["width"])
    times, positions = [0.0], [joint.p]
    for dt, kind, reference, room, count in moves:
        for _ in range(count):
            t = times[-1] + dt
            if kind == "brake":
                joint.brake(t - times[-1])
            else:
                joint.follow(t - times[-1], tracking_gains(bandwidth, t - times[-1]), reference, room)
            times.append(t)
            positions.append(joint.p)
    assert min(positions) >= 0.0
    assert max(positions) <= limits["width"]
    differences = divided_differences(np.array(times), np.array(positions)[:, None])
    for difference, bound in zip(differences, bounds, strict=True):
        assert np.abs(difference).max(initial=0.0) <= bound * (1.0 + 1e-9)


def follow(
    joint: JointLimiter, reference: tuple[float, float, float, float], ticks: int, dt: float = 0.005
) -> list[float]:
    """Positions of some ticks towards a constant reference."""
    way = []
    for _ in range(ticks):
        joint.follow(dt, tracking_gains(60.0, dt), reference, FREE)
        way.append(joint.p)
    return way


@pytest.mark.parametrize("target", [3.0, -3.0])
@pytest.mark.parametrize("limits", [(V, A, J), (2.0, 50.0, 3000.0), (5.0, 2.0, 10.0)])
def test_full_speed_into_a_position_limit_stops_at_it(target: float, limits: tuple[float, float, float]) -> None:
    joint = JointLimiter(-1.0, 1.0, *limits)
    joint.start(-math.copysign(0.99, target))
    way = follow(joint, (target, math.copysign(9.0, target), 0.0, 0.0), 2000)
    assert max(abs(p) for p in way) <= 1.0
    assert abs(joint.p) == pytest.approx(1.0, abs=2e-3)


def test_saturated_limits_are_used_to_the_full() -> None:
    joint = JointLimiter(-9.0, 9.0, V, A, J)
    joint.start(0.0)
    way = np.array([0.0, *follow(joint, (8.0, 0.0, 0.0, 0.0), 400)])[:, None]
    differences = divided_differences(0.005 * np.arange(401), way)
    for difference, bound in zip(differences, (V, A, J), strict=True):
        assert 0.95 * bound <= np.abs(difference).max() <= bound


@pytest.mark.parametrize("distance", [0.01, 0.1, 0.5, 2.0])
def test_settles_on_a_step_with_little_overshoot(distance: float) -> None:
    joint = JointLimiter(-9.0, 9.0, V, A, J)
    joint.start(0.0)
    way = follow(joint, (distance, 0.0, 0.0, 0.0), 600)
    assert max(way) <= distance * 1.03
    assert joint.p == pytest.approx(distance, abs=1e-6)
    assert not joint.limited


@pytest.mark.parametrize("dt", [0.001, 0.002, 0.005])
def test_follows_a_feasible_sine_without_lag(dt: float) -> None:
    joint = JointLimiter(-9.0, 9.0, V, A, J)
    joint.start(0.0)
    errors = []
    for k in range(1, int(4.0 / dt)):
        t = k * dt
        s, c = math.sin(3.0 * t), math.cos(3.0 * t)
        joint.follow(dt, tracking_gains(60.0, dt), (0.5 * s, 1.5 * c, -4.5 * s, -13.5 * c), FREE)
        errors.append(abs(joint.p - 0.5 * s))
    assert max(errors[int(2.0 / dt) :]) < 1e-5


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_start_outside_the_limits_only_goes_in(side: float) -> None:
    joint = JointLimiter(-1.0, 1.0, V, A, J)
    joint.start(side * 1.04)
    assert max(side * p for p in follow(joint, (side * 5.0, side, 0.0, 0.0), 100)) <= 1.04
    follow(joint, (side * 0.9, 0.0, 0.0, 0.0), 300)
    assert max(side * p for p in follow(joint, (side * 5.0, side, 0.0, 0.0), 300)) <= 1.0


@pytest.mark.parametrize("limits", [(V, A, J), (2.0, 10.0, 1000.0), (1.0, 50.0, 3000.0)])
def test_cruises_smoothly_at_top_speed(limits: tuple[float, float, float]) -> None:
    joint = JointLimiter(-90.0, 90.0, *limits)
    joint.start(0.0)
    follow(joint, (80.0, 0.0, 0.0, 0.0), 300)
    for _ in range(100):
        follow(joint, (80.0, 0.0, 0.0, 0.0), 1)
        assert joint.v == pytest.approx(limits[0], rel=5e-3)
        assert abs(joint.a) < 1e-6


def test_no_room_before_the_measured_position_stops_motion_that_way_only() -> None:
    joint = JointLimiter(-9.0, 9.0, V, A, J)
    joint.start(0.0)
    for _ in range(100):
        joint.follow(0.005, tracking_gains(60.0, 0.005), (1.0, 0.0, 0.0, 0.0), (0.5, -0.1))
    assert joint.p == 0.0
    for _ in range(400):
        joint.follow(0.005, tracking_gains(60.0, 0.005), (-1.0, 0.0, 0.0, 0.0), (0.5, -0.1))
    assert joint.p == pytest.approx(-1.0, abs=0.02)


def test_command_of_a_blocked_arm_stays_within_the_tracking_bound(limits: Any) -> None:
    limiter = Limiter(limits, 60.0)
    limiter.start([0.0, 0.0, 0.0])
    far = [[1.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3]
    for _ in range(600):
        limiter.follow(0.005, far, [0.0, 0.0, 0.0])
        assert limiter.tracking_ratio([0.0, 0.0, 0.0]) <= 1.0
    assert limiter.activity() == pytest.approx((1.0, 1.0, 1.0), abs=0.05)
    assert limiter.at_rest or limiter.tracking_ratio([0.0, 0.0, 0.0]) > 0.99


def test_brake_brings_every_joint_to_exact_rest(limits: Any) -> None:
    limiter = Limiter(limits, 60.0)
    limiter.start([0.0, 0.0, 0.0])
    for _ in range(60):
        limiter.follow(0.005, [[1.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3], [joint.p for joint in limiter.joints])
    assert not limiter.at_rest
    longest = max(joint.stop_time() for joint in limiter.joints)
    ends = [joint.stop_position() for joint in limiter.joints]
    for _ in range(int(longest / 0.005) + 1):
        limiter.brake(0.005)
    assert limiter.at_rest
    assert [joint.p for joint in limiter.joints] == pytest.approx(ends, abs=1e-12)
    assert 0.0 < limiter.max_velocity_ratio <= 1.0


def test_what_was_read_of_a_limiter_stays_as_it_was(limits: Any) -> None:
    limiter = Limiter(limits, 60.0)
    limiter.start([0.1, -0.2, 0.3])
    towards = [[0.5] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3]
    read = []
    for change in (lambda: limiter.follow(0.005, towards, limiter.positions), lambda: limiter.brake(0.005)):
        for _ in range(5):
            change()
            read.append((limiter.positions, list(limiter.positions)))
            assert limiter.positions == [joint.p for joint in limiter.joints]
            assert limiter.velocities == [joint.v for joint in limiter.joints]
            assert limiter.accelerations == [joint.a for joint in limiter.joints]
            assert not limiter.at_rest
    limiter.start([0.0, 0.0, 0.0])
    assert (limiter.positions, limiter.velocities, limiter.at_rest) == ([0.0] * 3, [0.0] * 3, True)
    assert all(kept == copied for kept, copied in read)
