"""Suites: found by name, scenes and tasks by seed."""

import pytest

from hume_core.errors import ConfigError
from hume_sim.suites import FIRST_SEED, SUITES, find_suite, scene


def test_refuses_an_unknown_suite() -> None:
    with pytest.raises(ConfigError, match="Valid: lift, stack, nominal, recovery, hard, hard_torque, detour, mixed"):
        find_suite("easy")


@pytest.mark.parametrize("change", [{"system2_rate": 0.0}, {"system1_latency": -0.1}])
def test_refuses_impossible_timing(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="rates must be above 0 and latencies not negative"):
        find_suite("hard", **change)


def test_fields_can_be_changed() -> None:
    assert find_suite("hard", system2_rate=7.0).system2_rate == 7.0
    assert SUITES["hard"].system2_rate == 3.0


def test_scenes_of_a_seed_follow_each_other_and_take_the_tasks_in_turn() -> None:
    nominal = find_suite("nominal")
    assert [scene(0, k, nominal) for k in range(3)] == [
        (FIRST_SEED, "lift"), (FIRST_SEED + 1, "stack"), (FIRST_SEED + 2, "lift"),
    ]  # fmt: skip
    assert scene(7, 3, nominal) == (FIRST_SEED + 700_003, "stack")
    assert nominal.task_of(FIRST_SEED + 700_003) == "stack"


def test_the_two_hard_suites_differ_by_the_push_alone() -> None:
    hand, torque = vars(find_suite("hard")), vars(find_suite("hard_torque"))
    assert {name for name in hand if hand[name] != torque[name]} == {"name", "nudge"}


def test_the_suites_of_choice_differ_from_a_plain_stack_by_their_scene() -> None:
    detour, mixed = find_suite("detour"), find_suite("mixed")
    assert (detour.scene, detour.hasty, mixed.scene, mixed.hasty) == ("pillar", 0.0, "fragile", 0.5)
    assert detour.disturbances == mixed.disturbances == 0
    assert {scene(0, 0, suite) for suite in (detour, mixed)} == {(FIRST_SEED, "stack")}
