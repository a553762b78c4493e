"""The scripted expert proves that the world can be acted in."""

import numpy as np
import pytest

from hume_sim.arm import GRIPPER_CLOSED
from hume_sim.expert import ScriptedExpert, run_expert
from hume_sim.world import TabletopWorld


@pytest.fixture
def world() -> TabletopWorld:
    return TabletopWorld()


@pytest.mark.parametrize("kind", ["lift", "stack"])
def test_succeeds_on_seeded_episodes(world: TabletopWorld, kind: str) -> None:
    failed = []
    for seed in range(8):
        world.reset(seed, kind)
        if not run_expert(world):
            failed.append(seed)
    assert failed == []


def test_friction_holds_a_lifted_cube(world: TabletopWorld) -> None:
    world.reset(1, "lift red")
    assert run_expert(world)
    grip = world.cube_pose("red")[:3] - world.tip_position()
    world.step(2500)
    np.testing.assert_allclose(world.cube_pose("red")[:3] - world.tip_position(), grip, atol=1e-3)
    assert world.finger_position() > GRIPPER_CLOSED + 0.003, "the cube keeps the fingers apart"
    world.set_gripper_target(0.037)
    world.step(500)
    assert world.cube_pose("red")[2] < 0.03, "an open gripper drops it"


def test_follows_a_cube_that_is_moved(world: TabletopWorld) -> None:
    world.reset(2, "lift green")
    expert = ScriptedExpert(world)
    while not expert.done and world.elapsed < 10:
        if world.tip_position()[2] < 0.06 and world.elapsed < 1.5:
            world.place_cube("green", [0.28, -0.13, 0.02], 0.3)
        expert.step()
    assert world.success()


def test_starts_over_after_losing_the_cube(world: TabletopWorld) -> None:
    world.reset(3, "stack")
    expert = ScriptedExpert(world)
    phases = []
    while not expert.done and world.elapsed < 15:
        if expert.phase == "place" and phases.count("place") == 3:
            world.place_cube(world.task.cube, [0.27, 0.0, 0.02])
        phases.append(expert.phase)
        expert.step()
    assert "reach" in phases[phases.index("place") :]
    assert world.success()


def test_commands_are_smooth(world: TabletopWorld) -> None:
    world.reset(4, "lift")
    expert = ScriptedExpert(world)
    previous = world.target
    while not expert.done:
        command = expert.act()
        assert np.abs(command[:6] - previous[:6]).max() < 0.15, "below 3 rad/s at 20 Hz"
        world.set_arm_target(command[:6])
        world.set_gripper_target(command[6])
        world.step(25)
        previous = world.target


def _until(expert: ScriptedExpert, world: TabletopWorld, phase: str) -> None:
    while expert.phase != phase:
        expert.step()


@pytest.mark.parametrize("phase", ["reach", "close", "lift", "place", "open", "retreat"])
def test_takes_over_where_another_expert_stopped(world: TabletopWorld, phase: str) -> None:
    world.reset(3, "stack red on blue")
    _until(ScriptedExpert(world), world, phase)
    held = phase in ("lift", "place")
    successor = ScriptedExpert(world)
    successor.resume()
    while not successor.done and world.elapsed < 15:
        assert not held or successor.phase != "reach", "a held cube is not let go"
        successor.step()
    assert world.success()


@pytest.mark.parametrize("angle", [0.0, 1.5, 3.0, 4.5])
def test_corrects_a_small_offset_without_going_up_again(world: TabletopWorld, angle: float) -> None:
    world.reset(5, "lift red")
    expert = ScriptedExpert(world)
    while world.tip_position()[2] > 0.055:
        expert.step()
    x, y, z = world.cube_pose("red")[:3]
    world.place_cube("red", [x + 0.012 * np.cos(angle), y + 0.012 * np.sin(angle), z])
    successor = ScriptedExpert(world)
    successor.resume()
    heights = []
    while successor.phase != "lift" and world.elapsed < 10:
        heights.append(world.tip_position()[2])
        successor.step()
    assert max(heights) < 0.09, "no need to rise to travel height"
    while not successor.done and world.elapsed < 10:
        successor.step()
    assert world.success()
