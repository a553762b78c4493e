"""Rows about the tools of several arms: each arm is what it would be alone."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from two_tools import DT, ROBOTS, WRITTEN, kinematics, near, written

from hume_core.action_spaces import ArmGroup
from hume_core.errors import RobotProfileError
from hume_core.kinematics import Kinematics
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_arm_model, load_kinematics, load_needed_kinematics
from hume_core.tool_paths import load_every_tool, load_tool_paths


def alone(group: ArmGroup, rows: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joint positions of an arm that nobody else stands beside."""
    return group.space.path(rows, anchor, DT, group.kinematics).segment(0, rows).positions


@pytest.mark.parametrize("fields", WRITTEN, ids=lambda fields: "-".join(map(str, fields.values())))
@pytest.mark.parametrize("robot", ROBOTS)
def test_two_tools_in_one_chunk_give_the_joints_of_each_arm_alone(robot: str, fields: dict[str, Any]) -> None:
    profile = written(robot, fields)
    layout = profile.action_layout(kinematics(robot))
    start, wanted = near(robot, 3)
    openings = np.random.default_rng(5).uniform(size=(len(wanted), 2))
    rows = layout.from_joints(wanted, openings, start)
    positions, grippers = layout.to_joints(rows, start, DT)
    np.testing.assert_array_equal(grippers, openings)
    parts = {group.name: rows[:, part] for group, part in zip(layout.groups, layout.slices, strict=True)}
    for group, joints in zip(layout.arms, layout.joint_slices, strict=True):
        np.testing.assert_array_equal(positions[:, joints], alone(group, parts[group.name], start[joints]))
        assert group.size == (2 if group.name == "torso" else 6)
    assert layout.size == profile.action_dim == (16 if robot == "agibot_g1" else 14)


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_tools_are_where_the_rows_say(robot: str) -> None:
    """Displacements of both tools at once, each by forward kinematics of its own links."""
    profile = written(robot, {"space": "ee_delta"})
    layout, start = profile.action_layout(kinematics(robot)), near(robot, 0)[0]
    rng = np.random.default_rng(11)
    rows = layout.from_joints(np.tile(start, (5, 1)), np.zeros((5, 2)), start)
    shifts = {"left": rng.uniform(-0.004, 0.004, 3), "right": rng.uniform(-0.004, 0.004, 3)}
    for group, part in zip(layout.groups, layout.slices, strict=True):
        if group.name in shifts:
            rows[:, part.start : part.start + 3] = shifts[group.name]
    positions, _ = layout.to_joints(rows, start, DT)
    for arm, joints in zip(profile.arms, profile.joint_slices, strict=True):
        if arm.kinematics is None:
            np.testing.assert_array_equal(positions[:, joints], np.tile(start[joints], (5, 1)))
            continue
        model = load_arm_model(profile, arm=arm)
        moved = model.forward(positions[-1, joints]).position - model.forward(start[joints]).position
        np.testing.assert_allclose(moved, 5 * shifts[arm.name], atol=3e-3)
        assert np.linalg.norm(moved) > 0.004


@given(seed=st.integers(0, 2**31), order=st.permutations(range(2)), share=st.floats(0.0, 3.0))
@settings(max_examples=25, deadline=None)
def test_each_arm_keeps_its_own_limits_for_any_rows(seed: int, order: list[int], share: float) -> None:
    """Also rows that ask for more than an arm can do, and limits of which one arm has a small share."""
    data = ROBOTS["ur5e_pair"].model_dump(mode="json")
    slow = ["left", "right"][order[0]]
    for joint in data["arms"][slow]["joints"]:
        joint["velocity"] *= 0.1
    profile = RobotProfile.model_validate(data).with_action("ee_delta")
    layout = profile.action_layout({arm.name: Kinematics(
        kinematics("ur5e_pair")[arm.name].model,
        load_kinematics(profile, arm=arm).limits, np.array(arm.home),
    ) for arm in profile.arms})  # fmt: skip
    start, wanted = near("ur5e_pair", seed, share=share)
    rows = layout.from_joints(wanted, np.zeros((len(wanted), 2)), start)
    positions, _ = layout.to_joints(rows, start, DT)
    limits = profile.motion_limits()
    speed = np.abs(np.diff(np.vstack([start, positions]), axis=0)) / DT
    assert (speed <= limits.velocity * (1.0 + 1e-9)).all()
    assert (positions >= limits.lower - 1e-9).all()
    assert (positions <= limits.upper + 1e-9).all()


@pytest.mark.parametrize("far", ["left", "right"])
def test_an_arm_that_cannot_follow_is_named_and_holds_alone(far: str) -> None:
    profile = written("ur5e_pair", {"space": "ee_delta"})
    layout, (start, wanted) = profile.action_layout(kinematics("ur5e_pair")), near("ur5e_pair", 8)
    rows = layout.from_joints(wanted, np.zeros((len(wanted), 2)), start)
    part = next(part for group, part in zip(layout.groups, layout.slices, strict=True) if group.name == far)
    rows[2:, part] = [1.5, 0.0, 0.0, 0.0, 0.0, 0.0]
    targets = layout.path(rows, start, DT).segment(0, rows)
    assert targets.report.startswith(f"{far}: row 2 is unreachable: ")
    assert ";" not in targets.report
    for arm, joints in zip(profile.arms, profile.joint_slices, strict=True):
        moves = np.abs(np.diff(targets.positions[1:, joints], axis=0)).max() > 0.0
        assert moves == (arm.name != far)


@pytest.mark.parametrize(
    "order", list(permutations(["arms.left", "grippers.left", "arms.right", "grippers.right"]))[:8]
)
def test_a_row_keeps_its_meaning_in_any_order(order: tuple[str, ...]) -> None:
    plain = written("ur5e_pair", {"space": "ee_pose"})
    if order.index("arms.left") > order.index("arms.right") or order.index("grippers.left") > order.index(
        "grippers.right"
    ):
        with pytest.raises(RobotProfileError, match="in the order in which arms and grippers list them"):
            plain.with_action(order=list(order))
        return
    layout = plain.with_action(order=list(order)).action_layout(kinematics("ur5e_pair"))
    start, wanted = near("ur5e_pair", 21)
    rows = layout.from_joints(wanted, np.zeros((len(wanted), 2)), start)
    first = plain.action_layout(kinematics("ur5e_pair"))
    same = first.to_joints(first.from_joints(wanted, np.zeros((len(wanted), 2)), start), start, DT)[0]
    np.testing.assert_array_equal(layout.to_joints(rows, start, DT)[0], same)
    sides = [path.partition(".")[2] for path in order if path.startswith("arms")]
    assert [name.partition("/")[0] for name in layout.column_names if "/" in name] == [
        side for side in sides for _ in range(6)
    ]


def test_a_description_from_a_topic_is_asked_for_once() -> None:
    data = ROBOTS["aloha"].model_dump(mode="json")
    text = Path(data["arms"]["left"]["kinematics"]["urdf"]).read_text(encoding="utf-8")
    for side in ("left", "right"):
        data["arms"][side]["kinematics"]["urdf"] = None
    profile = RobotProfile.model_validate(data).with_action("ee_delta")
    asked: list[str] = []
    found = load_needed_kinematics(profile, fallback=lambda: asked.append("robot_description") or text)  # type: ignore[func-returns-value]
    assert list(found) == ["left", "right"]
    assert asked == ["robot_description"]
    with pytest.raises(RobotProfileError, match=r"'aloha': arms\.left\.kinematics\.urdf is not set"):
        load_needed_kinematics(profile)


def test_kinematics_of_one_arm_are_not_taken_for_several() -> None:
    profile = written("aloha", {"space": "ee_delta"})
    with pytest.raises(RobotProfileError, match="kinematics of one arm were given for 2: left, right"):
        profile.action_layout(kinematics("aloha")["left"])
    assert load_needed_kinematics(ROBOTS["aloha"]) == {}


@pytest.mark.parametrize("space", ["joint_position", "ee_pose"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_every_tool_is_drawn_from_its_own_numbers(robot: str, space: str) -> None:
    profile = written(robot, {"space": space})
    layout, (start, wanted) = profile.action_layout(kinematics(robot)), near(robot, 29)
    rows = layout.from_joints(wanted, np.zeros((len(wanted), 2)), start)
    tools = load_every_tool(profile, points=99)
    assert [tool.name for tool in tools] == ["left", "right"]
    for tool in tools:
        assert tool.joint_names == profile.joint_names
        assert tool.action_space == layout.action_space
        arm, joints = next(
            pair for pair in zip(profile.arms, profile.joint_slices, strict=True) if pair[0].name == tool.name
        )
        model = load_arm_model(profile, arm=arm)
        expected = [model.forward(place[joints]).position for place in (start, *wanted)]
        np.testing.assert_allclose(tool.of_rows(rows[None], start, DT)[0], expected, atol=1e-6)
        np.testing.assert_allclose(tool.of_joints(wanted), expected[1:], atol=1e-9)
    with pytest.raises(RobotProfileError, match="This works for robots with one arm only"):
        load_tool_paths(profile)


MISTAKES: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (
        ("right",),
        {"action": {"space": "ee_pose", "dt": DT}},
        "'ee_pose' needs inverse kinematics. Add the section arms.right.kinematics: {base_link: ..., tool_link: ..., "
        "urdf: ...}, or leave its joints to action.spaces: {right: joint_position}",
    ),
    (
        (),
        {"action": {"space": "ee_delta", "dt": DT, "spaces": {"torso": "joint_delta"}}},
        "action.spaces names arm 'torso'. The robot has: left, right",
    ),
    (
        (),
        {"action": {"space": "ee_delta", "dt": DT, "spaces": {"left": "torque"}}},
        "action space 'torque' is unknown. Valid: joint_position, joint_delta",
    ),
    (
        (),
        {"action": {"space": "joint_position", "dt": DT, "spaces": {"right": "joint_delta"}, "scale": [1.0] * 6}},
        "scale belongs to ee_delta and ee_pose. Leave it out with space 'joint_position'",
    ),
    (
        ("left", "right"),
        {"state": ["tool_position"]},
        "state lists 'tool_position', which needs forward kinematics. Add the section arms.left.kinematics: {base_link",
    ),
    (
        ("left",),
        {"state": [{"field": "tool_rotation", "arm": "left"}]},
        "state.0 names arm 'left'. Arms with a tool (section kinematics): right",
    ),
]


@pytest.mark.parametrize(("without", "change", "expected"), MISTAKES)
def test_mistakes_are_named(without: tuple[str, ...], change: dict[str, Any], expected: str) -> None:
    data = ROBOTS["ur5e_pair"].model_dump(mode="json") | change
    for side in without:
        data["arms"][side]["kinematics"] = None
    with pytest.raises(ValueError, match=re.escape(expected)):
        RobotProfile.model_validate(data)


def test_an_arm_without_a_tool_may_have_another_space() -> None:
    data = ROBOTS["ur5e_pair"].model_dump(mode="json")
    data["arms"]["left"]["kinematics"] = None
    data["action"] |= {"space": "ee_delta", "scale": [0.1] * 6, "spaces": {"left": "joint_delta"}}
    profile = RobotProfile.model_validate(data)
    layout = profile.action_layout()
    assert layout.action_space == "left=joint_delta,right=ee_delta"
    assert layout.column_names[:8] == (*profile.arms[0].joint_names, profile.gripper_names[0], "right/x")
    assert [arm.name for arm in profile.moved_tools] == ["right"]
    assert layout.lacks_kinematics
    assert not profile.action_layout(load_needed_kinematics(profile)).lacks_kinematics
