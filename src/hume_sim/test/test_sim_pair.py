"""Two arms at the table: both are the arm that is alone, each has its own commands, and they do not pass each other."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

import hume_sim.scene
from hume_core.errors import ActionSpaceError
from hume_sim.arm import ARM_JOINTS, GRIPPER_CLOSED, GRIPPER_OPEN, HOME, ONE_ARM, TWO_ARMS, cameras_of
from hume_sim.arm_drive import ArmDrive
from hume_sim.disturbances import PERIOD, Disturbances
from hume_sim.fault_names import FAULTS, faults_of
from hume_sim.rendering import CAMERAS, check_camera
from hume_sim.scene import PAIR, load_model
from hume_sim.suites import find_suite
from hume_sim.trajectory import JointTrajectory
from hume_sim.world import TabletopWorld

LEFT, RIGHT = 0, 1
TARGET = HOME + np.array([0.3, 0.1, -0.1, 0.2, -0.2, 0.3])


@pytest.fixture
def world() -> TabletopWorld:
    made = TabletopWorld(scene=PAIR)
    made.reset(3, "lift red")
    return made


def arm_of(world: TabletopWorld, arm: int) -> np.ndarray:
    """Measured arm joints (6,)."""
    return world.joint_state().of(TWO_ARMS[arm].joints).position


def test_each_arm_has_the_numbers_of_the_one_that_is_alone() -> None:
    pair, one = load_model(PAIR), load_model()
    for names in TWO_ARMS:
        for i in range(one.nu):
            alone, same = one.actuator(i), pair.actuator(names.in_model(one.actuator(i).name))
            for field in ("gainprm", "biasprm", "ctrlrange", "forcerange"):
                np.testing.assert_array_equal(getattr(same, field), getattr(alone, field), err_msg=alone.name)
        for name in (*ARM_JOINTS, "left_finger", "right_finger"):
            alone, same = one.joint(name), pair.joint(names.in_model(name))
            for field in ("range", "armature", "damping", "frictionloss", "axis", "pos"):
                np.testing.assert_array_equal(getattr(same, field), getattr(alone, field), err_msg=name)
            alone, same = one.body(alone.bodyid[0]), pair.body(same.bodyid[0])
            np.testing.assert_array_equal([*same.mass, *same.inertia], [*alone.mass, *alone.inertia], err_msg=name)
    for field in ("timestep", "integrator", "cone", "impratio"):
        assert getattr(pair.opt, field) == getattr(one.opt, field), field


@pytest.mark.parametrize(("included", "scene"), [("wx250s.xml", "plain"), ("table.xml", "pillar")])
def test_the_scenes_with_one_arm_are_made_of_the_same_files(included: str, scene: str) -> None:
    assets = Path(hume_sim.scene.__file__).parent / "assets"
    assert included in (assets / "tabletop.xml").read_text(encoding="utf-8")
    assert load_model(scene).body("base_link").pos.tolist() == [0.0, 0.0, 0.0]


def test_joint_states_have_both_arms_left_first(world: TabletopWorld) -> None:
    state = world.joint_state()
    assert state.names == (*TWO_ARMS[LEFT].reported, *TWO_ARMS[RIGHT].reported)
    assert (state.names[6], state.names[13]) == ("left_gripper", "right_gripper")
    np.testing.assert_allclose(state.position, [*HOME, GRIPPER_OPEN] * 2, atol=2e-3)
    left, right = world.tip_positions()
    np.testing.assert_allclose(left - right, [0.0, 0.44, 0.0], atol=1e-3)


@pytest.mark.parametrize("moved", [LEFT, RIGHT])
def test_a_command_moves_its_own_arm_and_gripper(world: TabletopWorld, moved: int) -> None:
    world.set_arm_target(TARGET, moved)
    world.set_gripper_target(GRIPPER_CLOSED, moved)
    world.step(600)
    np.testing.assert_allclose(arm_of(world, moved), TARGET, atol=0.01)
    np.testing.assert_allclose(arm_of(world, 1 - moved), HOME, atol=0.01)
    fingers = [world.joint_state().of([names.finger]).position[0] for names in TWO_ARMS]
    assert fingers[moved] == pytest.approx(GRIPPER_CLOSED, abs=1e-3)
    assert fingers[1 - moved] == pytest.approx(GRIPPER_OPEN, abs=1e-3)


def test_a_bad_command_names_the_joints_of_its_arm(world: TabletopWorld) -> None:
    before = world.target
    with pytest.raises(ActionSpaceError, match="right_waist"):
        world.set_arm_target([0.1] * 5, RIGHT)
    with pytest.raises(ActionSpaceError, match="right_gripper"):
        world.set_gripper_target(float("nan"), RIGHT)
    np.testing.assert_array_equal(world.target, before)


def test_each_arm_plays_its_own_trajectory(world: TabletopWorld) -> None:
    drives = [ArmDrive(arm, world.timestep, False, lambda: world.time) for arm in (LEFT, RIGHT)]
    ends = [HOME + 0.2, HOME - 0.1]
    for drive, end in zip(drives, ends, strict=True):
        drive.follow(JointTrajectory(np.array([0.5]), end[None]), None)
        drive.grip(0.02)
    for _ in range(500):
        joints = world.joint_state()
        for drive in drives:
            drive.apply(world, joints)
        world.step()
    for arm, end in enumerate(ends):
        np.testing.assert_allclose(arm_of(world, arm), end, atol=0.02)
        assert world.target[7 * arm + 6] == 0.02


def test_the_arms_cannot_pass_through_each_other(world: TabletopWorld) -> None:
    owner = {world.model.body(names.in_model("base_link")).id: names.side for names in TWO_ARMS}
    across = [1.1, 0.3, 0.3, 0.0, 1.0, 0.0]
    world.set_arm_target([-across[0], *across[1:]], LEFT)
    world.set_arm_target(across, RIGHT)
    touched = False
    for _ in range(600):
        world.step()
        roots = world.model.body_rootid[world.model.geom_bodyid[world.data.contact.geom]]
        pairs = [{owner.get(int(root), "") for root in pair} for pair in roots]
        assert {"left"} not in pairs, "no arm touches itself"
        assert {"right"} not in pairs, "no arm touches itself"
        touched = touched or {"left", "right"} in pairs
    assert touched


@pytest.mark.parametrize("arm", [LEFT, RIGHT])
def test_either_arm_may_lift_the_cube(world: TabletopWorld, arm: int) -> None:
    assert not world.success()
    world.place_cube("red", world.tip_positions()[arm])
    assert world.success()
    np.testing.assert_array_equal(world.tip_position(), world.tip_positions()[arm])


def test_runs_and_snapshots_repeat_bit_by_bit(world: TabletopWorld) -> None:
    world.set_arm_target(TARGET, RIGHT)
    world.step(50)
    state, other = world.get_state(), TabletopWorld(scene=PAIR)
    other.set_state(state)
    for each in (world, other):
        each.step(50)
    np.testing.assert_array_equal(world.data.qpos, other.data.qpos)
    np.testing.assert_array_equal(world.joint_state().effort, other.joint_state().effort)


def test_pushes_meet_either_arm_and_end(world: TabletopWorld) -> None:
    pushed = {LEFT: 0, RIGHT: 0}
    for seed in range(3):
        world.reset(seed, "stack")
        disturbances = Disturbances(find_suite("hard"), seed)
        for _ in range(round(6.5 / PERIOD)):
            disturbances.apply(world)
            for arm, part in enumerate(world.arms):
                pushed[arm] += bool(world.data.qfrc_applied[part.qvel].any())
            world.step(round(PERIOD / world.timestep))
        assert not world.data.qfrc_applied.any()
    assert min(pushed.values()) > 0


def test_a_push_is_felt_as_by_the_arm_that_is_alone(world: TabletopWorld) -> None:
    alone = TabletopWorld()
    force = ("gripper_link", (0.05, 0.0, 0.0), (3.0, -8.0, 5.0))
    for arm in (LEFT, RIGHT):
        np.testing.assert_allclose(world.torques_of(*force, arm), alone.torques_of(*force), atol=1e-2)
    world.push_arm(np.full(6, 2.0), RIGHT)
    world.step(20)
    assert np.abs(arm_of(world, RIGHT) - HOME).max() > 10 * np.abs(arm_of(world, LEFT) - HOME).max()


def test_cameras_and_faults_are_those_of_both_arms(world: TabletopWorld) -> None:
    assert cameras_of(ONE_ARM) == CAMERAS == ("scene", "wrist")
    for camera in cameras_of(TWO_ARMS):
        check_camera(world.model, camera)
    assert faults_of(ONE_ARM) == FAULTS
    assert set(faults_of(TWO_ARMS)) - set(FAULTS) == {
        f"{side}_{name}" for side in ("left", "right") for name in ("pause_joint_states", "lie_joint_states")
    }
    assert mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_CAMERA, "wrist") < 0


def test_states_of_some_joints_and_of_lying_ones(world: TabletopWorld) -> None:
    state = world.joint_state()
    right = state.of(TWO_ARMS[RIGHT].reported)
    np.testing.assert_array_equal(right.position, state.position[7:])
    np.testing.assert_array_equal(right.effort, state.effort[7:])
    lies = state.shifted(TWO_ARMS[LEFT].joints, 0.3)
    np.testing.assert_allclose(lies.position - state.position, [0.3] * 6 + [0.0] * 8, atol=1e-12)
    np.testing.assert_array_equal(lies.velocity, state.velocity)
