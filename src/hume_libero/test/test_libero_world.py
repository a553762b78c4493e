"""What the stack measures in LIBERO and commands to it, and the rows of the authors' client."""

from __future__ import annotations

import numpy as np
import pytest
from fake_libero import STATES, InProcess

from hume_core.errors import ConfigError
from hume_libero.suites import NAMES, PERTURBATIONS, SETTLING_STEPS, find_suite, is_libero
from hume_libero.world import JointCommand, LiberoWorld, robosuite_row


def test_an_episode_begins_after_things_have_settled(world: LiberoWorld, fake: InProcess) -> None:
    rows = [arguments["row"] for method, arguments in fake.asked if method == "row"]
    assert len(rows) == SETTLING_STEPS == 10
    assert all(row.tolist() == [0.0] * 6 + [-1.0] for row in rows)
    assert world.reading.time == pytest.approx(0.5)
    assert world.elapsed == 0.0
    assert world.reading.fingers[0] == 0.04


def test_an_initial_state_that_does_not_exist_is_refused(world: LiberoWorld) -> None:
    for state in (-1, STATES):
        with pytest.raises(ConfigError, match=f"initial state {state} does not exist. Valid: 0 to 2"):
            world.reset(state)


def test_every_initial_state_is_its_own(world: LiberoWorld) -> None:
    places = []
    for state in range(STATES):
        world.reset(state)
        places.append(float(world.reading.objects["cream_cheese_1"][0]))
    assert len(set(places)) == STATES


def test_joint_commands_follow_each_other(world: LiberoWorld) -> None:
    still = np.zeros(7)
    commands = [JointCommand(still + 0.1, still, 0.03, 2), JointCommand(still + 0.2, still + 5.0, 0.01, 3)]
    reading = world.follow(commands)
    assert world.elapsed == pytest.approx(0.01)
    np.testing.assert_allclose(reading.joints, 0.2 + 5.0 * 0.006)
    assert reading.fingers.tolist() == [0.01, -0.01]


@pytest.mark.parametrize(("opening", "wanted"), [(0.0, 1.0), (0.49, 1.0), (0.5, -1.0), (1.0, -1.0), (1.3, -1.0)])
def test_the_gripper_of_a_row_becomes_robosuites(opening: float, wanted: float) -> None:
    row = np.array([0.1, -0.2, 0.3, 0.4, -0.5, 0.6, opening], dtype=np.float32)
    found = robosuite_row(row)
    np.testing.assert_allclose(found[:6], row[:6])
    assert found[6] == wanted
    assert row[6] == np.float32(opening)


def test_the_suites_have_the_authors_number_of_steps() -> None:
    assert {name: find_suite(name).steps for name in NAMES} == {
        "libero_spatial": 220, "libero_object": 280, "libero_goal": 300, "libero_10": 520,
    }  # fmt: skip


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_a_perturbation_is_another_suite_of_the_same_length(perturbation: str) -> None:
    found = find_suite("libero_goal", perturbation)
    assert (found.name, found.steps) == (f"libero_goal_{perturbation}", 300)


@pytest.mark.parametrize(
    ("name", "perturbation", "message"),
    [
        ("libero_kitchen", "", "suite 'libero_kitchen' is unknown. Valid suites of LIBERO: libero_spatial,"),
        ("libero_goal", "earthquake", "perturbation 'earthquake' is unknown. Valid: lan, object, swap, task"),
    ],
)
def test_unknown_names_are_refused(name: str, perturbation: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_suite(name, perturbation)


def test_a_suite_of_libero_is_known_by_its_name() -> None:
    assert [is_libero(name) for name in ("libero_spatial", "libero_nothing", "hard", "mixed")] == [
        True,
        True,
        False,
        False,
    ]
