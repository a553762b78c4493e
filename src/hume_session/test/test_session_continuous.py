"""The closed loop with continuous joints, from the policy's rows to the arm and back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hume_core.robot import RobotProfile

TURN = 2.0 * math.pi
GEN3 = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "kinova_gen3.yaml"


def wrap(angles: Any) -> Any:
    return (angles + math.pi) % TURN - math.pi


DRIVERS = pytest.mark.parametrize("report", [lambda q: q, wrap], ids=["counts", "wraps"])


def continuous(profile: RobotProfile, space: str) -> RobotProfile:
    """The robot with joints that turn without end."""
    data = profile.model_dump(mode="json")
    data["action"] = {"space": space, "dt": profile.action.dt}
    data["joints"] = [joint | {"position": None, "continuous": True} for joint in data["joints"]]
    return RobotProfile.model_validate(data)


def assert_smooth(rig: Any) -> None:
    """Limits hold and no command is far from what the driver has reported."""
    rig.assert_smooth()
    assert "fault" not in rig.notes.modes
    moved = np.abs([request.moved for _, request in rig.engine.segments])
    assert moved.max() < 1.0


@DRIVERS
@pytest.mark.parametrize("target", [[-3.0, 3.05], [-3.0 - TURN, 3.05 + 2.0 * TURN]])
def test_joint_positions_beyond_pi_are_reached_the_short_way(
    make_rig: Any, make_engine: Any, profile: RobotProfile, report: Any, target: list[float]
) -> None:
    engine = make_engine(target=np.array(target))
    rig = make_rig(profile=continuous(profile, "joint_position"), engine=engine)
    rig.report, rig.arm = report, np.array([3.0, -3.1])
    rig.started(3.0)
    assert rig.notes.modes[-1] == "running"
    np.testing.assert_allclose(wrap(rig.arm - target), 0.0, atol=1e-3)
    assert np.abs(np.diff(np.unwrap(rig.notes.positions[2:], axis=0), axis=0).sum(axis=0)).max() < 0.3
    assert_smooth(rig)


@DRIVERS
@pytest.mark.parametrize("target", [[0.5, -0.4], [-0.5, 0.2]])
def test_joint_deltas_turn_the_joints_on_and_on(
    make_rig: Any, make_engine: Any, profile: RobotProfile, report: Any, target: list[float]
) -> None:
    """Every thought asks for a little more than where the arm is. Together that is more than half a turn."""
    engine = make_engine(target=np.array(target))
    rig = make_rig(profile=continuous(profile, "joint_delta"), engine=engine)
    rig.report, rig.arm = report, np.array([3.0, -3.0])
    rig.started(8.0)
    assert set(rig.notes.modes[100:]) == {"running"}
    way = np.diff(np.unwrap(rig.notes.positions[2:], axis=0), axis=0).sum(axis=0)
    assert (np.sign(way) == np.sign(target)).all()
    assert np.abs(way).max() > math.pi
    assert np.abs(rig.report(rig.arm)).max() <= (math.pi if report is wrap else 20.0)
    assert_smooth(rig)


@DRIVERS
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_gen3_goes_by_joint_deltas_across_pi(make_rig: Any, make_engine: Any, report: Any, sign: float) -> None:
    """Its joints 1, 3, 5 and 7 begin a little before pi and are sent beyond it. The others stay within their limits."""
    data = RobotProfile.load(GEN3).model_dump(mode="json")
    data |= {"gripper": None, "cameras": {}, "state": ["joint_positions"], "observation": {}}
    data["controllers"]["gripper"] = None
    gen3 = RobotProfile.model_validate(data)
    assert gen3.action.space == "joint_delta"
    turning = np.array([joint.continuous for joint in gen3.joints])
    assert np.flatnonzero(turning).tolist() == [0, 2, 4, 6]
    target = sign * np.array([0.4, 0.1, 0.5, -0.2, 0.45, 0.1, 0.6])
    rig = make_rig(profile=gen3, engine=make_engine(target=target))
    rig.report, rig.arm = report, np.where(turning, sign * 3.0, 0.0)
    start = rig.arm.copy()
    rig.started(1.5)
    assert set(rig.notes.modes[100:]) == {"running"}
    way = np.diff(np.unwrap(rig.notes.positions[2:], axis=0), axis=0).sum(axis=0)
    assert (np.sign(way) == np.sign(target)).all()
    assert (np.abs(start + way)[turning] > math.pi).all()
    assert np.abs(way).max() < math.pi
    assert_smooth(rig)
