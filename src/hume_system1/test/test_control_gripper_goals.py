"""Goals of a gripper behind an action: when which one is sent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gripper_server import PERIOD, SERVER, Server, inside
from hypothesis import given
from hypothesis import strategies as st

from hume_system1.control.command import Command
from hume_system1.control.control_settings import GripperSettings
from hume_system1.control.gripper import GripperSetpoint
from hume_system1.control.gripper_goals import DEAD_BAND, GoalEnding, GripperGoals, wanted_target
from hume_system1.control.states import Mode, Reason

RANGES = [(0.0, 0.04), (0.79, 0.0), (0.021, 0.057), (-1.2, 0.5)]


@pytest.fixture(params=RANGES)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(*request.param)


def test_each_target_is_sent_once(server: Server) -> None:
    targets = [server.closed, server.open, inside(server, 0.3), server.closed]
    for target in targets:
        server.run(3.0, target)
        assert server.position == target
    assert server.positions == targets


def test_nothing_is_sent_before_the_first_value(server: Server) -> None:
    server.run(2.0, math.nan)
    assert server.sent == []
    server.run(2.0, server.open)
    assert server.positions == [server.open]


def test_small_changes_are_no_new_target_but_the_ends_are(server: Server) -> None:
    near = 0.4 * DEAD_BAND
    server.run(1.0, inside(server, near))
    server.run(1.0, inside(server, 2.0 * near))
    assert server.positions == [inside(server, near)]
    server.run(1.0, server.closed)
    server.run(1.0, inside(server, near))
    assert server.positions == [inside(server, near), server.closed]


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_a_continuous_policy_sends_one_goal(server: Server, seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(100):
        server.run(PERIOD, inside(server, 0.5 + DEAD_BAND * random.uniform(-0.49, 0.49)))
    assert len(server.sent) == 1


def test_a_slow_closing_is_followed_and_does_not_flood(server: Server) -> None:
    for k in range(41):
        server.run(PERIOD, inside(server, 1.0 - k / 40))
    server.run(1.0, server.closed)
    times = np.array([time for time, _ in server.sent])
    assert server.positions[-1] == server.closed
    assert 5 < len(times) <= 21
    assert np.diff(times).min() > 0.09


def test_a_binary_policy_sends_one_goal_for_each_change() -> None:
    server = Server(0.0, 0.04)
    gripper = GripperSetpoint(GripperSettings(binary=True, closed=0.0, open=0.04))
    random = np.random.default_rng(3)
    for wanted in (0.9, 0.1, 0.9, 0.1):
        for _ in range(40):
            gripper.step(wanted + random.uniform(-0.3, 0.3), PERIOD)
            server.run(PERIOD, gripper.target)
    assert server.positions == [0.04, 0.0, 0.04, 0.0]


def test_another_target_replaces_the_goal_in_progress(server: Server) -> None:
    server.speed = 0.1
    server.run(0.5, server.closed)
    server.run(0.5, inside(server, 0.98))
    assert server.positions == [server.closed, inside(server, 0.98)]
    server.run(20.0, inside(server, 0.98))
    assert server.position == inside(server, 0.98)
    assert len(server.sent) == 2


@pytest.mark.parametrize("busy", [0.3, 1.0, 4.0])
def test_a_refused_goal_is_repeated_until_it_is_taken(server: Server, busy: float) -> None:
    server.refuses_while_moving, server.speed = True, 1.0 / busy
    server.run(2 * PERIOD, server.closed)
    server.run(2.0 * busy + 1.5, server.open)
    assert server.position == server.open
    pauses = np.diff([time for time, _ in server.sent[1:]])
    assert (pauses > 0.49).all()


def test_a_busy_server_gets_the_newest_target(server: Server) -> None:
    server.refuses_while_moving, server.speed = True, 0.5
    server.run(0.1, server.closed)
    server.run(0.2, server.open)
    server.run(4.0, inside(server, 0.5))
    assert server.position == pytest.approx(inside(server, 0.5))
    assert server.positions.count(server.open) == 1


@pytest.mark.parametrize("measures", [True, False])
@pytest.mark.parametrize("aborts", [1, 3, 5])
def test_an_aborted_goal_is_repeated_ever_more_rarely(server: Server, aborts: int, measures: bool) -> None:
    server.aborts, server.measures = aborts, measures
    server.run(25.0, server.closed)
    assert server.position == server.closed
    pauses = np.diff([time for time, _ in server.sent])
    assert pauses == pytest.approx([0.5 * 2**k for k in range(aborts)], abs=1.5 * PERIOD)


def test_pauses_after_failures_stay_bounded(server: Server) -> None:
    server.aborts = 100
    server.run(100.0, server.closed)
    assert np.diff([time for time, _ in server.sent]).max() < 8.0 + 2 * PERIOD
    assert len(server.sent) > 12


def test_another_target_does_not_wait_for_the_pause_after_failures(server: Server) -> None:
    server.aborts = 4
    server.run(6.0, server.closed)
    assert server.aborts == 0
    server.run(2 * PERIOD, inside(server, 0.5))
    assert server.positions[-1] == inside(server, 0.5)
    server.aborts = 1
    server.run(2.0, server.closed)
    assert server.position == server.closed


@pytest.mark.parametrize("openness", [0.1, 0.5, 0.9])
def test_a_grasp_is_not_repeated(server: Server, openness: float) -> None:
    server.object_at = inside(server, openness)
    server.run(60.0, server.closed)
    assert server.positions == [server.closed]
    assert server.position == server.object_at


@pytest.mark.parametrize("openness", [0.1, 0.5, 0.9])
def test_a_grasp_that_the_server_calls_a_failure_is_tried_once_more(server: Server, openness: float) -> None:
    server.object_at, server.says_stalled = inside(server, openness), False
    server.run(60.0, server.closed)
    assert server.positions == [server.closed, server.closed]


def test_an_object_is_let_go_and_grasped_again(server: Server) -> None:
    server.object_at, server.says_stalled = inside(server, 0.4), False
    for _ in range(3):
        server.run(5.0, server.closed)
        server.run(5.0, server.open)
        assert server.position == server.open
    assert server.positions == [server.closed, server.closed, server.open] * 3


def test_a_server_that_was_started_again_gets_the_target(server: Server) -> None:
    server.run(2.0, server.closed)
    server.restart(b"another")
    server.position = server.open
    server.run(2.0, server.closed)
    assert server.positions == [server.closed, server.closed]
    assert server.position == server.closed


def test_a_server_that_comes_back_late_gets_the_newest_target(server: Server) -> None:
    server.run(0.2, server.closed)
    server.restart(None)
    server.run(5.0, inside(server, 0.5))
    assert server.positions == [server.closed]
    server.restart(b"another")
    server.run(5.0, server.open)
    assert server.positions == [server.closed, server.open]


def test_a_goal_without_answer_is_repeated(server: Server) -> None:
    server.silent = True
    server.run(1.9, server.closed)
    assert (len(server.sent), server.goals.unanswered) == (1, 0)
    server.run(4.4, server.closed)
    assert (len(server.sent), server.goals.unanswered) == (4, 3)
    server.silent = False
    server.run(4.0, server.closed)
    assert server.position == server.closed
    assert (len(server.sent), server.goals.unanswered) == (5, 0)


def test_a_late_answer_to_an_old_goal_changes_nothing() -> None:
    goals = GripperGoals(0.0, 0.04)
    first = goals.step(0.0, 0.0, SERVER)
    second = goals.step(3.0, 0.04, SERVER)
    assert first is not None
    assert second is not None
    goals.accepted(first.number)
    assert goals.unanswered == 1
    assert not goals.refused(first.number, 3.0)
    assert not goals.ended(first.number, 3.0, GoalEnding.FAILED)
    assert goals.unanswered == 1
    goals.accepted(second.number)
    assert goals.unanswered == 0
    assert not goals.ended(second.number, 4.0, GoalEnding.REACHED)
    assert goals.step(5.0, 0.04, SERVER) is None


def test_a_target_that_was_withdrawn_is_sent_anew(server: Server) -> None:
    server.run(2.0, server.closed)
    server.run(1.0, math.nan)
    server.position = server.open
    server.run(2.0, server.closed)
    assert server.position == server.closed
    assert len(server.sent) == 2


EVENTS = st.sampled_from(["refuse", "take", "abort", "restart", "gone", "silent", "object", "no object"])


@given(st.lists(st.tuples(EVENTS, st.floats(0.0, 1.0), st.floats(0.05, 3.0)), max_size=12), st.sampled_from(RANGES))
def test_whatever_happened_the_gripper_ends_where_it_is_wanted(
    events: list[tuple[str, float, float]], ends: tuple[float, float]
) -> None:
    server = Server(*ends)
    for k, (event, openness, seconds) in enumerate(events):
        server.refuses_while_moving = event == "refuse"
        server.aborts = 2 if event == "abort" else 0
        server.silent = event == "silent"
        server.object_at = inside(server, 0.5) if event == "object" else math.nan
        if event in ("restart", "gone"):
            server.restart(None if event == "gone" else bytes([k]))
        elif server.id is None:
            server.restart(bytes([k]))
        server.run(seconds, inside(server, openness))
    server.restart(b"last")
    server.silent, server.refuses_while_moving, server.aborts, server.object_at = False, False, 0, math.nan
    count = len(server.sent)
    for target in (server.closed, server.open):
        server.run(5.0, target)
        assert server.position == target
    assert len(server.sent) <= count + 2
    assert np.diff([time for time, _ in server.sent]).min() > 0.09


@pytest.mark.parametrize("mode", Mode)
def test_the_gripper_is_left_alone_in_a_stop(mode: Mode) -> None:
    command = Command(3, 1)
    command.gripper_targets[0], command.mode = 0.02, mode
    assert math.isnan(wanted_target(command)) == (mode in (Mode.ESTOP, Mode.FAULT))


@pytest.mark.parametrize("reason", [Reason.DISABLED, Reason.TAKEOVER])
def test_the_gripper_is_left_alone_while_the_arm_is_not_ours(reason: Reason) -> None:
    command = Command(3, 1)
    command.gripper_targets[0], command.mode = 0.02, Mode.HOLD
    assert wanted_target(command) == 0.02
    command.reason = reason
    assert math.isnan(wanted_target(command))
