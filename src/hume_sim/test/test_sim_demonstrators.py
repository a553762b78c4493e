"""The expert among obstacles, and the hasty one."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import mujoco
import numpy as np
import pytest

from hume_sim.expert import ScriptedExpert, run_expert
from hume_sim.hasty import HastyExpert, demonstrator
from hume_sim.scene import CUBE_SIZE, CUBES, FRAGILE, PILLAR, PILLAR_HEIGHT
from hume_sim.suites import Suite, find_suite
from hume_sim.way_round import shorter_side, way_round
from hume_sim.world import TabletopWorld


def _point(x: float, y: float) -> np.ndarray:
    return np.array([x, y])


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("start", [(0.0, 0.0), (0.0, 0.03), (0.02, -0.04)])
def test_a_way_round_keeps_its_distance_and_its_side(start: tuple[float, float], side: int) -> None:
    here, goal, obstacle = _point(*start), _point(0.3, 0.0), _point(0.15, 0.01)
    lateral = []
    for _ in range(400):
        way = way_round(here, goal, obstacle, 0.08, side)
        here = here + 0.004 * way / max(float(np.linalg.norm(way)), 1e-9)
        assert np.linalg.norm(here - obstacle) > 0.078
        lateral.append(here[1] - obstacle[1])
        if np.linalg.norm(here - goal) < 0.005:
            break
    assert np.linalg.norm(here - goal) < 0.005
    # Turning left leaves the obstacle on the right hand.
    assert side * max(lateral, key=abs) > 0


def test_a_free_way_is_straight_and_who_is_too_near_goes_out() -> None:
    free = way_round(_point(0.0, 0.2), _point(0.3, 0.2), _point(0.15, 0.0), 0.08, 1)
    np.testing.assert_allclose(free, [0.3, 0.0])
    behind = way_round(_point(0.2, 0.0), _point(0.3, 0.0), _point(0.15, 0.0), 0.08, 1)
    np.testing.assert_allclose(behind, [0.1, 0.0])
    inside = way_round(_point(0.1, 0.0), _point(0.3, 0.0), _point(0.15, 0.0), 0.08, 1)
    assert inside[0] < 0.0


@pytest.mark.parametrize(("offset", "side"), [(0.02, -1), (-0.02, 1)])
def test_the_shorter_side_leaves_the_obstacle_where_it_is(offset: float, side: int) -> None:
    assert shorter_side(_point(0.0, 0.0), _point(0.3, 0.0), _point(0.15, offset)) == side


def test_the_expert_passes_the_pillar_on_either_side() -> None:
    world = TabletopWorld(scene=PILLAR)
    sides = []
    for seed in range(10):
        world.reset(seed, "stack")
        expert = ScriptedExpert(world)
        passed = 0.0
        while not expert.done and not world.failure and world.elapsed < 12:
            expert.step()
            tip, pillar = world.tip_position(), world.pillar
            assert pillar is not None
            if expert.phase == "place" and abs(tip[1] - pillar[1]) < 0.02:
                passed = float(np.sign(tip[0] - pillar[0]))
                assert tip[2] - CUBE_SIZE / 2 < PILLAR_HEIGHT, "it goes round, not over"
        assert (seed, world.failure, world.success()) == (seed, "", True)
        sides.append(passed)
    assert {-1.0, 1.0} <= set(sides)


def test_the_expert_leaves_room_that_a_learned_policy_needs() -> None:
    world = TabletopWorld(scene=PILLAR)
    model, pillar = world.model, world.model.geom("pillar").id
    others = [
        i for i in range(model.ngeom) if model.geom_bodyid[i] != model.geom_bodyid[pillar] and _collides(model, i)
    ]
    others = [i for i in others if model.body(model.geom_bodyid[i]).name != "world"]
    for seed in range(6):
        world.reset(seed, "stack")
        expert = ScriptedExpert(world)
        while not expert.done and world.elapsed < 12:
            expert.step()
            gaps = [mujoco.mj_geomDistance(model, world.data, i, pillar, 0.2, None) for i in others]
            assert min(gaps) > 0.02, (seed, expert.phase)


def _collides(model: mujoco.MjModel, geom: int) -> bool:
    return bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def test_an_expert_that_takes_over_goes_the_shorter_way() -> None:
    world = TabletopWorld(scene=PILLAR)
    for seed in range(4):
        world.reset(seed, "stack")
        first = ScriptedExpert(world)
        while first.phase != "place":
            first.step()
        second = ScriptedExpert(world)
        second.resume()
        base, pillar = world.task.base, world.pillar
        assert base is not None
        assert pillar is not None
        wanted = shorter_side(world.tip_position()[:2], world.cube_pose(base)[:2], pillar)
        second.step()
        assert second._side == wanted
        while not second.done and world.elapsed < 12:
            second.step()
        assert world.success()


@pytest.mark.parametrize("seed", range(6))
def test_a_hasty_expert_spoils_what_the_other_achieves(seed: int) -> None:
    world = TabletopWorld(scene=FRAGILE)
    world.reset(seed, "stack")
    assert run_expert(world)
    assert world.failure == ""
    world.reset(seed, "stack")
    expert = HastyExpert(world)
    while not expert.done and not world.failure and world.elapsed < 12:
        expert.step()
    assert "was dropped" in world.failure


def test_haste_shows_only_above_the_goal() -> None:
    world = TabletopWorld(scene=FRAGILE)

    def commands(make: type[ScriptedExpert]) -> list[np.ndarray]:
        world.reset(1, "stack")
        expert = make(world)
        found = []
        while expert.phase in ("reach", "close", "lift"):
            found.append(expert.act())
            world.set_arm_target(found[-1][:-1])
            world.set_gripper_target(found[-1][-1])
            world.step(25)
        return found

    np.testing.assert_array_equal(commands(HastyExpert), commands(ScriptedExpert))


def hasty_of_one_scene(world: TabletopWorld, suite: Suite) -> list[bool]:
    """Who demonstrates a scene, by the colours of the task."""
    found = []
    for cube, base in permutations(CUBES, 2):
        world.reset(3, f"stack {cube} on {base}")
        found.append(isinstance(demonstrator(world, suite, 20.0), HastyExpert))
    return found


def test_the_side_does_not_follow_from_the_scene() -> None:
    world = TabletopWorld(scene=PILLAR)
    both = 0
    for seed in range(8):
        sides = set()
        for cube, base in permutations(CUBES, 2):
            world.reset(seed, f"stack {cube} on {base}")
            sides.add(ScriptedExpert(world)._side)
        both += sides == {-1, 1}
    # Six draws are all alike in 3 % of the scenes.
    assert both >= 6


def test_the_share_of_hasty_demonstrations_is_the_suites() -> None:
    world = TabletopWorld(scene=FRAGILE)
    mixed = find_suite("mixed")

    def hasty(suite: Suite | None, task: str) -> int:
        found = 0
        for seed in range(60):
            world.reset(seed, task)
            found += isinstance(demonstrator(world, suite, 20.0), HastyExpert)
        return found

    assert 20 <= hasty(mixed, "stack") <= 40
    assert len(set(hasty_of_one_scene(world, mixed))) > 1, "a scene does not tell who demonstrates"
    assert hasty(None, "stack") == hasty(replace(mixed, hasty=0.0), "stack") == hasty(mixed, "lift") == 0
