"""The closed loop about two tools: both go where the rows say, and every joint keeps its limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from two_tools import ROBOTS, kinematics

from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model

SHIFT = {"left": np.array([0.002, 0.0, -0.001]), "right": np.array([0.002, 0.001, 0.0])}
"""Of each tool in a row, m."""


def about_tools(robot: str) -> RobotProfile:
    """Without cameras and grippers, which the loop's stand-in for a policy does not have."""
    data = ROBOTS[robot].model_dump(mode="json") | {"grippers": {}, "cameras": {}, "observation": {}}
    data["action"] |= {"space": "ee_delta", "dt": 0.1, "order": None}
    data["state"] = ["tool_position", "tool_rotation"]
    return RobotProfile.model_validate(data)


def row(profile: RobotProfile) -> np.ndarray:
    """The same displacement of each tool in every row. A torso stays at home."""
    parts = [
        np.array(arm.home) if arm.kinematics is None else np.concatenate([SHIFT[arm.name], np.zeros(3)])
        for arm in profile.arms
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("robot", ROBOTS)
def test_both_tools_go_where_the_rows_say(make_rig: Any, make_engine: Any, robot: str) -> None:
    profile = about_tools(robot)
    engine = make_engine(target=row(profile))
    rig = make_rig(profile=profile, engine=engine, kinematics=kinematics(robot))
    rig.arm = np.array(profile.home)
    start = rig.arm.copy()
    rig.started(2.0)
    assert rig.notes.modes[-1] == "running"
    assert "fault" not in rig.notes.modes
    reports = {segment.unreachable for *_, segment in rig.notes.segments}
    assert not any("is unreachable" in report for report in reports), reports
    assert len(engine.thoughts[0][1].state.reshape(-1)) == 12
    for arm, joints in zip(profile.arms, profile.joint_slices, strict=True):
        if arm.kinematics is None:
            np.testing.assert_allclose(rig.arm[joints], start[joints], atol=1e-6)
            continue
        model = load_arm_model(profile, arm=arm)
        way = model.forward(rig.arm[joints]).position - model.forward(start[joints]).position
        along = SHIFT[arm.name] / np.linalg.norm(SHIFT[arm.name])
        assert way @ along > 0.015
        assert np.linalg.norm(way - (way @ along) * along) < 0.01  # each row is reached within 2 mm
    rig.assert_smooth()
