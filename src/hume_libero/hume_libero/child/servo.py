"""What follows joint commands in the simulator: a position servo for each joint."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

STIFFNESS = 2500.0
"""1/s^2. robosuite's JOINT_POSITION has 50 by default, and then lags 0.3 s behind. A real arm lags a few ms."""


class JointServo:
    """robosuite's JOINT_POSITION law with absolute goals, and with the velocity of the command fed forward.

    The torque is ``M (k (q* - q) + 2 sqrt(k) (v* - v)) + bias``, within the torques that robosuite's Panda has.

    Args:
        model, data: of the simulation.
        robot: robosuite's.
    """

    def __init__(self, model: Any, data: Any, robot: Any) -> None:
        self._model, self._data = model, data
        self._positions = np.asarray(robot._ref_joint_pos_indexes)
        self._velocities = np.asarray(robot._ref_joint_vel_indexes)
        self._motors = np.asarray(robot._ref_joint_actuator_indexes)
        self._fingers = np.asarray(robot._ref_joint_gripper_actuator_indexes)
        self._low, self._high = (np.asarray(limit) for limit in robot.torque_limits)
        self._mass = np.zeros((model.nv, model.nv))

    def run(self, position: NDArray[np.float64], velocity: NDArray[np.float64], gripper: float, steps: int) -> None:
        """Some physics steps. The goal goes on at its velocity. See `Worlds.joints`."""
        model, data = self._model, self._data
        ranges = model.actuator_ctrlrange[self._fingers]
        data.ctrl[self._fingers] = np.clip([gripper, -gripper], ranges[:, 0], ranges[:, 1])
        for step in range(steps):
            mujoco.mj_step1(model, data)
            goal = position + velocity * (step * model.opt.timestep)
            data.ctrl[self._motors] = np.clip(self._torques(goal, velocity), self._low, self._high)
            mujoco.mj_step2(model, data)

    def _torques(self, position: NDArray[np.float64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
        data = self._data
        mujoco.mj_fullM(self._model, data, self._mass)
        wanted = STIFFNESS * (position - data.qpos[self._positions])
        wanted += 2.0 * np.sqrt(STIFFNESS) * (velocity - data.qvel[self._velocities])
        inertia = self._mass[np.ix_(self._velocities, self._velocities)]
        return np.asarray(inertia @ wanted + data.qfrc_bias[self._velocities])
