"""`observation.state` of what a robot measures: the one place for live topics, bags, exports and training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.kinematics.model import ArmModel
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_seen_models
from hume_core.state.fitting import has_field, wanted_grippers
from hume_core.state.kinds import StateField
from hume_core.state.parts import Reading, StatePart
from hume_core.state.tool import ToolFrame


class StateComposer:
    """Composes the parts that a profile lists.

    Threads: one at a time, where a part is about the tool.

    Args:
        profile: lists the parts. See `PolicyContract.seen_by` for those that a checkpoint wants.
        model: of the only arm, or of several by their names. None: no part is about a tool.

    Attributes:
        names: of the numbers, in order.
        gripper_names: joints of the grippers that a part is about.
        wants_velocities, wants_gripper: whether `compose` needs them.

    Raises:
        ObservationError: a part is about a tool and there is no model of its arm.
    """

    def __init__(self, profile: RobotProfile, model: ArmModel | Mapping[str, ArmModel] | None = None) -> None:
        models = model if isinstance(model, Mapping) else {arm.name: model for arm in profile.arms if model is not None}
        if any(arm.name not in models for arm in profile.seen_tools):
            raise ObservationError(
                f"the state of robot '{profile.name}' is about the tool. Give its forward kinematics "
                "(StateComposer.of loads them)"
            )
        self.profile = profile
        slices = dict(zip([arm.name for arm in profile.arms], profile.joint_slices, strict=True))
        # Each arm is measured by its own joints.
        self._models = [(arm.name, models[arm.name], slices[arm.name]) for arm in profile.seen_tools]
        self._parts = profile.state
        self._tool = profile.tool or ToolFrame()
        self.joint_names = profile.joint_names
        self.names = profile.state_names
        self.wants_velocities = has_field(self._parts, StateField.JOINT_VELOCITIES)
        self.gripper_names = wanted_grippers(self._parts, profile.gripper_names)
        self.wants_gripper = bool(self.gripper_names)
        sections = [gripper for gripper in profile.grippers if gripper.joint in self.gripper_names]
        self._closed = np.array([gripper.closed for gripper in sections])
        self._open = np.array([gripper.open for gripper in sections])

    @classmethod
    def of(cls, profile: RobotProfile, urdf: str = "", fallback: Callable[[], str] | None = None) -> StateComposer:
        """With the kinematics that the parts need. See `load_kinematics` for the arguments and errors."""
        return cls(profile, load_seen_models(profile, urdf, fallback))

    def size_of(self, part: StatePart) -> int:
        """How many numbers a part gives."""
        return len(part.names(self.joint_names, self.profile.gripper_names))

    def compose(
        self,
        positions: NDArray[np.float64],
        velocities: NDArray[np.float64] | None = None,
        grippers: float | Sequence[float] | None = None,
    ) -> NDArray[np.float32]:
        """The state.

        Args:
            positions: (n,) of the arms' joints in policy order, rad.
            velocities: (n,) rad/s, where `wants_velocities`.
            grippers: positions of the joints in `gripper_names`, m or rad, where `wants_gripper`. A number alone where
                there is one.

        Returns:
            float32 (s,).

        Raises:
            ObservationError: what is wanted is left out.
        """
        if self.wants_velocities and velocities is None:
            raise ObservationError("the state wants joint velocities. None were given")
        openings = None if grippers is None else np.atleast_1d(np.asarray(grippers, dtype=np.float64))
        if self.wants_gripper and (openings is None or openings.shape != self._open.shape):
            given = 0 if openings is None else openings.size
            raise ObservationError(
                f"the state wants each gripper's position: {', '.join(self.gripper_names)}. Given: {given}"
            )
        tools = {name: self._tool.seen(model.forward(positions[joints])) for name, model, joints in self._models}
        reading = Reading(
            self.joint_names, positions, velocities, openings, self._closed, self._open, tools, self.gripper_names
        )
        return np.concatenate([part.numbers(reading) for part in self._parts]).astype(np.float32)
