"""From the fields of a client's observation to what the policy takes.

Names may be written with dots or slashes. A task in a list says that everything has a batch axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hume_core.config import HumeConfig
from hume_core.errors import ObservationError
from hume_core.observation import Observation
from hume_core.texts import did_you_mean, listed, shortened
from hume_serve.robot_view import RobotView

MAX_BATCH = 8
_SMALLEST, _LARGEST, _LONGEST_TO_SHORTEST = 8, 4096, 8
_STATE, _TASKS, _NOISE = "observation.state", ("task", "prompt"), "noise"
_POSITIONS, _VELOCITIES, _GRIPPER = "robot.joint_positions", "robot.joint_velocities", "robot.gripper_position"
_PICTURE, _UPRIGHT = "observation.images.", "robot.images."


@dataclass(frozen=True)
class PolicyInputs:
    """What a client sent with one call, for B observations.

    Attributes:
        observation: with as many states as the client sent.
        noise: for System 2 (N, B, H, A). None: it is to be drawn.
        joints: (n,) positions in rad of the client's robot. None: not told.
        batched: whether the client writes the batch axis.
    """

    observation: Observation
    noise: Tensor | None = None
    joints: NDArray[np.float64] | None = None
    batched: bool = True


class InputReader:
    """Reads the observations of one client.

    Args:
        config: of the checkpoint.
        robot: what the client's robot is. None: it sends what the checkpoint wants.
    """

    def __init__(self, config: HumeConfig, robot: RobotView | None = None) -> None:
        self._config, self._robot = config, robot
        self._checked = False
        self._cameras = {_PICTURE + _dotted(key): key for key in config.camera_keys}
        self._short = {f"observation.{_dotted(key)}": _PICTURE + _dotted(key) for key in config.camera_keys}
        self._upright = {} if robot is None else {_UPRIGHT + _dotted(key): key for key in config.camera_keys}

    @property
    def fields(self) -> tuple[str, ...]:
        """Names that an observation may have."""
        robot = () if self._robot is None else (*self._upright, _POSITIONS, _VELOCITIES, _GRIPPER)
        return (*self._cameras, _STATE, *_TASKS, _NOISE, *robot)

    def read(self, content: Mapping[Any, Any]) -> PolicyInputs:
        """The inputs of the policy.

        Raises:
            ObservationError: a field is missing, unknown, given twice or of the wrong shape. Names it.
        """
        given = self._named(content)
        task = _task(given)
        batched = isinstance(task, list)
        images = {key: _image(name, given[name], batched) for name, key in self._cameras.items() if name in given}
        images |= self._pictures(given, batched)
        joints = _vector(_POSITIONS, given[_POSITIONS]).astype(np.float64) if _POSITIONS in given else None
        state = self._state(given, joints, batched)
        noise = _noise(given[_NOISE], batched) if _NOISE in given else None
        observation = Observation(images, state, task if isinstance(task, list) else [task])
        return PolicyInputs(observation, noise, joints, batched)

    def _named(self, content: Mapping[Any, Any]) -> dict[str, Any]:
        """Under the names of `fields`."""
        given: dict[str, Any] = {}
        for written, value in content.items():
            name = _dotted(written) if isinstance(written, str) else repr(written)
            name = self._short.get(name, name)
            if name not in self.fields:
                raise ObservationError(
                    f"observation field '{shortened(str(written))}' is unknown. Valid: {listed(self.fields)}"
                    f"{did_you_mean(name, self.fields)}"
                )
            if name in given:
                raise ObservationError(f"observation field '{name}' is given twice")
            given[name] = value
        return given

    def _pictures(self, given: Mapping[str, Any], batched: bool) -> dict[str, NDArray[np.uint8]]:
        """Those that are made of upright ones."""
        pictures = {}
        for name, key in self._upright.items():
            if name in given and self._robot is not None:
                if _PICTURE + name.removeprefix(_UPRIGHT) in given:
                    raise ObservationError(f"camera '{key}' is given twice, as '{name}' and as the policy's picture")
                images = _image(name, given[name], batched)
                pictures[key] = np.stack([self._robot.picture(key, image) for image in images])
        return pictures

    def _state(
        self, given: Mapping[str, Any], joints: NDArray[np.float64] | None, batched: bool
    ) -> NDArray[np.float32]:
        """(B, T, s), as sent or composed."""
        if _STATE in given:
            return self._given_state(given[_STATE], batched)
        if joints is None or self._robot is None:
            wanted = _STATE if self._robot is None else f"{_STATE}' or '{_POSITIONS}"
            raise ObservationError(f"observation field '{wanted}' is missing")
        velocities = _vector(_VELOCITIES, given[_VELOCITIES]).astype(np.float64) if _VELOCITIES in given else None
        gripper = float(_vector(_GRIPPER, np.reshape(given[_GRIPPER], -1))[0]) if _GRIPPER in given else None
        state = self._robot.state(joints, velocities, gripper)
        if not self._checked:
            self._robot.check_first(state)
            self._checked = True
        return state[None, None]

    def _given_state(self, value: Any, batched: bool) -> NDArray[np.float32]:
        state, size = _float32(_STATE, value), self._config.state_dim
        if state.ndim - batched not in (1, 2) or 0 in state.shape or state.shape[-1] != size:
            batch = "batch, " * batched
            raise ObservationError(
                f"'{_STATE}' has shape {list(state.shape)}. Valid: ({batch}{size}), or ({batch}history, {size})"
            )
        return state.reshape(len(state) if batched else 1, -1, size)


def _dotted(name: str) -> str:
    return name.replace("/", ".")


def _task(given: Mapping[str, Any]) -> str | list[str]:
    """The instruction, or a list of one per observation."""
    found = [given[name] for name in _TASKS if name in given]
    if len(found) != 1:
        problem = "missing. Give it" if not found else "given twice. Give one of them"
        raise ObservationError(f"the instruction is {problem}: 'task' or 'prompt'")
    (task,) = found
    if isinstance(task, str):
        return task
    if not isinstance(task, list) or not all(isinstance(text, str) for text in task):
        raise ObservationError("the instruction must be a text, or a list of one text per observation")
    if not 1 <= len(task) <= MAX_BATCH:
        raise ObservationError(f"the batch has {len(task)} observations. Valid: 1 to {MAX_BATCH}")
    return task


def _image(name: str, value: Any, batched: bool) -> NDArray[np.uint8]:
    """(B, height, width, 3)."""
    shape = "(batch, height, width, 3)" if batched else "(height, width, 3)"
    if (
        not isinstance(value, np.ndarray)
        or value.dtype != np.uint8
        or value.ndim != 3 + batched
        or value.shape[-1] != 3
    ):
        found = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ObservationError(f"'{name}' is {found}. Expected uint8 RGB {shape}")
    short, long = sorted(value.shape[-3:-1])
    if short < _SMALLEST or long > _LARGEST or long > _LONGEST_TO_SHORTEST * short:
        raise ObservationError(
            f"'{name}' has {value.shape[-2]}x{value.shape[-3]} pixels. Valid: {_SMALLEST} to {_LARGEST} a side, one at "
            f"most {_LONGEST_TO_SHORTEST} times the other"
        )
    return value if batched else value[None]


def _noise(value: Any, batched: bool) -> Tensor:
    """(N, B, H, A)."""
    noise = _float32(_NOISE, value)
    axes = "(candidates, batch, rows, numbers)" if batched else "(candidates, rows, numbers)"
    if noise.ndim != 3 + batched or not np.isfinite(noise).all():
        raise ObservationError(f"'{_NOISE}' has shape {list(noise.shape)}. Finite numbers {axes} are wanted")
    return torch.from_numpy(noise if batched else noise[:, None])


def _vector(name: str, value: Any) -> NDArray[Any]:
    """(k,), k > 0."""
    numbers = _numbers(name, value)
    if numbers.ndim != 1 or not len(numbers):
        raise ObservationError(f"'{name}' has shape {list(numbers.shape)}. One axis is wanted")
    return numbers


def _float32(name: str, value: Any) -> NDArray[np.float32]:
    """Numbers beyond float32 become infinite, which is refused as such."""
    with np.errstate(over="ignore"):
        return np.asarray(_numbers(name, value), np.float32)


def _numbers(name: str, value: Any) -> NDArray[Any]:
    """An array of numbers, written as one or as lists."""
    try:
        numbers = np.asarray(value)
    except ValueError as error:
        raise ObservationError(f"'{name}' is no array of numbers: {error}") from error
    if numbers.dtype.kind not in "iuf":
        raise ObservationError(f"'{name}' is {numbers.dtype}. Numbers are wanted")
    return numbers
