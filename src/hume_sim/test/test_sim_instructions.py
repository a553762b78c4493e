"""The scene judges what the robot was told, where it can."""

from __future__ import annotations

import numpy as np
import pytest

from hume_sim.realtime import RealtimeWorld
from hume_sim.tasks import make_task, task_of
from hume_sim.world import TabletopWorld


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("form", ["lift", "stack"])
def test_every_instruction_of_a_scene_is_understood(form: str, seed: int) -> None:
    task = make_task(form, np.random.default_rng(seed))
    assert task_of(task.instruction) == task


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Lift the RED cube.", "lift red"),
        ("  pick up  the green cube ", "lift green"),
        ("Put the blue cube on top of the red cube", "stack blue on red"),
        ("lift the purple cube", None),
        ("stack the red cube on the red cube", None),
        ("wave at the people", None),
        ("lift the red cube and wave", None),
        ("", None),
    ],
)
def test_people_may_write_as_they_like_and_what_is_not_known_is_not_guessed(
    instruction: str, expected: str | None
) -> None:
    task = task_of(instruction)
    assert (None if task is None else str(task)) == expected
    assert task is None or task.instruction == instruction


def test_what_is_judged_changes_and_the_scene_stays() -> None:
    world = TabletopWorld()
    world.reset(3, "lift red")
    physics = RealtimeWorld(world)
    before = world.cube_pose("blue")
    blue = task_of("lift the blue cube")
    assert blue is not None
    physics.start()
    try:
        physics.judge(blue)
        assert physics.sample.episode.seed == 3
    finally:
        physics.stop()
        world.close()
    assert (world.task, world.instruction) == (blue, "lift the blue cube")
    assert np.allclose(world.cube_pose("blue"), before, atol=1e-3)
