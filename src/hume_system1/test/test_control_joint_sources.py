"""Joint states as drivers send them: in parts, without velocities, twice, and from two publishers that disagree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hume_system1.control.control_settings import GripperSettings
from hume_system1.control.events import ActivateEvent, JointStateEvent, ResetEvent
from hume_system1.control.joint_states import JointStates
from hume_system1.control.rejection import Rejection
from hume_system1.control.report import core_status
from hume_system1.control.states import Mode, Reason

DT = 0.005


def part(rig: Any, joints: tuple[int, ...], **changes: Any) -> JointStateEvent:
    """Some of the arm's joints as they are."""
    fields = {
        "names": tuple(f"joint_{j}" for j in joints),
        "position": tuple(rig.measured[j] for j in joints),
        "velocity": (0.0,) * len(joints),
    }
    return rig.joint_state(**{**fields, **changes})


def feed(rig: Any, seconds: float, parts: dict[tuple[int, ...], int], segments: bool = True) -> None:
    """Tick. Every part comes each so many ticks."""
    rig.sensors = False
    for k in range(round(seconds / DT)):
        rig.steady += DT
        rig.ros += DT
        states = [part(rig, joints) for joints, every in parts.items() if k % every == 0]
        rig.steady -= DT
        rig.ros -= DT
        rig.tick(DT, *states, *([rig.chunk(), rig.segment()] if segments and k % 4 == 0 else []))


@pytest.mark.parametrize(
    "parts", [{(0, 1): 1, (2,): 1}, {(2, 0): 2, (1,): 3}, {(0,): 5, (1,): 1, (2,): 2}, {(0, 1, 2): 4, (1, 2): 3}]
)
def test_an_arm_in_parts_runs_as_a_whole_one(make_rig: Any, parts: dict[tuple[int, ...], int]) -> None:
    rig = make_rig()
    feed(rig, 0.3, parts, segments=False)
    assert rig.core.state.mode is Mode.INACTIVE
    rig.core.inbox.append(ActivateEvent())
    feed(rig, 3.0, parts)
    assert set(rig.modes[200:]) == {"running"}
    # Of two messages with the same stamp the second one is no news of the joints that both have.
    assert set(rig.core.intake.rejected) <= {"joint state: sequence"}
    rig.assert_within_limits()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_joint_that_is_not_refreshed_is_a_fault_that_names_it(make_rig: Any, lost: int) -> None:
    rig = make_rig()
    rest = tuple(j for j in range(3) if j != lost)
    feed(rig, 0.1, {rest: 1, (lost,): 1}, segments=False)
    rig.core.inbox.append(ActivateEvent())
    feed(rig, 1.0, {rest: 1, (lost,): 3})
    assert rig.modes[-1] == "running"
    feed(rig, 0.2, {rest: 1})
    assert rig.modes[-1] == "running"
    feed(rig, 0.2, {rest: 1})
    assert rig.core.state.reason is Reason.JOINT_STATES_LOST
    assert f"nothing of joint joint_{lost})" in core_status(rig.core, rig.now()).text


@pytest.mark.parametrize("velocity", [(math.nan,) * 3, (0.0, math.nan, 0.0), ()])
def test_velocities_that_are_not_given_are_differences(make_rig: Any, velocity: tuple[float, ...]) -> None:
    rig, joints = make_rig(), JointStates(("joint_0", "joint_1", "joint_2"))
    for k in range(3):
        event = rig.joint_state(position=(0.0, 0.03 * k, 0.0), velocity=velocity, stamp=5.0 + 0.01 * k)
        assert joints.take(event, 1.0 + 0.01 * k, 6.0) is None
    assert joints.velocity == pytest.approx([0.0, 3.0, 0.0])


def test_nan_efforts_and_velocities_do_not_keep_an_arm_from_running(make_rig: Any) -> None:
    rig = make_rig()
    rig.joint_state, whole = lambda **changes: whole(**{"velocity": (math.nan,) * 3, **changes}), rig.joint_state
    rig.activate()
    rig.run(2.0, segments=True)
    assert rig.modes[-1] == "running"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"names": ("joint_0", "joint_1", "joint_1")}, "rejected: a joint named twice"),
        ({"position": (0.0, math.nan, 0.0)}, "rejected: not finite"),
        ({"position": (0.0,)}, "rejected: shape"),
        ({"velocity": (0.0,)}, "rejected: shape"),
        ({"names": ("a", "joint_0", "joint_2")}, "have no joint 'joint_1'. They have: a, joint_0, joint_2"),
        ({"stamp": 1e10}, "rejected: from the future"),
    ],
)
def test_what_keeps_it_unconfigured_is_reported(make_rig: Any, changes: dict[str, Any], says: str) -> None:
    rig = make_rig()
    rig.sensors = False
    rig.core.inbox.append(ActivateEvent())
    rig.tick()
    assert core_status(rig.core, rig.now()).text == "unconfigured (no joint state has come)"
    for _ in range(20):
        rig.tick(DT, rig.joint_state(**changes))
    assert rig.core.state.mode is not Mode.IDLE
    text = core_status(rig.core, rig.now()).text
    assert says in text or rig.core.state.reason is Reason.JOINT_STATES_LOST


@pytest.mark.parametrize("offset", [0.15, 0.9, -1.3])
@pytest.mark.parametrize("every", [3, 10, 20, 40])
@pytest.mark.parametrize("velocity", [(), (0.0,) * 3])
def test_two_publishers_that_disagree_are_a_fault_and_no_start(
    make_rig: Any, offset: float, every: int, velocity: tuple[float, ...]
) -> None:
    """The true one at 200 Hz, the false one at 5 to 67 Hz."""
    for first in range(0, every, max(1, every // 4)):
        rig = make_rig(start=[0.0, 0.2, 0.0])
        for k in range(800):
            false = tuple(np.add(rig.measured, (0.0, offset, 0.0)))
            events = []
            if (k + first) % every == 0:
                events.append(rig.joint_state(position=false, velocity=velocity, stamp=rig.ros + DT + 0.0005))
            if k == 37:
                events.append(ActivateEvent())
            rig.tick(DT, *events, *([rig.chunk()] if k % 4 == 0 else []))
            if rig.streams:
                assert rig.streams[0][1][0] == pytest.approx([0.0, 0.2, 0.0], abs=1e-9)
        # One false state in 0.2 s of true ones may be a glitch. More are not.
        if every < 40 and abs(offset) > 0.2:
            assert rig.core.state == type(rig.core.state)(Mode.FAULT, Reason.JOINT_STATES_JUMP)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_a_stream_starts_only_where_several_states_agree(make_rig: Any, seen: int) -> None:
    rig = make_rig(start=[0.1, 0.0, 0.0])
    rig.sensors = False
    for k in range(seen):
        rig.tick(DT, rig.joint_state(position=(-0.4, 0.0, 0.0), stamp=rig.ros + 0.001 * k))
    rig.tick(DT, ActivateEvent())
    assert not rig.streams
    rig.sensors = True
    rig.run(2.0)
    assert rig.streams[0][1][0] == pytest.approx([0.1, 0.0, 0.0])


def test_the_opening_of_a_gripper_with_a_driver_of_its_own_is_known_at_the_start(make_rig: Any) -> None:
    rig = make_rig(gripper=GripperSettings(joint="finger"))
    rig.tick(DT, rig.joint_state(names=("finger",), position=(0.031,), velocity=()))
    rig.activate()
    assert rig.command.gripper == pytest.approx(0.031)


@pytest.mark.parametrize("back", [0.4, 7.0, 4000.0])
def test_after_the_clock_went_back_a_reset_goes_on_at_once(running: Any, back: float) -> None:
    running.ros -= back
    running.run(0.5, segments=True)
    assert running.core.state.reason is Reason.CLOCK_BACKWARD
    assert running.core.intake.joint_states.received == pytest.approx(running.steady)
    running.tick(DT, ResetEvent())
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"
    running.assert_within_limits()


def test_a_driver_whose_stamps_went_back_is_named(running: Any) -> None:
    running.sensors = False
    for k in range(100):
        running.tick(DT, running.joint_state(stamp=running.ros - 3.0), *([running.chunk()] if k % 4 == 0 else []))
    assert running.core.state.reason is Reason.JOINT_STATES_LOST
    assert "they are rejected: sequence" in core_status(running.core, running.now()).text
    running.sensors = True
    running.tick(DT, ResetEvent())
    running.run(1.0, segments=True)
    assert running.modes[-1] == "running"


def test_a_rejection_of_one_publisher_does_not_hide_the_other(make_rig: Any) -> None:
    rig = make_rig()
    joints = JointStates(("joint_0",))
    assert joints.take(rig.joint_state(names=("x",), position=(0.0,), velocity=()), 1.0, 1e9) is Rejection.NAMES
    assert "no joint 'joint_0'. They have: x" in joints.problem()
