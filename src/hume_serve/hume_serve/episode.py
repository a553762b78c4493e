"""One client's episode: when System 2 thinks, when System 1 refines, and which row is executed.

These are the rules of the authors' evaluation. Every call of `act` is one control step. Every `replan_steps` of them
System 1 refines a segment, and every `s2_replan_steps` System 2 thinks before. System 1 sees the states of the last
`s1_his_state_size` steps, System 2 the newest.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.errors import ObservationError
from hume_core.observation import Observation
from hume_serve.infer_settings import InferSettings
from hume_serve.inputs import PolicyInputs
from hume_serve.policy import CascadedPolicy
from hume_serve.robot_view import RobotView
from hume_system2.model.thought import Thought

_Rows = NDArray[np.float32]


def noise_source(seed: int) -> torch.Generator:
    """Where noise is drawn from. Negative: from the operating system."""
    generator = torch.Generator()
    if seed < 0:
        generator.seed()
        return generator
    return generator.manual_seed(seed)


def first_segment(
    policy: CascadedPolicy, settings: InferSettings, inputs: PolicyInputs, generator: torch.Generator
) -> _Rows:
    """The actions (B, h, a) that start at the observation itself. Nothing is known of the time before.

    Raises:
        ObservationError: the inputs do not fit.
    """
    thought = policy.think(inputs.observation, settings, inputs.noise, generator)
    return _processed(policy.refine(inputs.observation, thought.chunk, 0), settings)


class Episode:
    """The state that one client has.

    Args:
        policy: both systems.
        settings: what the client asked for.
        robot: what the client's robot is. None: nobody said.

    Attributes:
        settings: with the checkpoint's numbers in place of 0.
        thought: the newest. None before the first step.
        thoughts: their number.

    Raises:
        ConfigError: the checkpoint does not give what the settings ask for.
    """

    def __init__(self, policy: CascadedPolicy, settings: InferSettings, robot: RobotView | None = None) -> None:
        self._policy, self._robot = policy, robot
        self.settings = settings.resolved(policy.config)
        self._generator = noise_source(settings.seed)
        self._history: deque[_Rows] = deque(maxlen=policy.config.s1_his_state_size)
        self._step = 0
        self._segment: _Rows | None = None
        self._joints: NDArray[np.float64] | None = None
        self.thought: Thought | None = None
        self.thoughts = 0

    @property
    def planned(self) -> bool:
        """Whether the next step's row is there already: no system is asked for it."""
        return self._step % self.settings.replan_steps != 0

    def act(self, inputs: PolicyInputs) -> _Rows:
        """The actions (B, a) of one control step.

        An error changes nothing: the step can be tried again.

        Raises:
            ObservationError: the inputs do not fit, or have another batch size than the step before.
        """
        self._check_batch(inputs.observation.batch_size)
        history = self._history.copy()
        history.extend(inputs.observation.state.swapaxes(0, 1))
        row = self._step % self.settings.replan_steps
        if row == 0:
            self._replan(inputs, history)
        assert self._segment is not None, "the first step begins with row 0"
        self._history, self._step = history, self._step + 1
        return self._segment[:, row]

    def _check_batch(self, size: int) -> None:
        if self._history and len(self._history[-1]) != size:
            raise ObservationError(
                f"the observation has a batch of {size}, the step before had {len(self._history[-1])}. "
                "Send init_infer where an episode begins"
            )

    def _replan(self, inputs: PolicyInputs, history: deque[_Rows]) -> None:
        seen = inputs.observation
        observation = Observation(seen.images, np.stack(list(history), axis=1), seen.task)
        passed = self._step % self.settings.s2_replan_steps
        thought, joints = self.thought, self._joints
        if passed == 0 or thought is None:
            thought = self._policy.think(observation, self.settings, inputs.noise, self._generator)
            joints = inputs.joints
        moved = self._moved(inputs, joints) if passed else None
        segment = self._policy.refine(observation, thought.chunk, passed, moved)
        self.thoughts += thought is not self.thought
        self.thought, self._joints, self._segment = thought, joints, _processed(segment, self.settings)

    def _moved(self, inputs: PolicyInputs, joints: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """How far the joints are from where they were at the thought, in numbers of a row (1, n)."""
        if not self._policy.needs_joints:
            return None
        if joints is None or inputs.joints is None or self._robot is None:
            raise ObservationError(
                "System 1 of this checkpoint refines joint deltas from the newest state. Send 'robot.joint_positions', "
                "with hume serve --robot, or let replan_steps and s2_replan_steps be equal"
            )
        return self._robot.moved(joints, inputs.joints)[None]


def _processed(rows: _Rows, settings: InferSettings) -> _Rows:
    """In the client's form of the gripper: robosuite wants -1 open and 1 closed, the data have 1 open and 0 closed."""
    if settings.post_process_action:
        rows = rows.copy()
        # As the released code has it, so that no rounding differs.
        rows[..., -1] = 2.0 * (1.0 - rows[..., -1]) - 1.0
    return rows
