"""Tasks: short forms, phrasings, success checks."""

import numpy as np
import pytest

from hume_core.errors import ConfigError
from hume_sim.scene import CUBE_SIZE, CUBES
from hume_sim.tasks import make_task
from hume_sim.world import TabletopWorld


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_full_forms_are_taken_literally() -> None:
    lift, stack = make_task("lift red", rng()), make_task("Stack green on blue", rng())
    assert (lift.kind, lift.cubes, str(lift)) == ("lift", ("red",), "lift red")
    assert (stack.kind, stack.cubes, str(stack)) == ("stack", ("green", "blue"), "stack green on blue")


def test_open_forms_draw_every_possibility() -> None:
    tasks = [make_task(None, rng(seed)) for seed in range(300)]
    assert len({str(task) for task in tasks}) == 3 + 6
    assert {make_task("lift", rng(seed)).kind for seed in range(5)} == {"lift"}


def test_instructions_vary_and_name_their_cubes_in_order() -> None:
    for text in ("lift red", "stack red on green"):
        sentences = {make_task(text, rng(seed)).instruction for seed in range(100)}
        assert len(sentences) == 5
        for sentence in sentences:
            named = [word for word in sentence.split() if word in CUBES]
            assert tuple(named) == make_task(text, rng()).cubes


@pytest.mark.parametrize("text", ["juggle", "lift pink", "stack red", "stack red on red", "lift red on blue"])
def test_unknown_tasks_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="Valid are"):
        make_task(text, rng())


def test_lift_needs_height_and_the_gripper() -> None:
    world = TabletopWorld()
    world.reset(0, "lift red")
    assert not world.success()
    world.place_cube("red", [0.3, 0.1, 0.2])
    assert not world.success(), "in the air but not held"
    world.place_cube("red", world.tip_position())
    assert world.success()
    world.place_cube("green", world.tip_position())
    world.place_cube("red", [0.3, 0.1, 0.02])
    assert not world.success(), "the wrong cube is held"


def test_stack_needs_the_right_order_and_an_open_gripper() -> None:
    world = TabletopWorld()
    world.reset(0, "stack red on blue")
    x, y, z = world.cube_pose("blue")[:3]
    assert not world.success()
    world.place_cube("red", [x, y, z + CUBE_SIZE])
    assert world.success()
    world.step(500)
    assert world.success(), "a stack stands"
    world.set_gripper_target(0.02)
    world.step(500)
    assert not world.success(), "the gripper must let go"
    world.reset(0, "stack blue on red")
    world.place_cube("red", [x, y, z + CUBE_SIZE])
    assert not world.success(), "the wrong way round"
