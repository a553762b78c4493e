"""A simulated arm under operational-space control, as far as it decides where the tool goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import KinematicsError
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose, cross_matrix, rotation_from_vector, sine_error

Array = NDArray[np.float64]

# Steps for which Jacobian and inertia stay as they are.
_REFRESH = 5


@dataclass(frozen=True)
class LinkInertia:
    """What a joint carries up to the next one; see `SimulatedLink`."""

    mass: float
    center: Sequence[float]
    inertia: Sequence[float]


@dataclass(frozen=True)
class Mechanics:
    """Of an arm, joint by joint; see `SimulatedArm`."""

    links: Sequence[LinkInertia]
    effort: Sequence[float]
    armature: Sequence[float]
    damping: Sequence[float]
    friction: Sequence[float]
    angular_drag: float
    linear_drag: float
    posture_kp: float


@dataclass(frozen=True)
class ArmState:
    """Joints of the simulated arm.

    Attributes:
        positions: (n,) rad. velocities: (n,) rad/s.
        posture: (n,) where spare joints are drawn to, rad.
    """

    positions: Array
    velocities: Array
    posture: Array


@dataclass(frozen=True)
class _Local:
    """What holds near one place of the arm.

    Attributes:
        pose: of the controlled point. jacobian: (6, n) of it.
        wrench: (n, 6) from the controller's acceleration of the tool to torques.
        inertia: (n, n) with the armature. inverse: (n, n) of it, with the joints' damping.
        spare: (n, n) what of a torque does not move the tool.
        bias: (n,) torques of gravity and of the motion itself, Nm.
    """

    positions: Array
    pose: Pose
    jacobian: Array
    wrench: Array
    inertia: Array
    inverse: Array
    spare: Array
    bias: Array


class ArmDynamics:
    """Torques in, joints out, in small steps. Not safe for use by two threads at once.

    The controller is that of Khatib (1987) with translation and rotation decoupled from the joints, but not from each
    other, as in robosuite: torques are ``J_p' L_p f + J_o' L_o m`` with ``L = (J M^-1 J')^-1`` for either half. A null
    space torque draws spare joints to a posture; gravity is compensated; then torques are clipped.

    Args:
        model: kinematics.
        mechanics: of the joints.
        offset: the controlled frame seen from the tool's.

    Raises:
        KinematicsError: the numbers of joints differ.
    """

    def __init__(self, model: ArmModel, mechanics: Mechanics, offset: Pose) -> None:
        if len(mechanics.effort) != model.size:
            raise KinematicsError(
                f"the simulated arm has {len(mechanics.effort)} joints, the robot {model.size}; a response with "
                "this arm needs the same one"
            )
        self._model = model.with_inertias([(link.mass, link.center, link.inertia) for link in mechanics.links])
        self._offset = offset
        self._effort, self._damping = np.asarray(mechanics.effort), np.asarray(mechanics.damping)
        self._friction, self._armature = np.asarray(mechanics.friction), np.diag(mechanics.armature)
        self._drag = np.repeat([mechanics.linear_drag, mechanics.angular_drag], 3)
        self._posture_kp, self._posture_kd = mechanics.posture_kp, 2.0 * np.sqrt(mechanics.posture_kp)

    def pose(self, positions: Array) -> Pose:
        """Of the controlled point at joint positions (n,), rad."""
        return self._model.forward(positions).followed_by(self._offset)

    def towards(self, state: ArmState, goal: Pose, kp: float, kd: float, step: float, steps: int) -> ArmState:
        """The arm after some steps towards a goal of the controlled point.

        Args:
            state: where it begins.
            goal: pose.
            kp, kd: stiffness (1/s^2) and damping (1/s) of the controller.
            step: s. steps: how many.
        """
        positions, velocities = state.positions, state.velocities
        for k in range(steps):
            if k % _REFRESH == 0:
                local = self._local(positions, velocities, step)
            twist = local.jacobian @ velocities
            away = local.jacobian @ (positions - local.positions)
            rotation = rotation_from_vector(away[3:]) @ local.pose.rotation
            error = np.concatenate(
                [goal.position - local.pose.position - away[:3], sine_error(goal.rotation, rotation)]
            )
            posture = self._posture_kp * (state.posture - positions) - self._posture_kd * velocities
            torque = local.wrench @ (kp * error - kd * twist) + local.spare @ (local.inertia @ posture)
            torque = np.clip(torque + local.bias, -self._effort, self._effort) - local.bias
            velocities = self._accelerated(velocities, torque - self._braking(local, rotation, twist), local, step)
            positions = positions + step * velocities
        return ArmState(positions, velocities, state.posture)

    def _braking(self, local: _Local, rotation: Array, twist: Array) -> Array:
        """Torques (n,) of the air on the tool, Nm."""
        own = np.concatenate([rotation.T @ twist[:3], rotation.T @ twist[3:]])
        drag = self._drag * np.abs(own) * own
        return np.asarray(local.jacobian.T @ np.concatenate([rotation @ drag[:3], rotation @ drag[3:]]))

    def _accelerated(self, velocities: Array, torque: Array, local: _Local, step: float) -> Array:
        """Velocities a step later. Friction takes away what it can, at most all of a joint's momentum."""
        torque = torque - self._damping * velocities
        after = velocities + step * (local.inverse @ torque)
        stopping = np.diag(local.inertia) * after / step
        return np.asarray(
            velocities + step * (local.inverse @ (torque - np.clip(stopping, -self._friction, self._friction)))
        )

    def _local(self, positions: Array, velocities: Array, step: float) -> _Local:
        pose, jacobian = shifted_jacobian(self._model, positions, self._offset)
        bare, bias = self._model.inertia_and_bias(positions, velocities)
        inertia = bare + self._armature
        inverse = np.linalg.inv(inertia)
        tool = jacobian @ inverse @ jacobian.T
        halves = [jacobian[rows].T @ np.linalg.pinv(tool[rows, rows]) for rows in (slice(0, 3), slice(3, 6))]
        spare: Array = np.eye(len(positions)) - jacobian.T @ np.linalg.pinv(tool) @ jacobian @ inverse
        damped = np.asarray(np.linalg.inv(inertia + np.diag(step * self._damping)))
        return _Local(positions, pose, jacobian, np.concatenate(halves, axis=1), inertia, damped, spare, bias)


def shifted_jacobian(model: ArmModel, positions: Array, offset: Pose) -> tuple[Pose, Array]:
    """Pose and (6, n) Jacobian of a frame that is fixed to the tool; see `ArmModel.forward_and_jacobian`."""
    pose, jacobian = model.forward_and_jacobian(positions)
    jacobian[:3] -= cross_matrix(pose.rotation @ offset.position) @ jacobian[3:]
    return pose.followed_by(offset), jacobian
