"""Chunks about two tools through System 1: segments are those of each arm alone, and every group keeps its limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from control_rig import Rig
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from two_tools import ROBOTS, kinematics, near

from hume_core.chunk import Chunk, Segment
from hume_core.errors import ActionSpaceError
from hume_core.limits import MotionLimits
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.control.control_settings import ControlSettings
from hume_system1.control.core import ControlCore
from hume_system1.robot_settings import control_settings, gripper_settings
from hume_system1.segment_planner import SegmentPlanner

OBSERVATION = Observation(images={}, state=np.zeros((1, 1, 3), np.float32), task=["lift"])
ROWS, DT = 10, 0.05


class Own:
    """Stands for System 1: gives back the chunk's own rows.

    Args:
        width: numbers of a row.
    """

    chunk_size, segment_size, origin, sees_images = ROWS, 4, "anchor", False

    def __init__(self, width: int) -> None:
        self._width = width

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        start = int(stamp * ROWS + 1e-9)
        return self.unnormalise(rows[start : start + self.segment_size])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, : self._width].astype(np.float64)


def chunk_of(profile: RobotProfile, rows: NDArray[np.float64], anchor: NDArray[np.float64], stamp: float) -> Chunk:
    space = profile.action_layout().action_space
    return Chunk(stamp, 1, 1, DT, rows.astype(np.float32), anchor, profile.joint_names, space)


def segment_at(planner: SegmentPlanner, used: Chunk, now: float, seq: int = 1) -> Segment:
    asked = planner.request(used, OBSERVATION, now - 0.02, used.anchor, now)
    answer = planner.refiner.segment(asked.observation, asked.chunk.rows, asked.progress, asked.moved)
    return planner.finish(asked, answer, seq, 0.02)


def about_tools(robot: str, space: str) -> RobotProfile:
    return ROBOTS[robot].with_action(space, DT)


@pytest.mark.parametrize("space", ["ee_delta", "ee_pose"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_segments_of_two_tools_are_those_of_each_arm_alone(robot: str, space: str) -> None:
    profile = about_tools(robot, space)
    layout, (start, wanted) = profile.action_layout(kinematics(robot)), near(robot, 41, ROWS)
    rows = layout.from_joints(wanted, np.full((ROWS, 2), 0.25), start).astype(np.float32).astype(np.float64)
    planner = SegmentPlanner(Own(layout.size), profile, kinematics=kinematics(robot))
    used = chunk_of(profile, rows, start, 100.0)
    parts = {group.name: rows[:, part] for group, part in zip(layout.groups, layout.slices, strict=True)}
    paths = [
        group.space.path(parts[group.name], start[joints], DT, group.kinematics)
        for group, joints in zip(layout.arms, layout.joint_slices, strict=True)
    ]
    # Segment after segment, as the denoiser asks for them.
    for seq, first in enumerate((0, 2, 5), start=1):
        segment = segment_at(planner, used, 100.0 + DT * (first + 0.5), seq)
        assert segment.names == profile.joint_names
        assert segment.unreachable == ""
        np.testing.assert_array_equal(segment.grippers, np.full((4, 2), 0.25))
        for path, group, joints in zip(paths, layout.arms, layout.joint_slices, strict=True):
            expected = path.segment(first, parts[group.name][first : first + 4]).positions
            np.testing.assert_array_equal(segment.positions[:, joints], expected)


def test_kinematics_of_every_moved_tool_are_needed() -> None:
    profile = about_tools("ur5e_pair", "ee_delta")
    left = {"left": kinematics("ur5e_pair")["left"]}
    with pytest.raises(ActionSpaceError, match="'left=ee_delta,right=ee_delta' of robot 'ur5e_pair' needs kinematics"):
        SegmentPlanner(Own(14), profile, kinematics=left)


def shared(profile: RobotProfile, shares: list[float], jerks: list[float]) -> MotionLimits:
    """The robot's limits, each group at its own share of them."""
    limits = profile.motion_limits()
    sizes = [len(arm.joints) for arm in profile.arms]
    share, jerk = np.repeat(shares[: len(sizes)], sizes), np.repeat(jerks[: len(sizes)], sizes)
    return MotionLimits(
        limits.names, limits.lower, limits.upper, limits.velocity * share, limits.acceleration * share,
        limits.jerk * share * jerk, limits.tracking,
    )  # fmt: skip


GROUPS = 3


# Below a tenth of the profile's limits, what its kinematics allow would be refused on arrival.
@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    robot=st.sampled_from(sorted(ROBOTS)),
    space=st.sampled_from(["ee_delta", "ee_pose"]),
    shares=st.lists(st.floats(0.2, 1.0), min_size=GROUPS, max_size=GROUPS),
    jerks=st.lists(st.floats(0.1, 4.0), min_size=GROUPS, max_size=GROUPS),
    rates=st.lists(st.sampled_from([50.0, 100.0, 150.0, 500.0]), min_size=GROUPS, max_size=GROUPS),
    seed=st.integers(0, 2**31),
)
def test_groups_of_different_rates_and_limits_keep_them_whatever_the_tools_are_asked(
    robot: str, space: str, shares: list[float], jerks: list[float], rates: list[float], seed: int
) -> None:
    """Rows ask for as much as the whole limits allow, so that slow groups are far behind. Then everything stops."""
    data: dict[str, Any] = about_tools(robot, space).model_dump(mode="json")
    for arm, rate in zip(data["arms"].values(), rates, strict=False):
        if arm["controller"]["type"] == "joint_trajectory_controller":
            arm["controller"]["update_rate"] = rate
    profile = RobotProfile.model_validate(data)
    limits = shared(profile, shares, jerks)
    core = ControlCore(limits, control_settings(profile, ControlSettings()), gripper_settings(profile))
    start, wanted = near(robot, seed, ROWS, 0.9)
    layout = profile.action_layout(kinematics(robot))
    rows = layout.from_joints(wanted, np.full((ROWS, 2), 0.5), start)
    planner = SegmentPlanner(Own(layout.size), profile, kinematics=kinematics(robot))
    rig = Rig(core, start)
    rig.activate()
    period = 1.0 / profile.rates.stream
    used: Chunk | None = None
    for k in range(round(0.25 / period)):
        events: list[Any] = []
        if k == 0:
            sent = rig.chunk(
                stamp=rig.ros, dt=DT, rows=rows.astype(np.float32), anchor=start, action_space=layout.action_space
            )
            used = sent.chunk
            events.append(sent)
        elif k % 5 == 1 and used is not None:
            made = segment_at(planner, used, rig.ros)
            events.append(
                rig.segment(
                    stamp=made.stamp, dt=DT, chunk_seq=used.seq, seq=k + 10, positions=made.positions,
                    grippers=made.grippers,
                )
            )  # fmt: skip
        rig.tick(period, *events)
    assert "running" in rig.modes
    assert rig.speed() > 0.0
    core.estop()
    rig.run(0.3, period)
    rig.assert_within_limits()
