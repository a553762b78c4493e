"""The profile of the simulated arm asks no more of the servos than they can do."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from hume_core.robot import RobotProfile
from hume_sim.arm import ARM_JOINTS
from hume_sim.world import TabletopWorld

PROFILE = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots" / "wx250s_sim.yaml"


def test_accelerations_are_half_of_what_the_servos_can_do_in_the_worst_pose() -> None:
    world = TabletopWorld(16, 16)
    model, data = world.model, world.data
    low, high = model.actuator_ctrlrange[: len(ARM_JOINTS)].T
    places = [model.joint(name).qposadr[0] for name in ARM_JOINTS]
    degrees = [model.joint(name).dofadr[0] for name in ARM_JOINTS]
    inertia = np.zeros((model.nv, model.nv))
    least = np.full(len(ARM_JOINTS), np.inf)
    rng = np.random.default_rng(0)
    for _ in range(2000):
        data.qpos[places] = rng.uniform(low, high)
        mujoco.mj_forward(model, data)
        mujoco.mj_fullM(model, data, inertia)
        left = world.holding_torques - np.abs(data.qfrc_gravcomp[degrees])
        least = np.minimum(least, left / np.diag(inertia)[degrees])
    asked = RobotProfile.load(PROFILE).motion_limits().acceleration
    assert (asked <= 0.5 * least).all()
    assert (asked > 0.4 * least).all()
