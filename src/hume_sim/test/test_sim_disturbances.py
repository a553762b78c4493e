"""Disturbances: by seed alone, the same in a bare loop and on the physics thread, within what the arm can hold."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from hume_sim.arm import HOME
from hume_sim.disturbances import PERIOD, Disturbances
from hume_sim.pushes import LARGEST_SHARE, Hand, Nudge
from hume_sim.realtime import RealtimeWorld
from hume_sim.scene import CUBES
from hume_sim.suites import find_suite
from hume_sim.world import TabletopWorld

SEED, TASK = 4, "lift green"
HARD = find_suite("hard")
STEPS = 5


@pytest.fixture
def world() -> Iterator[TabletopWorld]:
    world = TabletopWorld()
    world.reset(SEED, TASK)
    yield world
    world.close()


def disturbed(world: TabletopWorld, disturbances: Disturbances, seconds: float) -> np.ndarray:
    """Positions of everything after each period."""
    track = []
    for _ in range(round(seconds / PERIOD)):
        disturbances.apply(world)
        world.step(STEPS)
        track.append(world.data.qpos.copy())
    return np.array(track)


def test_the_period_is_a_whole_number_of_physics_steps(world: TabletopWorld) -> None:
    assert pytest.approx(PERIOD) == STEPS * world.timestep


def test_the_seed_decides_everything(world: TabletopWorld) -> None:
    def track(seed: int) -> np.ndarray:
        world.reset(SEED, TASK)
        return disturbed(world, Disturbances(HARD, seed), 6.0)

    first = track(1)
    # The world's clock goes on from episode to episode, which moves due times by rounding errors alone.
    np.testing.assert_allclose(track(1), first, atol=1e-9)
    assert np.abs(track(2) - first).max() > 0.01


def test_the_physics_thread_does_what_a_bare_loop_does(world: TabletopWorld) -> None:
    first = disturbed(world, Disturbances(HARD, SEED), 6.5)
    other = TabletopWorld()
    other.reset(SEED, TASK)
    physics = RealtimeWorld(other, suite=HARD)
    physics._begin_task()
    track = []
    for _ in range(len(first)):
        for _ in range(STEPS):
            physics._step()
        track.append(physics.sample.qpos)
    np.testing.assert_allclose(np.array(track), first, atol=1e-9)


def test_nothing_happens_on_the_physics_thread_before_the_task_begins_and_after_a_reset(world: TabletopWorld) -> None:
    def undisturbed() -> bool:
        """Over 7 s in which all disturbances are due."""
        before = world.data.qpos.copy()
        for _ in range(round(7.0 / world.timestep)):
            physics._step()
        return bool(np.abs(world.data.qpos - before).max() < 1e-3)

    physics = RealtimeWorld(world, suite=HARD)
    assert undisturbed()
    physics._begin_task()
    assert not undisturbed()
    physics._reset(SEED, TASK)
    assert undisturbed()


def test_times_count_from_the_beginning_of_the_task(world: TabletopWorld) -> None:
    first = disturbed(world, Disturbances(replace(HARD, drift=0.0), SEED), 6.0)
    world.reset(SEED, TASK)
    world.step(500)
    later = disturbed(world, Disturbances(replace(HARD, drift=0.0), SEED, world.elapsed), 6.0)
    np.testing.assert_allclose(later, first, atol=1e-3)


def test_the_arm_alone_differs_between_hand_and_torque(world: TabletopWorld) -> None:
    hand = Disturbances(HARD, SEED)
    torque = Disturbances(find_suite("hard_torque"), SEED)
    assert all(isinstance(push, Hand) for push in hand._pushes)
    assert all(isinstance(push, Nudge) for push in torque._pushes)
    for name in ("_times", "_cubes", "_velocity", "_is_push"):
        assert np.array_equal(getattr(hand, name), getattr(torque, name))
    assert hand._drift is not None
    assert torque._drift is not None
    assert np.array_equal(hand._drift._way, torque._drift._way)


def test_a_hand_leaves_every_joint_a_part_of_its_strength(world: TabletopWorld) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        hand = Hand.draw(rng, 20.0)
        assert 5.0 <= np.linalg.norm(hand.force) <= 20.0
        assert (np.abs(hand.torques(world)) <= (LARGEST_SHARE + 1e-9) * world.holding_torques).all()


def test_a_push_is_a_force_times_its_lever(world: TabletopWorld) -> None:
    reach = world.tip_position()
    torques = world.torques_of("gripper_link", (0.093575, 0.0, 0.0), (0.0, 10.0, 0.0))
    assert torques[0] == pytest.approx(10.0 * reach[0])
    lifted = world.torques_of("gripper_link", (0.093575, 0.0, 0.0), (0.0, 0.0, 10.0))
    assert lifted[1] == pytest.approx(-10.0 * reach[0])
    assert lifted[0] == pytest.approx(0.0, abs=1e-9)


def test_a_hand_swells_and_fades_and_a_nudge_does_not() -> None:
    hand = Hand.draw(np.random.default_rng(0), 20.0)
    assert [hand.strength(share) for share in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 1.0, 0.0])
    assert [Nudge(np.zeros(6)).strength(share) for share in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]


def test_the_arm_comes_back_from_a_hand(world: TabletopWorld) -> None:
    disturbed(world, Disturbances(replace(HARD, disturbances=20), SEED), 7.0)
    assert np.abs(world.joint_state().position[:6] - HOME).max() < 0.01
    assert not world.data.qfrc_applied.any()


def test_the_first_call_takes_off_what_another_episode_left(world: TabletopWorld) -> None:
    world.push_arm(np.ones(6))
    Disturbances(replace(HARD, disturbances=0, drift=0.0), SEED).apply(world)
    assert not world.data.qfrc_applied.any()


def test_cubes_drift_to_and_fro_but_not_while_held(world: TabletopWorld) -> None:
    disturbances = Disturbances(replace(HARD, disturbances=0), SEED)
    start = {cube: world.cube_pose(cube)[:2] for cube in CUBES}
    farthest = dict.fromkeys(CUBES, 0.0)
    while world.elapsed < HARD.drift_period:
        disturbances.apply(world)
        world.step(STEPS)
        for cube in CUBES:
            farthest[cube] = max(farthest[cube], float(np.linalg.norm(world.cube_pose(cube)[:2] - start[cube])))
    for cube in CUBES:
        assert HARD.drift <= farthest[cube] < 2.2 * HARD.drift
        assert np.linalg.norm(world.cube_pose(cube)[:2] - start[cube]) < 0.3 * HARD.drift
    world.place_cube("red", world.tip_position())
    held = world.cube_pose("red")
    disturbances.apply(world)
    assert np.array_equal(world.cube_pose("red"), held)


def test_skipped_disturbances_do_not_come_later(world: TabletopWorld) -> None:
    disturbances = Disturbances(replace(HARD, drift=0.0), SEED)
    disturbances.skip_until(6.1)
    before = world.get_state()
    world.data.time += 7.0
    disturbances.apply(world)
    assert np.array_equal(world.get_state().physics[1:], before.physics[1:])
