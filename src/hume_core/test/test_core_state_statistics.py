"""The first state is held against what the checkpoint saw in training."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.errors import ObservationError
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_core.state_composer import StateComposer
from hume_core.state_statistics import check_first_state

LIBERO = StateComposer.of(named_contract("libero_goal").seen_by(RobotProfile.load("franka_panda")))
START = LIBERO.compose(np.array([0.0, -0.161, 0.0, -2.4446, 0.0, 2.2268, np.pi / 4]), None, 0.0208)
# Of the kind that LIBERO's data sets have.
MEAN = np.array([-0.05, 0.03, 1.02, 3.05, -0.1, -0.08, 0.027, -0.027])
STD = np.array([0.1, 0.15, 0.12, 0.1, 0.4, 0.25, 0.014, 0.014])


def statistics(mean: Any, std: Any) -> Any:
    return SimpleNamespace(state_distribution=lambda: (torch.tensor(mean).float(), torch.tensor(std).float()))


def composer(robot: str, state: list[Any]) -> StateComposer:
    data = RobotProfile.load(robot).model_dump(mode="json") | {"state": state}
    return StateComposer.of(RobotProfile.model_validate(data))


def refusal(state: Any, mean: Any, std: Any, of: StateComposer, deviations: float = 8.0) -> str:
    with pytest.raises(ObservationError) as caught:
        check_first_state(np.asarray(state, np.float32), statistics(mean, std), of, deviations)
    return str(caught.value)


def test_the_start_of_libero_is_as_in_training() -> None:
    check_first_state(START, statistics(MEAN, STD), LIBERO, 8.0)


@pytest.mark.parametrize(
    ("number", "value", "name", "cause"),
    [
        (2, 0.26, "z", "another world frame"),
        (0, -1.5, "x", "another world frame"),
        (3, -3.1, "rx", "branch"),
        (6, 0.8, "panda_finger_joint1_finger", "another form of the gripper"),
    ],
)
def test_another_frame_is_named_with_both_values(number: int, value: float, name: str, cause: str) -> None:
    state = START.copy()
    state[number] = value
    said = refusal(state, MEAN, STD * 0.5, LIBERO)
    for part in (f"'{name}'", f"{value:.4g}", f"{MEAN[number]:.4g}", cause, "state_deviations"):
        assert part in said


@pytest.mark.parametrize("robot", ["so101", "ur5e", "wx250s"])
def test_degrees_are_told_from_radians(robot: str) -> None:
    n = len(RobotProfile.load(robot).joint_names)
    radians = composer(robot, ["joint_positions"])
    degrees = composer(robot, [{"field": "joint_positions", "unit": "deg"}])
    home = np.array([0.3, -1.0, 1.2, 0.7, 0.4, -0.5])[:n]
    said = refusal(home, np.degrees(home), [12.0] * n, radians, 4.0)
    assert "the checkpoint counts in deg, the state is in rad" in said
    said = refusal(np.degrees(home), home, [0.2] * n, degrees, 4.0)
    assert "the checkpoint counts in rad, the state is in deg" in said
    check_first_state(np.degrees(home).astype(np.float32), statistics(np.degrees(home), [12.0] * n), degrees, 4.0)


def test_a_sign_the_other_way_round_is_named() -> None:
    said = refusal(
        [0.0, 1.4, 0.0, 0.0, 0.0], [0.0, -1.4, 0.0, 0.0, 0.0], [0.2] * 5, composer("so101", ["joint_positions"])
    )
    assert "'shoulder_lift' is 1.4" in said
    assert "the sign of this joint is the other way round" in said


@pytest.mark.parametrize(("form", "other"), [("opening", "closedness"), ("closedness", "opening")])
def test_an_inverted_opening_is_named(form: str, other: str) -> None:
    of = composer("wx250s", [{"field": "gripper", "form": form}])
    said = refusal([1.0], [0.02], [0.05], of)
    assert f"the other way round. Form '{other}'" in said


def test_a_constant_of_training_may_not_differ() -> None:
    of = composer("wx250s", [{"field": "padding", "value": 0.7}])
    assert "order of the state" in refusal([0.7], [0.0], [0.0], of)
    check_first_state(np.zeros(1, np.float32), statistics([0.0], [0.0]), composer("wx250s", ["padding"]), 8.0)


def test_tiny_standard_deviations_do_not_refuse_an_arm_near_its_training() -> None:
    of = composer("wx250s", ["joint_positions", "gripper"])
    mean = [*RobotProfile.load("wx250s").home, 0.026]
    state = np.array(mean, np.float32) + np.array([1.4, -1.4, 1.4, 0.0, 1.3, 0.0, 0.011], np.float32)
    check_first_state(state, statistics(mean, [1e-6] * 7), of, 8.0)


@pytest.mark.parametrize("robot", ["so101", "ur5e", "franka_panda", "xarm7", "wx250s_sim"])
@pytest.mark.parametrize("end", ["closed", "open"])
def test_no_gripper_is_refused_where_it_can_be(robot: str, end: str) -> None:
    gripper = RobotProfile.load(robot).gripper
    assert gripper is not None
    middle = 0.5 * (gripper.closed + gripper.open)
    for form, sign in (("position", [1.0]), ("fingers", [1.0, -1.0])):
        of = composer(robot, [{"field": "gripper", "form": form}])
        state = np.array(sign, np.float32) * getattr(gripper, end)
        check_first_state(state, statistics([middle * part for part in sign], [0.01] * len(sign)), of, 8.0)


def test_the_bound_may_be_wider_and_there_may_be_none() -> None:
    state = START.copy()
    state[2] = 0.02
    assert "'z'" in refusal(state, MEAN, STD, LIBERO)
    check_first_state(state, statistics(MEAN, STD), LIBERO, 10.0)
    check_first_state(state * 100, statistics(MEAN, STD), LIBERO, math.inf)
    unnormalised: Any = SimpleNamespace(state_distribution=lambda: None)
    check_first_state(state * 100, unnormalised, LIBERO, 8.0)
