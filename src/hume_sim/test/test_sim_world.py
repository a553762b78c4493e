"""The world: commands, determinism, snapshots, resets."""

import numpy as np
import pytest

from hume_core.errors import ActionSpaceError, ConfigError
from hume_sim.arm import ARM_VELOCITY, GRIPPER_CLOSED, GRIPPER_OPEN, HOME, JOINT_NAMES
from hume_sim.scene import CLEARANCE, CUBES, WORKSPACE
from hume_sim.world import TabletopWorld

POSTURE = HOME + np.array([0.5, 0.2, -0.2, 0.3, -0.4, 0.6])


@pytest.fixture
def world() -> TabletopWorld:
    return TabletopWorld()


def run(world: TabletopWorld, seed: int) -> np.ndarray:
    world.reset(seed)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        world.set_arm_target(HOME + rng.normal(size=6) * 0.3)
        world.set_gripper_target(rng.uniform(GRIPPER_CLOSED, GRIPPER_OPEN))
        world.step(25)
    return world.data.qpos.copy()


def test_same_seed_same_future(world: TabletopWorld) -> None:
    first = run(world, 3)
    np.testing.assert_array_equal(run(world, 3), first)
    np.testing.assert_array_equal(run(TabletopWorld(), 3), first)


def test_other_seed_other_scene(world: TabletopWorld) -> None:
    world.reset(1, "lift red")
    first = world.cube_pose("red")
    world.reset(2, "lift red")
    assert np.abs(world.cube_pose("red") - first).max() > 1e-3


def test_scene_does_not_depend_on_the_task(world: TabletopWorld) -> None:
    world.reset(1, "lift red")
    places = [world.cube_pose(cube) for cube in CUBES]
    world.reset(1, "stack")
    np.testing.assert_array_equal([world.cube_pose(cube) for cube in CUBES], places)


def test_snapshot_repeats_the_future_in_another_world(world: TabletopWorld) -> None:
    world.reset(5, "stack red on blue")
    world.set_arm_target(POSTURE)
    world.set_gripper_target(GRIPPER_CLOSED)
    world.step(100)
    snapshot, effort = world.get_state(), world.joint_state().effort
    world.step(200)
    future = world.data.qpos.copy()
    other = TabletopWorld()
    for copy in (world, other):
        copy.set_state(snapshot)
        assert (copy.seed, str(copy.task), copy.instruction) == (5, "stack red on blue", world.instruction)
        np.testing.assert_array_equal(copy.joint_state().effort, effort)
        copy.tip_position(), copy.success()
        copy.step(200)
        np.testing.assert_array_equal(copy.data.qpos, future)


def test_cubes_start_apart_inside_the_workspace_and_at_rest(world: TabletopWorld) -> None:
    for seed in range(20):
        world.reset(seed)
        places = np.array([world.cube_pose(cube)[:3] for cube in CUBES])
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)[np.triu_indices(3, 1)]
        assert gaps.min() > CLEARANCE - 1e-3
        for axis, (low, high) in enumerate(WORKSPACE):
            assert (places[:, axis] > low - 1e-3).all()
            assert (places[:, axis] < high + 1e-3).all()
        np.testing.assert_allclose(places[:, 2], 0.02, atol=1e-3)
        assert max(world.cube_speed(cube) for cube in CUBES) < 0.01


def test_reset_brings_the_arm_home(world: TabletopWorld) -> None:
    world.set_arm_target(POSTURE)
    world.step(500)
    time = world.time
    world.reset(0)
    np.testing.assert_allclose(world.joint_state().position, [*HOME, GRIPPER_OPEN], atol=1e-3)
    np.testing.assert_array_equal(world.target, [*HOME, GRIPPER_OPEN])
    assert world.elapsed == 0.0
    assert world.time == time


def test_servos_hold_a_posture_within_a_tenth_of_a_degree(world: TabletopWorld) -> None:
    world.set_arm_target(POSTURE)
    world.step(1500)
    state = world.joint_state()
    assert state.names == JOINT_NAMES
    assert np.degrees(np.abs(state.position[:6] - POSTURE)).max() < 0.1
    assert np.abs(state.velocity).max() < 0.01
    assert abs(state.effort[1]) > 0.3, "the shoulder carries the arm's weight"


def test_servos_follow_a_moving_command_within_a_degree_and_a_half(world: TabletopWorld) -> None:
    worst = 0.0
    for tick in range(400):
        command = HOME + 0.25 * np.sin(2 * np.pi * 0.4 * tick * 0.01)
        world.set_arm_target(command)
        world.step(5)
        worst = max(worst, float(np.abs(world.joint_state().position[:6] - command).max()))
    assert np.degrees(worst) < 1.5


def test_servo_speed_is_limited(world: TabletopWorld) -> None:
    world.set_arm_target(HOME + np.array([2.0, 0, 0, 0, 0, 2.0]))
    fastest = 0.0
    for _ in range(300):
        world.step()
        fastest = max(fastest, float(np.abs(world.joint_state().velocity[:6]).max()))
    assert 0.9 * ARM_VELOCITY < fastest < 1.1 * ARM_VELOCITY


def test_fingers_move_together(world: TabletopWorld) -> None:
    world.set_gripper_target(GRIPPER_CLOSED)
    world.step(500)
    right = world.data.qpos[world.model.joint("right_finger").qposadr[0]]
    assert world.finger_position() == pytest.approx(GRIPPER_CLOSED, abs=2e-4)
    assert right == pytest.approx(-GRIPPER_CLOSED, abs=2e-4)


def test_commands_are_clipped_to_the_joint_limits(world: TabletopWorld) -> None:
    world.set_arm_target([0, -9, 9, 0, 0, 0])
    world.set_gripper_target(1.0)
    assert world.target[1] == pytest.approx(np.radians(-108), abs=1e-6)
    assert world.target[2] == pytest.approx(np.radians(92), abs=1e-6)
    assert world.target[6] == GRIPPER_OPEN


@pytest.mark.parametrize("bad", [[0.0] * 5, [0.0] * 7, [0, 0, np.nan, 0, 0, 0], [np.inf] * 6])
def test_bad_arm_commands_change_nothing(world: TabletopWorld, bad: list[float]) -> None:
    before = world.target
    with pytest.raises(ActionSpaceError, match="waist"):
        world.set_arm_target(bad)
    with pytest.raises(ActionSpaceError, match="left_finger"):
        world.set_gripper_target(float("nan"))
    np.testing.assert_array_equal(world.target, before)


def test_bad_resets_change_nothing(world: TabletopWorld) -> None:
    world.reset(4, "lift blue")
    before = world.get_state()
    for seed, task in ((-1, None), (0, "juggle")):
        with pytest.raises(ConfigError):
            world.reset(seed, task)
    np.testing.assert_array_equal(world.get_state().physics, before.physics)
    assert (world.seed, str(world.task)) == (4, "lift blue")


def test_pushed_cube_slides_and_stops(world: TabletopWorld) -> None:
    world.reset(0)
    before = world.cube_pose("red")
    world.push_cube("red", [0.5, 0.0, 0.0])
    world.step(500)
    moved = world.cube_pose("red") - before
    assert 0.005 < moved[0] < 0.03
    assert world.cube_speed("red") < 0.01


def test_pushed_arm_gives_way_and_comes_back(world: TabletopWorld) -> None:
    world.push_arm([8.0, 0, 0, 0, 0, 0])
    world.step(500)
    assert 0.005 < world.joint_state().position[0] < 0.1
    world.push_arm(np.zeros(6))
    world.step(500)
    assert abs(world.joint_state().position[0]) < 1e-3


def test_arm_weighs_what_the_urdf_says(world: TabletopWorld) -> None:
    urdf = 0.538736 + 0.480879 + 0.430811 + 0.234589 + 0.220991 + 0.084957 + 0.072885 + 0.00434 + 0.034199
    assert world.model.body("base_link").subtreemass[0] == pytest.approx(urdf + 2 * 0.016246)
