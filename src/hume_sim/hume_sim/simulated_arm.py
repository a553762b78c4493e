"""One arm of a scene: where its numbers stand in the model, and what acts on it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hume_sim.arm import ARM_JOINTS, GRIPPER_OPEN, HOME, JOINT_NAMES, ArmNames, checked_positions
from hume_sim.rendering import compute_for_rendering


class SimulatedArm:
    """Reads and loads an arm. It keeps no state: that is in MuJoCo's data.

    Args:
        model: of the scene.
        names: of the arm.

    Attributes:
        names: of the arm.
        qpos, qvel: where its joints (7,) stand in MuJoCo's positions and velocities: arm joints, then the finger.
        places: of its targets (7,) among those of all arms. The scene's actuators have the same order.
    """

    def __init__(self, model: mujoco.MjModel, names: ArmNames) -> None:
        self.names, self._model = names, model
        joints = [model.joint(names.in_model(name)) for name in JOINT_NAMES]
        self.qpos = np.array([joint.qposadr[0] for joint in joints])
        self.qvel = np.array([joint.dofadr[0] for joint in joints])
        self._other_finger = model.joint(names.in_model("right_finger")).qposadr[0]
        self._tip = names.in_model("gripper_tip")
        first = model.actuator(names.in_model(ARM_JOINTS[0])).id
        self.places = slice(first, first + len(JOINT_NAMES))
        self._ranges = model.actuator_ctrlrange[self.places]
        self.holding_torques = np.array([model.jnt_actfrcrange[model.joint(name).id, 1] for name in names.joints])
        """The most that its servos (6,) can hold, N m."""

    def go_home(self, data: mujoco.MjData) -> None:
        """Stand at home with an open gripper."""
        data.qpos[self.qpos] = (*HOME, GRIPPER_OPEN)
        data.qpos[self._other_finger] = -GRIPPER_OPEN

    def checked(self, part: slice, values: ArrayLike) -> NDArray[np.float64]:
        """Positions of some of its joints, clipped to their ranges.

        Raises:
            ActionSpaceError: wrong size or a number that is not finite.
        """
        low, high = self._ranges[part].T
        positions: NDArray[np.float64] = np.clip(checked_positions(values, self.names.reported[part]), low, high)
        return positions

    def push(self, data: mujoco.MjData, torque: ArrayLike) -> None:
        """Load its joints with outside torques (6,), N m, from now on."""
        data.qfrc_applied[self.qvel[:-1]] = torque

    def torques_of(self, data: mujoco.MjData, link: str, place: ArrayLike, force: ArrayLike) -> NDArray[np.float64]:
        """What a force on a link puts on its joints (6,), N m. See `TabletopWorld.torques_of`."""
        compute_for_rendering(self._model, data)
        body = data.body(self.names.in_model(link))
        point = body.xpos + body.xmat.reshape(3, 3) @ np.asarray(place)
        jacobian = np.zeros((3, self._model.nv))
        mujoco.mj_jac(self._model, data, jacobian, None, point, body.id)
        torques: NDArray[np.float64] = jacobian[:, self.qvel[:-1]].T @ np.asarray(force)
        return torques

    def tip(self, data: mujoco.MjData) -> NDArray[np.float64]:
        """Position (3,) of its gripper's tip in the world, m, by the kinematics computed last."""
        return np.array(data.site(self._tip).xpos)
