"""Forward and inverse kinematics of the arm on the MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hume_sim.arm import ARM_JOINTS

_DAMPING = 1e-3
_MAX_STEP = 0.2
"""Largest joint change of one iteration, rad: keeps the linearisation honest."""


@dataclass(frozen=True)
class SitePose:
    """Pose of the gripper tip in the base frame: position (3,) in m, rotation (3, 3)."""

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]


@dataclass(frozen=True)
class IkResult:
    """Joint positions (6,), rad, the pose error that is left (m, rad), and whether it is within tolerance."""

    joints: NDArray[np.float64]
    position_error: float
    rotation_error: float
    converged: bool


def downward(yaw: float) -> NDArray[np.float64]:
    """Tip rotation (3, 3) that points straight down (x), fingers opening along y, turned by yaw about z.

    At yaw 0 the gripper's camera side looks away from the base.
    """
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[0.0, -s, c], [0.0, c, s], [-1.0, 0.0, 0.0]])


class ArmKinematics:
    """Kinematics with a scratch state of its own: never touches the simulation.

    Args:
        model: a compiled scene with the arm in it.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = model.site("gripper_tip").id
        joints = [model.joint(name) for name in ARM_JOINTS]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self.lower, self.upper = np.array([joint.range for joint in joints]).T
        self._jacobian = np.zeros((6, model.nv))

    def forward(self, joints: ArrayLike) -> SitePose:
        """Tip pose at arm joint positions (6,), rad."""
        self._data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(self._model, self._data)
        site = self._data.site(self._site)
        return SitePose(site.xpos.copy(), site.xmat.reshape(3, 3).copy())

    def jacobian(self, joints: ArrayLike) -> NDArray[np.float64]:
        """Jacobian (6, 6) in the base frame: rows linear m/rad, then angular rad/rad."""
        self.forward(joints)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)
        return self._jacobian[:, self._dofs]

    def inverse(
        self,
        target: SitePose,
        start: ArrayLike,
        iterations: int = 100,
        position_tolerance: float = 1e-4,
        rotation_tolerance: float = 1e-3,
    ) -> IkResult:
        """Damped least squares from a start posture (6,), inside the joint limits.

        Args:
            target: wanted tip pose.
            start: posture to start from, rad. The solution stays near it.
            iterations: most iterations.
            position_tolerance: m.
            rotation_tolerance: rad.
        """
        joints = np.clip(np.asarray(start, dtype=np.float64), self.lower, self.upper)
        for _ in range(iterations + 1):
            error = _pose_error(target, self.forward(joints))
            distance, angle = float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))
            if distance <= position_tolerance and angle <= rotation_tolerance:
                return IkResult(joints, distance, angle, True)
            jacobian = self.jacobian(joints)
            # dq = J' (J J' + damping I)^-1 e minimises |J dq - e|^2 + damping |dq|^2. Near a singular pose it stays
            # finite where the inverse does not (Nakamura and Hanafusa 1986, Wampler 1986).
            step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(6), error)
            step *= min(1.0, _MAX_STEP / max(np.abs(step).max(), 1e-12))
            joints = np.clip(joints + step, self.lower, self.upper)
        return IkResult(joints, distance, angle, False)


def _pose_error(target: SitePose, actual: SitePose) -> NDArray[np.float64]:
    """Twist (6,) that leads from the actual to the target pose, base frame: m, then rad."""
    quaternion, rotation = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quaternion, (target.rotation @ actual.rotation.T).ravel())
    mujoco.mju_quat2Vel(rotation, quaternion, 1.0)
    return np.concatenate([target.position - actual.position, rotation])
