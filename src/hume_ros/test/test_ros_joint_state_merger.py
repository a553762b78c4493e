"""Complete joint states from any number of publishers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time

from hume_core.errors import ObservationError
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_ros.joint_state_merger import JointStateMerger
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer, state_vector

NAMES = ("a", "b", "c", "finger")


def message(at: float, position: dict[str, float], velocity: dict[str, float] | None = None) -> Any:
    nanoseconds = round(at * 1e9)
    stamp = Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp),
        name=list(position),
        position=list(position.values()),
        velocity=list((velocity or {}).values()),
    )


def merger(**options: Any) -> JointStateMerger:
    return JointStateMerger(NAMES, 0.25, extra=["finger"], **options)


def test_a_message_that_holds_every_joint_is_the_state_itself() -> None:
    whole = message(1.0, dict.fromkeys(("x", *NAMES), 0.5))
    assert merger().add(whole, 1.0) is whole


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_parts_make_a_state_in_any_order(order: tuple[int, ...]) -> None:
    parts = [
        message(5.000, {"b": 2.0}),
        message(5.004, {"c": 3.0, "a": 1.0, "torso": 9.0}),
        message(4.9, {"finger": 0.04}),
    ]
    merged = merger()
    states = [merged.add(parts[k], 5.0) for k in order]
    assert states[:2] == [None, None]
    state = states[2]
    assert dict(zip(state.name, state.position, strict=True)) == {"a": 1.0, "b": 2.0, "c": 3.0, "finger": 0.04}
    # The arm is as it was when its oldest joint was measured. The gripper may be older.
    assert state.header.stamp == parts[0].header.stamp


@pytest.mark.parametrize(("lost", "age"), [("finger", 0.3), ("b", 0.26), ("a", 5.0)])
def test_a_joint_that_is_not_refreshed_is_missing_and_named(lost: str, age: float) -> None:
    merged = merger()
    merged.add(message(1.0, dict.fromkeys(NAMES, 0.0)), 1.0)
    rest = {name: 0.1 for name in NAMES if name != lost}
    assert merged.add(message(1.2, rest), 1.2) is not None
    assert merged.add(message(1.0 + age, rest), 1.0 + age) is None
    assert f"joint '{lost}' is in no joint state since {age:.1f} s" in merged.problem(1.0 + age)


def test_a_joint_that_never_comes_is_named_with_those_that_do() -> None:
    merged = merger()
    assert merged.problem(0.0) == ""
    merged.add(message(1.0, {"a": 0.0, "b": 0.0, "left_finger": 0.0}), 1.0)
    assert merged.problem(1.0) == "joint states have no joint 'c'. They have: a, b, left_finger"


@pytest.mark.parametrize("names", [("a", "b", "c", "finger", "b"), ("finger", "finger")])
def test_a_joint_named_twice_is_refused(names: tuple[str, ...]) -> None:
    twice = message(1.0, {})
    twice.name, twice.position = list(names), [0.0] * len(names)
    with pytest.raises(ObservationError, match=r"name joint '(b|finger)' 2 times in one message"):
        merger().add(twice, 1.0)


def test_a_joint_that_is_not_wanted_may_come_twice() -> None:
    twice = message(1.0, dict.fromkeys(NAMES, 0.0))
    twice.name, twice.position = [*twice.name, "wheel", "wheel"], [*twice.position, 0.0, 1.0]
    assert merger().add(twice, 1.0) is twice


@pytest.mark.parametrize("told", [None, dict.fromkeys(NAMES, math.nan)])
@pytest.mark.parametrize(("dt", "way"), [(0.01, 0.002), (0.04, -0.3)])
def test_velocities_that_are_not_given_are_differences(told: dict[str, float] | None, dt: float, way: float) -> None:
    merged = merger(velocities=True, continuous=["b"])
    assert merged.add(message(1.0, {"a": 0.0, "b": 3.1, "c": 0.0, "finger": 0.0}, told), 1.0) is None
    state = merged.add(message(1.0 + dt, {"a": way, "b": 3.1 + way - 2 * math.pi, "c": 0.0, "finger": 0.0}, told), 2.0)
    assert state.velocity == pytest.approx((way / dt, way / dt, 0.0, 0.0))


def test_missing_stamps_are_named() -> None:
    merged = merger()
    merged.add(message(0.0, dict.fromkeys(NAMES, 0.0)), 1.0)
    assert "no time stamp" in merged.problem(1.0)


@pytest.mark.parametrize("robot", ["ur5e", "xarm7"])
@pytest.mark.parametrize(("arm_rate", "gripper_rate"), [(500, 10), (125, 30), (50, 50)])
def test_observations_of_a_split_robot_are_those_of_a_whole_one(robot: str, arm_rate: int, gripper_rate: int) -> None:
    profile = RobotProfile.load(robot)
    assert profile.gripper is not None
    key = next(iter(profile.cameras))
    sources = {key: MessageSource(), JOINT_STATES: MessageSource()}
    problems: list[str] = []
    buffer = ObservationBuffer(
        profile, sources, history=3, clock=lambda: clock[0], decode=False, on_problem=problems.append
    )
    events = [(2.0 + k / arm_rate, "arm") for k in range(arm_rate)]
    events += [(2.0005 + k / gripper_rate, "gripper") for k in range(gripper_rate)]
    events += [(2.3 + k / 30, "camera") for k in range(20)]
    clock, frames = [0.0], 0
    for at, kind in sorted(events):
        clock[0] = at
        if kind == "arm":
            part = {name: i + 0.1 * at for i, name in enumerate(profile.joint_names)}
            sources[JOINT_STATES].deliver(message(at, part))
        elif kind == "gripper":
            sources[JOINT_STATES].deliver(message(at, {profile.gripper.joint: 0.01 * at}))
        else:
            sources[key].deliver(message(at, {}))
            if not buffer.wait_for_new(-math.inf, 0.0):
                continue
            frame = buffer.take(at)
            frames += 1
            expected = np.arange(len(profile.joints)) + 0.1 * at
            assert frame.joint_positions == pytest.approx(expected, abs=0.1 / arm_rate + 1e-9)
            past = frame.states[0, 0] - frame.states[-1, 0]
            assert past == pytest.approx(-0.1 * 2 * profile.action.dt, abs=0.2 / arm_rate)
    assert frames == 20
    assert problems == []


def test_a_silent_gripper_is_named_in_the_observation() -> None:
    profile = RobotProfile.load("ur5e")
    sources = {JOINT_STATES: MessageSource()}
    clock, problems = [0.0], []
    buffer = ObservationBuffer(profile, sources, clock=lambda: clock[0], on_problem=problems.append)
    for k in range(100):
        clock[0] = 1.0 + 0.01 * k
        part = dict.fromkeys(profile.joint_names, 0.0)
        if k < 20:
            part[profile.gripper.joint] = 0.0
        sources[JOINT_STATES].deliver(message(clock[0], part))
    with pytest.raises(ObservationError, match=f"joint '{profile.gripper.joint}' is in no joint state since"):
        buffer.take(clock[0])
    assert problems


def test_a_merged_state_reads_like_a_message() -> None:
    profile = RobotProfile.load("ur5e")
    merged = JointStateMerger.of(profile)
    merged.add(message(1.0, dict.fromkeys(profile.joint_names, 0.25)), 1.0)
    state = merged.add(message(1.0, {profile.gripper.joint: 0.5}), 1.0)
    np.testing.assert_array_equal(state_vector(StateComposer.of(profile), state), np.float32([0.25] * 6 + [0.5]))
