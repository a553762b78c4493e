"""Scenes with a rule: where things stand, what ends an episode, and what snapshots keep of it."""

from __future__ import annotations

import numpy as np
import pytest

from hume_core.errors import ConfigError
from hume_sim.arm import GRIPPER_OPEN
from hume_sim.expert import ScriptedExpert
from hume_sim.scene import (
    CLEARANCE,
    CUBE_SIZE,
    CUBES,
    FRAGILE,
    PILLAR,
    PILLAR_HEIGHT,
    PLAIN,
    SCENES,
    WORKSPACE,
    load_model,
    object_names,
    random_layout,
    random_places,
)  # fmt: skip
from hume_sim.suites import find_suite
from hume_sim.world import TabletopWorld


@pytest.fixture(scope="module")
def pillar_world() -> TabletopWorld:
    return TabletopWorld(scene=PILLAR)


@pytest.fixture(scope="module")
def fragile_world() -> TabletopWorld:
    return TabletopWorld(scene=FRAGILE)


@pytest.mark.parametrize("named", [("red", "blue"), ("blue", "green"), ("green",)])
def test_the_pillar_stands_between_the_cube_and_its_goal(named: tuple[str, ...]) -> None:
    low, high = np.array(WORKSPACE).T
    sides = set()
    for seed in range(60):
        layout = random_layout(PILLAR, np.random.default_rng(seed), named)
        assert layout.pillar is not None
        order = [*named, *(cube for cube in CUBES if cube not in named)]
        cube, goal = (layout.cubes[CUBES.index(name), :2] for name in order[:2])
        way, to = goal - cube, layout.pillar - cube
        length = float(np.linalg.norm(way))
        beside = (way[0] * to[1] - way[1] * to[0]) / length
        assert 0.015 <= abs(beside) <= 0.035
        assert 0.1 < float(way @ to) / length < length - 0.1
        sides.add(np.sign(beside))
        things = np.vstack([layout.cubes[:, :2], layout.pillar])
        gaps = np.linalg.norm(things[:, None] - things[None], axis=-1) + np.eye(4)
        assert gaps.min() >= CLEARANCE
        assert (layout.cubes[:, :2] >= low).all()
        assert (layout.cubes[:, :2] <= high).all()
    assert sides == {-1.0, 1.0}


@pytest.mark.parametrize("scene", [PLAIN, FRAGILE])
def test_other_scenes_are_the_plain_table(scene: str) -> None:
    layout = random_layout(scene, np.random.default_rng(3), ("red", "blue"))
    assert layout.pillar is None
    np.testing.assert_array_equal(layout.cubes, random_places(np.random.default_rng(3)))
    assert load_model(scene).nq == load_model().nq
    assert object_names(scene) == CUBES


def test_an_unknown_scene_is_refused() -> None:
    with pytest.raises(ConfigError, match="scene 'moon' is unknown; valid: plain, pillar, fragile"):
        load_model("moon")


def test_every_suite_has_a_scene_and_its_place_is_that_of_the_seed(pillar_world: TabletopWorld) -> None:
    assert {find_suite(name).scene for name in ("lift", "stack", "hard")} == {PLAIN}
    assert find_suite("detour").scene in SCENES
    pillar_world.reset(5, "stack red on blue")
    first = pillar_world.objects()
    pillar_world.reset(6, "stack red on blue")
    assert not np.allclose(pillar_world.objects()[PILLAR], first[PILLAR])
    pillar_world.reset(5, "stack red on blue")
    assert tuple(pillar_world.objects()) == object_names(PILLAR)
    for name, place in first.items():
        np.testing.assert_array_equal(pillar_world.objects()[name], place)


@pytest.mark.parametrize("camera", ["scene", "wrist"])
def test_the_cameras_see_the_pillar(pillar_world: TabletopWorld, camera: str) -> None:
    pillar_world.reset(0, "stack")
    here = pillar_world.render(camera).astype(int)
    place = pillar_world.data.qpos[-2:].copy()
    pillar_world.data.qpos[-2:] = 5.0
    away = pillar_world.render(camera).astype(int)
    pillar_world.data.qpos[-2:] = place
    assert (np.abs(here - away).max(axis=-1) > 40).sum() > 60
    pillar_world.close()


def test_touching_the_pillar_ends_the_episode_for_good(
    pillar_world: TabletopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedExpert, "_way", lambda expert, here, goal: goal - here)
    pillar_world.reset(1, "stack")
    expert = ScriptedExpert(pillar_world)
    while not pillar_world.failure and pillar_world.elapsed < 8:
        expert.step()
    assert pillar_world.tip_position()[2] - CUBE_SIZE / 2 < PILLAR_HEIGHT
    assert expert.phase == "place"
    assert pillar_world.failure == "the pillar was touched"
    task = pillar_world.task
    assert task.base is not None
    pillar_world.data.qpos[-2:] = 5.0
    pillar_world.set_gripper_target(GRIPPER_OPEN)
    pillar_world.step(400)
    pillar_world.place_cube(task.cube, pillar_world.cube_pose(task.base)[:3] + np.array([0.0, 0.0, CUBE_SIZE]))
    assert task.success(pillar_world)
    assert not pillar_world.success()
    pillar_world.reset(1, "stack")
    assert pillar_world.failure == ""


def test_a_snapshot_keeps_what_has_failed_and_where_things_stand(
    pillar_world: TabletopWorld, fragile_world: TabletopWorld
) -> None:
    other = TabletopWorld(scene=FRAGILE)
    fragile_world.reset(2, "stack red on blue")
    before = fragile_world.get_state()
    fragile_world.place_cube("green", fragile_world.cube_pose("green")[:3] + np.array([0.05, 0.0, 0.0]))
    fragile_world.step(5)
    assert fragile_world.failure == "the green cube was knocked away"
    other.set_state(fragile_world.get_state())
    assert other.failure == fragile_world.failure
    other.set_state(before)
    assert other.failure == ""
    other.step(5)
    assert other.failure == "", "the cubes stand where they stood in the snapshot's episode, not in this world's"
    pillar_world.reset(4, "stack")
    copy = TabletopWorld(scene=PILLAR)
    copy.set_state(pillar_world.get_state())
    assert copy.pillar is not None
    np.testing.assert_array_equal(copy.pillar, pillar_world.pillar)


@pytest.mark.parametrize(("height", "failure"), [(0.004, ""), (0.03, "the red cube was dropped")])
def test_a_cube_may_be_set_down_but_not_dropped(fragile_world: TabletopWorld, height: float, failure: str) -> None:
    fragile_world.reset(3, "stack red on blue")
    fragile_world.place_cube("red", fragile_world.cube_pose("red")[:3] + np.array([0.0, 0.0, height]))
    fragile_world.step(150)
    assert fragile_world.failure == failure


@pytest.mark.parametrize(
    ("cube", "shift", "failure"),
    [
        ("blue", 0.015, ""),
        ("blue", 0.03, "the blue cube was knocked away"),
        ("green", 0.03, "the green cube was knocked away"),
        ("red", 0.05, ""),
    ],
)
def test_only_the_cube_to_move_may_be_shifted_far(
    fragile_world: TabletopWorld, cube: str, shift: float, failure: str
) -> None:
    fragile_world.reset(7, "stack red on blue")
    place = fragile_world.cube_pose(cube)[:3]
    away = place[:2] - np.mean([fragile_world.cube_pose(other)[:2] for other in CUBES], axis=0)
    fragile_world.place_cube(cube, place + np.append(shift * away / np.linalg.norm(away), 0.0))
    fragile_world.step(5)
    assert fragile_world.failure == failure
