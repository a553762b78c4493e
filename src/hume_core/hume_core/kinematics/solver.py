"""Inverse kinematics: from a tool pose to joint positions, inside position and velocity limits, never with a jump."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import degrees

import numpy as np
from numpy.typing import NDArray

from hume_core.angles import short_way
from hume_core.errors import KinematicsError
from hume_core.kinematics.damping import Displacement, damped_displacement
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose
from hume_core.limits import MotionLimits

_CONVERGED = 1e-5  # m and rad
_ITERATIONS = 12
_LONGEST_ERROR = 0.15  # m: the linearisation is good for about so much at once
_STILL = 1e-7  # rad: a joint this near to an end of its box stands there
_HALVINGS = 4
_SLOW = 0.995  # squared distance to the target: an iteration that gains less is the last
_TASK = 6  # numbers of a pose: 3 of position, 3 of rotation


@dataclass(frozen=True)
class KinematicsOptions:
    """How poses are tracked.

    Attributes:
        position_tolerance: how far from its target the tool may end, m.
        rotation_tolerance: the same for its orientation, rad.
        rotation_weight: what one radian counts beside one metre, m/rad. Arms with fewer than six joints take a small
            one: they reach positions exactly and orientations as well as they can.
        posture_gain: how fast spare joints go home, 1/s.
    """

    position_tolerance: float = 0.002
    rotation_tolerance: float = float(np.radians(0.5))
    rotation_weight: float = 0.2
    posture_gain: float = 0.2


class Reach(str, Enum):
    """How near a target the solver came, and what kept it from it."""

    REACHED = "reached"
    """Within the tolerances."""
    VELOCITY = "velocity"
    """A joint's velocity limit. A later step may catch up."""
    SINGULARITY = "singularity"
    """The arm is near a singular pose, or at the edge of its workspace. A later step may catch up."""
    JOINT_LIMIT = "joint limit"
    """A joint's position limit."""


@dataclass(frozen=True)
class Solution:
    """What the solver found.

    Attributes:
        positions: (n,) rad, always within position and velocity limits.
        reach: whether the target was reached.
        position_error: what is left to the target, m.
        rotation_error: the same for the orientation, rad.
        joints: the joints whose limits stood in the way.
    """

    positions: NDArray[np.float64]
    reach: Reach
    position_error: float
    rotation_error: float
    joints: tuple[str, ...] = ()

    def describe(self) -> str:
        """How far the tool stayed away and why, in words."""
        short = f"{self.position_error * 1e3:.1f} mm and {degrees(self.rotation_error):.1f} deg from the target"
        if self.reach is Reach.REACHED:
            return short
        names = f" of {', '.join(self.joints)}" if self.joints else ""
        if self.reach is Reach.SINGULARITY:
            return f"{short} (singular pose or edge of the workspace)"
        return f"{short} ({self.reach.value}{names})"


@dataclass(frozen=True)
class _Box:
    """Where the joints may be at the end of a step (n,), rad."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def scaled(self, at: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
        """The step, shortened as a whole so that no joint leaves the box."""
        # One factor for all joints: the tool then moves in the direction asked for, only less far. Clipping each joint
        # by itself would bend its path.
        room = np.where(step > 0.0, self.high - at, at - self.low)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(step == 0.0, np.inf, room / np.abs(step))
        return step * min(1.0, max(0.0, float(ratio.min())))

    def blocked(self, at: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) joints that stand at an end of the box and want to leave it."""
        return ((step > 0.0) & (at >= self.high - _STILL)) | ((step < 0.0) & (at <= self.low + _STILL))


class Kinematics:
    """Differential inverse kinematics of one arm. Not safe for use by two threads at once.

    Damped least squares by singular values: a direction is damped the more the smaller its singular value is
    (Maciejewski and Klein 1988; Chiaverini 1997), so that the arm slows down near singular poses. Spare joints move
    towards home in the null space of the task (Nakamura, Hanafusa and Yoshikawa 1987).

    Args:
        model: the arm.
        limits: of the same joints in the same order.
        home: (n,) posture that spare joints move towards, rad.
        options: tolerances and weights.

    Raises:
        KinematicsError: the joints differ.
    """

    def __init__(
        self,
        model: ArmModel,
        limits: MotionLimits,
        home: NDArray[np.float64],
        options: KinematicsOptions | None = None,
    ) -> None:
        if model.joints != limits.names:
            raise KinematicsError(f"limits are of joints {list(limits.names)}. The arm's are {list(model.joints)}")
        self.model, self.limits, self.options = model, limits, options or KinematicsOptions()
        self._home = np.asarray(home, dtype=np.float64)

    def forward(self, positions: NDArray[np.float64]) -> Pose:
        """Pose of the tool in the base frame at joint positions (n,), rad."""
        return self.model.forward(positions)

    def step(self, positions: NDArray[np.float64], displacement: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """One differential step, for a stream of twists.

        Args:
            positions: (n,) where the joints are, rad.
            displacement: (6,) how the tool is to move in base axes: translation (m), rotation vector (rad).
            dt: time of the step, s.

        Returns:
            (n,) joint positions within limits. The tool moves less than asked where a limit or a singular pose demands.
        """
        box = self._box(positions, dt)
        at = np.clip(positions, box.low, box.high)
        _, jacobian = self.model.forward_and_jacobian(at)
        found = damped_displacement(jacobian, displacement, self.options.rotation_weight)
        with_posture = found.positions + self._posture(found, at, dt)
        return np.asarray(at + box.scaled(at, with_posture))

    def solve(self, target: Pose, start: NDArray[np.float64], dt: float) -> Solution:
        """Joint positions that bring the tool as near to a pose as limits allow.

        Args:
            target: pose of the tool in the base frame.
            start: (n,) joint positions dt earlier, rad. One outside its limits is led back at its velocity limit.
            dt: time in which the joints may move, s.
        """
        box = self._box(start, dt)
        at = self._with_posture(np.clip(start, box.low, box.high), box, dt)
        blocked = np.zeros(len(at), dtype=bool)
        pose, jacobian = self.model.forward_and_jacobian(at)
        for _ in range(_ITERATIONS):
            error = pose.error_to(target)
            if float(np.abs(error).max()) < _CONVERGED:
                break
            # Gauss-Newton: x(q + dq) = x(q) + J dq + O(dq^2), so dq solves J dq = error, and a few rounds take away
            # what the linearisation leaves. Near the target each one squares the error.
            step, blocked = self._free_step(jacobian, self._shortened(error), box, at)
            # A step that leads past the edge of the workspace would turn the elbow over: it is shortened, or not made.
            for _ in range(_HALVINGS):
                after = np.clip(at + box.scaled(at, step), box.low, box.high)
                pose, jacobian = self.model.forward_and_jacobian(after)
                if self._distance(pose, target) < self._distance_of(error):
                    break
                step = 0.5 * step
            else:
                break
            at = after
            if self._distance(pose, target) > _SLOW * self._distance_of(error):
                break
        return self._judge(target, at, blocked)

    def _distance(self, pose: Pose, target: Pose) -> float:
        return self._distance_of(pose.error_to(target))

    def _distance_of(self, error: NDArray[np.float64]) -> float:
        turn = self.options.rotation_weight * error[3:]
        return float(error[:3] @ error[:3] + turn @ turn)

    def _with_posture(self, at: NDArray[np.float64], box: _Box, dt: float) -> NDArray[np.float64]:
        """Spare joints a little nearer home. The tool stays (first order)."""
        if len(at) <= _TASK or self.options.posture_gain == 0.0:
            return at
        _, jacobian = self.model.forward_and_jacobian(at)
        found = damped_displacement(jacobian, np.zeros(_TASK), self.options.rotation_weight)
        return np.asarray(at + box.scaled(at, self._posture(found, at, dt)))

    def _box(self, start: NDArray[np.float64], dt: float) -> _Box:
        reach = self.limits.velocity * dt
        # A joint outside its limits may only move towards them.
        low = np.minimum(np.maximum(start - reach, self.limits.lower), start + reach)
        high = np.maximum(np.minimum(start + reach, self.limits.upper), start - reach)
        return _Box(np.minimum(low, high), high)

    def _free_step(
        self, jacobian: NDArray[np.float64], error: NDArray[np.float64], box: _Box, at: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A step of the joints that are free to move: one that would leave the box is left out and the rest do it."""
        # An active set: a joint that stands at its limit and would leave it gets a column of zeros, and the others
        # solve the task without it. Each round blocks at least one more, so there are at most n + 1 rounds.
        blocked = np.zeros(len(at), dtype=bool)
        while True:
            found = damped_displacement(jacobian * ~blocked, error, self.options.rotation_weight)
            more = box.blocked(at, found.positions) & ~blocked
            if not more.any():
                return np.where(blocked, 0.0, found.positions), blocked
            blocked |= more

    def _shortened(self, error: NDArray[np.float64]) -> NDArray[np.float64]:
        """At most what the linearisation holds for."""
        length = max(float(np.abs(error[:3]).max()), float(np.abs(error[3:]).max()) * 0.3)
        return error * min(1.0, _LONGEST_ERROR / length) if length > 0.0 else error

    def _posture(self, found: Displacement, at: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Motion towards home that does not move the tool (first order)."""
        if found.null_space.shape[1] == 0:
            return np.zeros(len(at))
        # N N' with the orthonormal null space N projects onto the joint motions that do not move the tool. So
        # J (N N' z) = 0 for every z, and here z is the way home: gain * dt of it per step.
        away = short_way(self._home - at, self.limits.continuous) * min(1.0, self.options.posture_gain * dt)
        return np.asarray(found.null_space @ (found.null_space.T @ away))

    def _judge(self, target: Pose, at: NDArray[np.float64], blocked: NDArray[np.bool_]) -> Solution:
        error = self.model.forward(at).error_to(target)
        position, rotation = float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))
        if position <= self.options.position_tolerance and rotation <= self.options.rotation_tolerance:
            return Solution(at, Reach.REACHED, position, rotation)
        at_limit = blocked & ((at <= self.limits.lower + _STILL) | (at >= self.limits.upper - _STILL))
        reach, which = Reach.SINGULARITY, np.zeros_like(blocked)
        if (blocked & ~at_limit).any():
            reach, which = Reach.VELOCITY, blocked & ~at_limit
        elif at_limit.any():
            reach, which = Reach.JOINT_LIMIT, at_limit
        names = tuple(name for name, there in zip(self.limits.names, which, strict=True) if there)
        return Solution(at, reach, position, rotation, names)
