"""How the arm of a policy's demonstrations followed its action rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hume_core.action_spaces.simulated_arm import SimulatedArmField
from hume_core.kinematics.dynamics import ArmDynamics, ArmState, shifted_jacobian
from hume_core.kinematics.model import ArmModel
from hume_core.kinematics.rotation import Pose, rotation_from_vector, sine_error

_Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class Reference(str, Enum):
    """What an `ee_delta` row is counted from."""

    PREVIOUS_ROW = "previous_row"
    """The pose that the row before asked for. The first row: the pose at the observation."""
    OBSERVATION = "observation"
    """The pose at the observation, for every row."""
    MEASURED = "measured"
    """The pose in which the arm is when the row's turn comes."""


@dataclass(frozen=True)
class ToolState:
    """How the tool moves at the beginning of a row.

    Attributes:
        pose: of the tool.
        twist: (6,) linear (m/s) and angular (rad/s) velocity in base axes.
        arm: the simulated arm's joints, where one is simulated.
    """

    pose: Pose
    twist: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))
    arm: ArmState | None = None


class Tracker:
    """How the tool moves towards the goal of a row. This one is there at once.

    Attributes:
        dt: time of a row, s.
    """

    def __init__(self, dt: float) -> None:
        self.dt = dt

    def begin(self, pose: Pose, joints: NDArray[np.float64], velocities: NDArray[np.float64]) -> ToolState:
        """At the observation, with the tool at a pose and joint positions (n,), rad, and velocities (n,), rad/s."""
        return ToolState(pose)

    def advance(self, state: ToolState, goal: Pose) -> ToolState:
        """A row later."""
        return ToolState(goal)


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    moves_at_once: ClassVar[bool] = False
    """Whether the goal of a row is what is asked of the joints at the row's own time, and not a row later."""
    keeps_orientation: ClassVar[bool] = False
    """Whether a row without rotation leaves the goal's orientation as it was."""

    @property
    def num_joints(self) -> int | None:
        """Joints of the arm that is simulated. None: none is."""
        return None

    def clipped(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numbers of a row (6,) that count."""
        return row

    def share(self) -> float | None:
        """What part of the way to its goal the tool comes within a row. None: it depends on the motion before."""
        return None

    def translation(self, dt: float) -> NDArray[np.float64]:
        """(2, 2) what a row of `dt` (s) makes of distance from the goal (m) and velocity (m/s), along any axis."""
        return np.diag([1.0 - (self.share() or 0.0), 0.0])


class Exact(_Response):
    """The arm is where a row sends it."""

    moves_at_once: ClassVar[bool] = True
    type: Literal["exact"] = "exact"

    def tracker(self, model: ArmModel, offset: Pose, dt: float) -> Tracker:
        """For rows that are `dt` (s) apart."""
        return Tracker(dt)

    def share(self) -> float | None:
        """See `_Response`."""
        return 1.0


class FirstOrder(_Response):
    """Within a row the tool comes a fixed part of the way to the row's goal.

    Attributes:
        gain: that part, measured.
    """

    type: Literal["first_order"] = "first_order"
    gain: Annotated[float, Field(gt=0, le=1)]

    def tracker(self, model: ArmModel, offset: Pose, dt: float) -> Tracker:
        """For rows that are `dt` (s) apart."""
        return _FirstOrderTracker(dt, self.gain)

    def share(self) -> float | None:
        """See `_Response`."""
        return self.gain


class OperationalSpace(_Response):
    """An operational-space controller (Khatib 1987) as robosuite's `OSC_POSE` has it.

    The tool's acceleration is ``kp * error - 2 * damping_ratio * sqrt(kp) * velocity``, integrated every `step`
    seconds. The error of the orientation is the sine of its angle about its axis. Without `arm` that is all. With it
    the controller moves a simulated arm by torques: translation and rotation disturb each other, torques have bounds,
    joints have friction, and air brakes the tool. robosuite's Panda turns at half the speed for these reasons.

    Attributes:
        kp: stiffness, 1/s^2.
        damping_ratio: 1 is critical.
        step: of the integration, s.
        input_limit: the controller clips the numbers of a row to this, before they are scaled.
        arm: name of a `SIMULATED_ARMS`, or its numbers. Left out: an arm that does what the controller wants.
    """

    keeps_orientation: ClassVar[bool] = True
    type: Literal["operational_space"] = "operational_space"
    kp: _Positive = 150.0
    damping_ratio: _Positive = 1.0
    step: Annotated[float, Field(ge=0.0005, le=0.02)] = 0.002
    input_limit: _Positive = 1.0
    arm: SimulatedArmField | None = None

    @property
    def kd(self) -> float:
        """Damping, 1/s."""
        return float(2.0 * self.damping_ratio * np.sqrt(self.kp))

    @property
    def num_joints(self) -> int | None:
        """See `_Response`."""
        return None if self.arm is None else len(self.arm.effort)

    def clipped(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `_Response`."""
        return np.clip(row, -self.input_limit, self.input_limit)

    def translation(self, dt: float) -> NDArray[np.float64]:
        """See `_Response`. That of the controller without its simulated arm."""
        steps = max(1, round(dt / self.step))
        step = dt / steps
        slower = 1.0 - step * self.kd
        once = np.array([[1.0 - step * step * self.kp, step * slower], [-step * self.kp, slower]])
        return np.asarray(np.linalg.matrix_power(once, steps))

    def tracker(self, model: ArmModel, offset: Pose, dt: float) -> Tracker:
        """For rows that are `dt` (s) apart.

        Raises:
            KinematicsError: the simulated arm has another number of joints.
        """
        if self.arm is None:
            return _TaskSpaceTracker(model, offset, dt, self)
        return _ArmTracker(dt, self, ArmDynamics(model, self.arm.mechanics(), offset))


AnyResponse = Exact | FirstOrder | OperationalSpace


def _by_name(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


ResponseField = Annotated[AnyResponse, Field(discriminator="type"), BeforeValidator(_by_name)]
"""A response in a profile or contract: its type alone, or a mapping with its numbers."""


class _FirstOrderTracker(Tracker):
    def __init__(self, dt: float, gain: float) -> None:
        super().__init__(dt)
        self._gain = gain

    def advance(self, state: ToolState, goal: Pose) -> ToolState:
        return ToolState(state.pose.moved(self._gain * state.pose.error_to(goal)))


class _TaskSpaceTracker(Tracker):
    def __init__(self, model: ArmModel, offset: Pose, dt: float, response: OperationalSpace) -> None:
        super().__init__(dt)
        self._model, self._offset, self._response = model, offset, response
        self._steps = max(1, round(dt / response.step))

    def begin(self, pose: Pose, joints: NDArray[np.float64], velocities: NDArray[np.float64]) -> ToolState:
        _, jacobian = shifted_jacobian(self._model, joints, self._offset)
        return ToolState(pose, jacobian @ velocities)

    def advance(self, state: ToolState, goal: Pose) -> ToolState:
        kp, kd, step = self._response.kp, self._response.kd, self.dt / self._steps
        position, rotation, twist = state.pose.position, state.pose.rotation, state.twist
        for _ in range(self._steps):
            error = np.concatenate([goal.position - position, sine_error(goal.rotation, rotation)])
            twist = twist + step * (kp * error - kd * twist)
            position = position + step * twist[:3]
            rotation = rotation_from_vector(step * twist[3:]) @ rotation
        return ToolState(Pose(position, rotation), twist)


class _ArmTracker(Tracker):
    def __init__(self, dt: float, response: OperationalSpace, dynamics: ArmDynamics) -> None:
        super().__init__(dt)
        self._response, self._dynamics = response, dynamics
        self._steps = max(1, round(dt / response.step))

    def begin(self, pose: Pose, joints: NDArray[np.float64], velocities: NDArray[np.float64]) -> ToolState:
        posture = self._response.arm.posture if self._response.arm is not None else None
        rest = joints if posture is None else np.asarray(posture)
        return ToolState(pose, arm=ArmState(joints.copy(), velocities.copy(), rest.copy()))

    def advance(self, state: ToolState, goal: Pose) -> ToolState:
        assert state.arm is not None
        kp, kd = self._response.kp, self._response.kd
        arm = self._dynamics.towards(state.arm, goal, kp, kd, self.dt / self._steps, self._steps)
        return replace(state, pose=self._dynamics.pose(arm.positions), arm=arm)
