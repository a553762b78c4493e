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
# Keeps singular poses from dividing by zero, 1/kg and 1/(kg m^2).
_TINY = 1e-9


@dataclass(frozen=True)
class LinkInertia:
    """What a joint carries up to the next one. See `SimulatedLink`."""

    mass: float
    center: Sequence[float]
    inertia: Sequence[float]


@dataclass(frozen=True)
class Mechanics:
    """Of an arm, joint by joint. See `SimulatedArm`."""

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
        positions: (n,) the place, rad.
        pose: of the controlled frame. jacobian: (6, n) of it, in base axes.
        own_jacobian: (6, n) in the frame's own axes.
        wrench: (n, 6) from the controller's acceleration of the tool to torques.
        spare: (n, n) from accelerations of joints to torques that do not move the tool.
        momentum: (n,) diagonal of the joints' inertia.
        inverse: (n, n) of the inertia, with the joints' damping.
        bias: (n,) torques of gravity and of the motion itself, Nm.
    """

    positions: Array
    pose: Pose
    jacobian: Array
    own_jacobian: Array
    wrench: Array
    spare: Array
    momentum: Array
    inverse: Array
    bias: Array


class ArmDynamics:
    """Torques in, joints out, in small steps. Not safe for use by two threads at once.

    The controller is that of Khatib (1987) with translation and rotation decoupled from the joints, but not from each
    other, as in robosuite: torques are ``J_p' L_p f + J_o' L_o m`` with ``L = (J M^-1 J')^-1`` for either half. A null
    space torque draws spare joints to a posture. Gravity is compensated. Then torques are clipped.

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
                f"the simulated arm has {len(mechanics.effort)} joints, the robot {model.size}. A response with "
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
        stiffness, damping = self._posture_kp, self._posture_kd
        for k in range(steps):
            if k % _REFRESH == 0:
                local = self._local(positions, velocities, step)
            away = local.jacobian @ (positions - local.positions)
            rotation = rotation_from_vector(away[3:]) @ local.pose.rotation
            error = np.empty(6)
            error[:3] = goal.position - local.pose.position - away[:3]
            error[3:] = sine_error(goal.rotation, rotation)
            torque = local.wrench @ (kp * error - kd * (local.jacobian @ velocities))
            torque += local.spare @ (stiffness * (state.posture - positions) - damping * velocities)
            torque = np.minimum(np.maximum(torque, -self._effort - local.bias), self._effort - local.bias)
            velocities = self._accelerated(velocities, torque, local, step)
            positions = positions + step * velocities
        return ArmState(positions, velocities, state.posture)

    def _accelerated(self, velocities: Array, torque: Array, local: _Local, step: float) -> Array:
        """Velocities a step later. Friction takes away what it can, at most all of a joint's momentum."""
        own = local.own_jacobian @ velocities
        torque = torque - self._damping * velocities - local.own_jacobian.T @ (self._drag * np.abs(own) * own)
        stopping = local.momentum * (velocities / step + local.inverse @ torque)
        torque -= np.minimum(np.maximum(stopping, -self._friction), self._friction)
        return np.asarray(velocities + step * (local.inverse @ torque))

    def _local(self, positions: Array, velocities: Array, step: float) -> _Local:
        pose, jacobian = shifted_jacobian(self._model, positions, self._offset)
        bare, bias = self._model.inertia_and_bias(positions, velocities)
        inertia = bare + self._armature
        compliance = np.linalg.solve(inertia, jacobian.T)
        tool = jacobian @ compliance + _TINY * np.eye(6)
        linear, angular = slice(0, 3), slice(3, 6)
        halves = [jacobian[part].T @ np.linalg.inv(tool[part, part]) for part in (linear, angular)]
        spare = inertia - jacobian.T @ np.linalg.solve(tool, jacobian)
        own = np.concatenate([pose.rotation.T @ jacobian[part] for part in (linear, angular)])
        damped = np.asarray(np.linalg.inv(inertia + np.diag(step * self._damping)))
        wrench = np.concatenate(halves, axis=1)
        return _Local(positions, pose, jacobian, own, wrench, spare, np.diag(inertia), damped, bias)


def shifted_jacobian(model: ArmModel, positions: Array, offset: Pose) -> tuple[Pose, Array]:
    """Pose and (6, n) Jacobian of a frame that is fixed to the tool. See `ArmModel.forward_and_jacobian`."""
    pose, jacobian = model.forward_and_jacobian(positions)
    jacobian[:3] -= cross_matrix(pose.rotation @ offset.position) @ jacobian[3:]
    return pose.followed_by(offset), jacobian
