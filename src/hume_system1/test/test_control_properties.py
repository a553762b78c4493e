"""Whatever arrives, whenever it arrives: every command keeps every limit and the state always has a reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hume_system1.control.events import (
    ActivateEvent,
    DeactivateEvent,
    EnableEvent,
    EpochEvent,
    EStopEvent,
    Event,
    HandbackEvent,
    HeartbeatEvent,
    ResetEvent,
    TakeoverEvent,
)
from hume_system1.control.states import Mode, Reason

BAD = st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e9, 1e12, 0.0, -1.0])
TICKS = st.one_of(st.just(0.005), st.floats(0.0035, 0.0065), st.floats(0.0, 0.05), st.floats(0.0, 2.0))
DELAYS = st.floats(0.0, 0.5)

SEGMENTS = st.fixed_dictionaries(
    {
        "delay": DELAYS,
        "amplitude": st.floats(0.0, 2.0),
        "frequency": st.floats(0.0, 3.0),
        "rows": st.integers(1, 40),
    },
    optional={
        "stamp": BAD,
        "dt": st.one_of(BAD, st.floats(0.001, 1.0)),
        "epoch": st.integers(-1, 3),
        "chunk_seq": st.integers(-2, 5),
        "seq": st.integers(-2, 50),
        "names": st.sampled_from([(), ("joint_0",), ("joint_2", "joint_0", "joint_1"), ("a", "b", "c")]),
        "observation_stamp": BAD,
        "received": BAD,
    },
)
BAD_ROWS = st.sampled_from(["nan", "inf", "huge", "wide", "flat", "empty", "none", "noise"])
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "stamp": BAD,
        "epoch": st.integers(-1, 5000),
        "seq": st.integers(-1, 50),
        "dt": BAD,
        "names": st.sampled_from([(), ("joint_0",), ("a", "b", "c")]),
        "anchor": st.sampled_from([None, "text", np.zeros(2), np.full(3, math.inf)]),
        "rows": st.sampled_from(
            [None, "text", np.full((10, 4), math.nan), np.full((10, 4), 1e30), np.zeros(7), np.zeros((2000, 4))]
        ),
    },
)
JOINT_STATES = st.fixed_dictionaries(
    {},
    optional={
        "names": st.sampled_from([(), ("joint_0",), ("joint_2", "joint_1", "joint_0", "finger")]),
        "position": st.lists(st.one_of(BAD, st.floats(-4.0, 4.0)), max_size=4).map(tuple),
        "velocity": st.lists(st.one_of(BAD, st.floats(-4.0, 4.0)), max_size=4).map(tuple),
        "stamp": BAD,
        "received": BAD,
    },
)
REQUESTS = st.sampled_from(
    [
        EStopEvent(),
        ResetEvent(),
        ResetEvent(),
        EnableEvent(False),
        EnableEvent(True),
        ActivateEvent(),
        ActivateEvent(),
        DeactivateEvent(),
        TakeoverEvent(),
        HandbackEvent(),
        HandbackEvent(),
        EpochEvent(1),
        EpochEvent(7),
        HeartbeatEvent(received=math.nan),
    ]
)
ACTIONS = st.one_of(
    st.tuples(st.just("segment"), SEGMENTS),
    st.tuples(st.just("rows"), BAD_ROWS),
    st.tuples(st.just("chunk"), CHUNKS),
    st.tuples(st.just("joint state"), JOINT_STATES),
    st.tuples(st.just("request"), REQUESTS),
    st.tuples(st.just("replay"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["sensors", "heartbeat", "feed", "arm", "frozen clock"]), st.booleans()),
    st.tuples(st.just("clock jump"), st.floats(-3.0, 3.0)),
)
STEPS = st.lists(st.tuples(TICKS, st.integers(1, 40), ACTIONS), min_size=1, max_size=80)


def bad_rows(kind: str) -> Any:
    """Positions that are wrong in one way (or merely wild)."""
    rows = np.zeros((20, 3))
    rows[7, 1] = {"nan": math.nan, "inf": math.inf, "huge": 1e200}.get(kind, 0.0)
    shapes = {"wide": np.zeros((20, 9)), "flat": np.zeros(60), "empty": np.zeros((0, 3)), "none": None}
    noise = np.random.default_rng(0).uniform(-1.6, 1.3, (20, 3)) if kind == "noise" else rows
    return shapes.get(kind, noise)


class World:
    """Applies actions to a rig."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.sent: list[Event] = []
        self.feed = True
        self.frozen = False
        self.ros_jump = 0.0

    def act(self, kind: str, value: Any) -> list[Event]:
        """Events that an action makes arrive."""
        rig = self.rig
        if kind == "segment":
            return self._keep(rig.chunk(), rig.segment(**value))
        if kind == "rows":
            return self._keep(rig.chunk(), rig.segment(positions=bad_rows(value)))
        if kind == "chunk":
            return self._keep(rig.chunk(**value))
        if kind == "joint state":
            return [rig.joint_state(**value)]
        if kind == "request":
            return [value]
        if kind == "replay":
            return self.sent[-1 - value :][:1]
        if kind == "clock jump":
            self.ros_jump = value
        elif kind == "arm":
            rig.arm = (lambda command, _: command.position.tolist()) if value else (lambda _, measured: measured)
        elif kind == "feed":
            self.feed = value
        elif kind == "frozen clock":
            self.frozen = value
        else:
            setattr(rig, kind, value)
        return []

    def tick(self, dt: float, number: int, events: list[Event]) -> None:
        """One tick, with the regular chunk and segment while the feed is on."""
        if self.feed and number % 4 == 0:
            events = [*events, self.rig.chunk(), self.rig.segment()]
        ros_dt = (0.0 if self.frozen else dt) + self.ros_jump
        self.ros_jump = 0.0
        self.rig.tick(dt, *events, ros_dt=ros_dt)

    def _keep(self, *events: Event) -> list[Event]:
        self.sent.extend(events)
        return list(events)


@given(steps=STEPS)
def test_limits_hold_and_the_state_has_a_reason_under_any_input(make_rig: Any, steps: list[Any]) -> None:
    rig = make_rig()
    world = World(rig)
    rig.activate()
    for k in range(40):
        world.tick(0.005, k, [])
    for dt, count, (kind, value) in steps:
        events = world.act(kind, value)
        for k in range(count):
            world.tick(dt, k, events)
            events = []
            state = rig.core.state
            needs_reason = state.mode in (Mode.HOLD, Mode.FAULT, Mode.ESTOP)
            assert not needs_reason or state.reason is not Reason.NONE
    rig.assert_within_limits()


@given(delays=st.lists(DELAYS, min_size=5, max_size=60), every=st.integers(1, 20), dt=st.sampled_from([0.005, 0.002]))
def test_velocity_step_at_a_splice_is_at_most_acceleration_times_tick(
    make_rig: Any, delays: list[float], every: int, dt: float
) -> None:
    rig = make_rig(rate_hz=1.0 / dt, segment_age=0.3)
    rig.activate()
    for delay in delays:
        rig.tick(dt, rig.chunk(), rig.segment(delay=delay, rows=40))
        for _ in range(every):
            rig.tick(dt)
    assert rig.core.intake.timeline.splices > 0 or len(rig.core.intake.rejected) > 0
    for times, positions in rig.streams:
        velocity = np.diff(np.array(positions), axis=0) / np.diff(np.array(times))[:, None]
        step = np.abs(np.diff(velocity, axis=0))
        assert (step <= rig.core.limits.acceleration * dt * (1.0 + 1e-9)).all()
    rig.assert_within_limits()


@given(bad=st.sampled_from(["nan", "inf", "huge", "wide", "flat", "empty", "none"]))
def test_a_bad_segment_changes_nothing(make_rig: Any, bad: str) -> None:
    rigs = [make_rig(), make_rig()]
    for rig in rigs:
        rig.activate()
        rig.run(0.5, segments=True)
    rigs[0].tick(0.005, rigs[0].chunk(), rigs[0].segment(positions=bad_rows(bad)))
    rigs[1].tick(0.005, rigs[1].chunk())
    for _ in range(20):
        commands = [rig.tick() for rig in rigs]
        assert commands[0].position.tolist() == commands[1].position.tolist()
    assert sum(rigs[0].core.intake.rejected.values()) == 1
