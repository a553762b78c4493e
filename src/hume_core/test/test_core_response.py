"""How the tool follows rows of `ee_delta`: what they are counted from, and how the arm of the demonstrations moved."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.action_spaces import (
    ROBOSUITE_PANDA,
    Conventions,
    EeDelta,
    Exact,
    FirstOrder,
    Motion,
    OperationalSpace,
    Reference,
    SimulatedArm,
)
from hume_core.action_spaces.response import AnyResponse
from hume_core.errors import ActionSpaceError, KinematicsError, RobotProfileError
from hume_core.kinematics import Kinematics, Pose
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
DT, ROWS = 0.05, 20
SHIFT = np.array([0.004, -0.002, 0.003, 0.01, 0.02, -0.01])


@pytest.fixture(scope="module")
def panda() -> RobotProfile:
    return RobotProfile.load(ROBOTS / "franka_panda.yaml")


@pytest.fixture(scope="module")
def kinematics(panda: RobotProfile) -> Kinematics:
    return load_kinematics(panda)


@pytest.fixture(scope="module")
def home(panda: RobotProfile) -> NDArray[np.float64]:
    return np.array(panda.home)


def poses(
    kinematics: Kinematics,
    home: NDArray[np.float64],
    row: NDArray[np.float64],
    motion: Motion | None = None,
    **written: object,
) -> list[Pose]:
    """Of the tool at the beginning, and after each of 20 times the same row."""
    space = EeDelta(Conventions.given(**written))
    rows = np.tile(row, (ROWS, 1))
    joints = space.path(rows, home, DT, kinematics, motion).segment(0, rows).positions
    return [kinematics.forward(q) for q in (home, *joints)]


def moved(found: list[Pose]) -> NDArray[np.float64]:
    """(k, 6) steps from pose to pose."""
    return np.stack([before.error_to(after) for before, after in pairwise(found)])


def test_rows_counted_from_the_observation_do_not_add_up(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    found = poses(kinematics, home, SHIFT, reference=Reference.OBSERVATION)
    np.testing.assert_allclose(found[0].error_to(found[1]), SHIFT, atol=2e-3)
    np.testing.assert_allclose(moved(found)[5:], 0.0, atol=1e-4)


@pytest.mark.parametrize("gain", [0.1, 0.25, 0.6, 1.0])
def test_of_first_order_each_step_is_a_part_of_the_row(
    kinematics: Kinematics, home: NDArray[np.float64], gain: float
) -> None:
    found = poses(kinematics, home, SHIFT, reference=Reference.MEASURED, response=FirstOrder(gain=gain))
    np.testing.assert_allclose(moved(found), np.tile(gain * SHIFT, (ROWS, 1)), atol=3e-4)


@pytest.mark.parametrize("gain", [0.25, 0.6])
def test_towards_the_goal_of_the_row_before_a_first_order_catches_up(
    kinematics: Kinematics, home: NDArray[np.float64], gain: float
) -> None:
    """Goals go ahead by a row each; the tool comes to move as fast as they do."""
    steps = moved(poses(kinematics, home, SHIFT, response=FirstOrder(gain=gain)))
    shares = 1.0 - (1.0 - gain) ** np.arange(1, ROWS + 1)
    np.testing.assert_allclose(steps, shares[:, None] * SHIFT, atol=3e-4)


@pytest.mark.parametrize(("kp", "ratio"), [(150.0, 1.0), (80.0, 1.0), (150.0, 2.0)])
def test_an_ideal_operational_space_controller_is_a_damped_spring(
    kinematics: Kinematics, home: NDArray[np.float64], kp: float, ratio: float
) -> None:
    """Closed form: within a row (error, velocity) follow the exponential of the spring's matrix."""
    kd = 2.0 * ratio * np.sqrt(kp)
    power = np.linalg.matrix_power
    exponential = power(np.eye(2) + np.array([[0.0, 1.0], [-kp, -kd]]) * DT / 4096, 4096)
    wanted, speed = [], 0.0
    for _ in range(ROWS):
        error, speed = exponential @ [-1.0, speed]
        wanted.append(1.0 + error)
    response = OperationalSpace(kp=kp, damping_ratio=ratio)
    steps = moved(poses(kinematics, home, SHIFT, reference=Reference.MEASURED, response=response))
    np.testing.assert_allclose(steps, np.array(wanted)[:, None] * SHIFT, rtol=0.04, atol=1e-4)


def test_the_velocity_at_the_observation_goes_on(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    response = OperationalSpace(arm=ROBOSUITE_PANDA)
    rows = np.tile(SHIFT, (ROWS, 1))
    space = EeDelta(Conventions(reference=Reference.MEASURED, response=response))
    path = space.path(rows, home, DT, kinematics)
    whole = path.segment(0, rows).positions
    # A second chunk that begins in the middle of the first, with its joints and velocities.
    state = path._states[8].arm  # type: ignore[attr-defined]
    later = space.path(rows, whole[7], DT, kinematics, Motion(state.velocities, path, 8.0)).segment(0, rows).positions
    steps, again = np.diff(whole[7:15], axis=0), np.diff(np.stack([whole[7], *later[:7]]), axis=0)
    np.testing.assert_allclose(again, steps, atol=0.02 * np.abs(steps).max())
    rest = space.path(rows, whole[7], DT, kinematics).segment(0, rows).positions
    assert np.abs(rest[0] - whole[7]).max() < 0.7 * np.abs(steps[0]).max()


@pytest.mark.parametrize(
    "response", [Exact(), FirstOrder(gain=0.3), OperationalSpace(), OperationalSpace(arm=ROBOSUITE_PANDA)]
)
def test_refined_rows_go_on_from_the_state_before_them(
    kinematics: Kinematics, home: NDArray[np.float64], response: AnyResponse
) -> None:
    space = EeDelta(Conventions(reference=Reference.MEASURED, response=response))
    rows = np.tile(SHIFT, (8, 1))
    refined = rows.copy()
    refined[4:] *= -0.5
    at_once = space.path(refined, home, DT, kinematics).segment(0, refined)
    path = space.path(rows, home, DT, kinematics)
    path.segment(0, rows)
    later = path.segment(4, refined[4:])
    np.testing.assert_array_equal(later.positions, at_once.positions[4:])
    if response.moves_at_once:
        assert later.start is None
    else:
        np.testing.assert_array_equal(later.start, at_once.positions[3])


def test_a_row_without_rotation_keeps_the_goal_s_orientation(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    """As the controller does: after a turn the tool goes on turning to where it was sent."""
    turn, still = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.2]), np.zeros(6)
    space = EeDelta(Conventions(reference=Reference.MEASURED, response=OperationalSpace()))
    rows = np.stack([turn, *[still] * 19])
    joints = space.path(rows, home, DT, kinematics).segment(0, rows).positions
    turned = kinematics.forward(home).error_to(kinematics.forward(joints[-1]))
    np.testing.assert_allclose(turned[3:], turn[3:], atol=5e-3)


def test_rows_beyond_the_controller_s_input_are_clipped(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    scale = (0.01,) * 3 + (0.05,) * 3
    response = OperationalSpace(input_limit=0.5)
    written = {"reference": Reference.MEASURED, "response": response, "scale": scale}
    most = poses(kinematics, home, np.full(6, 0.5), **written)
    beyond = poses(kinematics, home, np.full(6, 7.0), **written)
    np.testing.assert_array_equal(beyond[-1].position, most[-1].position)


@pytest.mark.parametrize("reference", list(Reference))
@pytest.mark.parametrize("response", [Exact(), FirstOrder(gain=0.4)])
def test_rows_come_back_from_the_joints_they_lead_to(
    kinematics: Kinematics, home: NDArray[np.float64], reference: Reference, response: AnyResponse
) -> None:
    space = EeDelta(Conventions(reference=reference, response=response, tool_offset=(0.0, 0.01, -0.02)))
    rows = SHIFT * np.linspace(0.2, 1.0, 6)[:, None]
    joints = space.path(rows, home, DT, kinematics).segment(0, rows).positions
    np.testing.assert_allclose(space.from_joints(joints, home, kinematics), rows, atol=1e-3)


def test_rows_of_a_motion_with_a_memory_do_not_come_back(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    space = EeDelta(Conventions(response=OperationalSpace()))
    with pytest.raises(ActionSpaceError, match="'operational_space' cannot be turned back into rows"):
        space.from_joints(home[None], home, kinematics)


def test_the_tool_turns_about_the_point_that_rows_are_about(kinematics: Kinematics, home: NDArray[np.float64]) -> None:
    offset = np.array([0.0, 0.0, -0.1])
    turn = np.array([0.0, 0.0, 0.0, 0.1, 0.0, 0.0])
    found = poses(kinematics, home, turn, tool_offset=tuple(offset))
    points = np.stack([pose.position + pose.rotation @ offset for pose in found])
    np.testing.assert_allclose(points, np.tile(points[0], (len(points), 1)), atol=1e-3)
    assert np.linalg.norm(found[-1].position - found[0].position) > 0.05


@pytest.mark.parametrize("response", [Exact(), OperationalSpace(kp=2000.0)])
def test_rows_from_the_measured_pose_do_not_make_up_for_what_limits_held_back(
    kinematics: Kinematics, home: NDArray[np.float64], response: AnyResponse
) -> None:
    """One row is too long for the velocity limits; then come rows without motion."""
    rows = np.zeros((10, 6))
    rows[0, 2] = 0.08
    ends = {}
    for reference in (Reference.PREVIOUS_ROW, Reference.MEASURED):
        space = EeDelta(Conventions(reference=reference, response=response))
        joints = space.path(rows, home, DT, kinematics).segment(0, rows).positions
        ends[reference] = [kinematics.forward(q).position[2] for q in joints]
    start = kinematics.forward(home).position[2]
    assert ends[Reference.PREVIOUS_ROW][-1] - start == pytest.approx(0.08, abs=1e-3)
    assert ends[Reference.MEASURED][-1] - start < 0.075


def test_a_simulated_arm_of_another_size_is_refused(panda: RobotProfile, kinematics: Kinematics) -> None:
    six = {"links": [{"mass": 1.0, "center": [0, 0, 0], "inertia": [1, 1, 1, 0, 0, 0]}] * 6}
    numbers = {name: [1.0] * 6 for name in ("effort", "armature", "damping", "friction")}
    arm = SimulatedArm.model_validate({**six, **numbers})
    with pytest.raises(RobotProfileError, match=r"the arm of the response has 6 joints\. The robot's has 7"):
        panda.with_action(response={"type": "operational_space", "arm": {**six, **numbers}})
    with pytest.raises(KinematicsError, match="has 6 joints, the robot 7"):
        OperationalSpace(arm=arm).tracker(kinematics.model, Pose(np.zeros(3), np.eye(3)), DT)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ("spring", "'exact', 'first_order', 'operational_space'"),
        ({"type": "first_order"}, "gain' is missing"),
        ({"type": "first_order", "gain": 1.5}, "less than or equal to 1"),
        ({"type": "operational_space", "arm": "ur5"}, "valid: robosuite_panda"),
        ({"type": "operational_space", "kpp": 3.0}, "Valid here: .*kp"),
    ],
)
def test_a_wrong_response_is_refused_by_name(panda: RobotProfile, response: object, problem: str) -> None:
    with pytest.raises(RobotProfileError, match=problem):
        panda.with_action(response=response)


def test_reference_and_response_belong_to_ee_delta(panda: RobotProfile) -> None:
    for field, value in (("reference", "measured"), ("response", "exact")):
        with pytest.raises(RobotProfileError, match=f"{field} belongs to ee_delta"):
            panda.with_action("ee_pose", **{field: value})


def test_a_profile_keeps_its_response_when_something_else_changes(panda: RobotProfile) -> None:
    given = {"type": "operational_space", "kp": 120.0, "arm": "robosuite_panda"}
    changed = panda.with_action(reference="measured", response=given).with_action(dt=0.1)
    assert changed.action.response == OperationalSpace(kp=120.0, arm=ROBOSUITE_PANDA)
    assert changed.action.reference is Reference.MEASURED
