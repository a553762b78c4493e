"""Auxiliary losses: where things are, where those are that the instruction names, and where the gripper next acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_core.nn.gemma import Cache
from hume_system2.model.prefix import Prefix
from hume_training.data.demonstrations import Demonstrations
from hume_training.data.row_layout import DataLayout, Rows
from hume_training.data.taught_rows import TaughtRows

_WIDTH = 16
_HIDDEN = 128
_LEAST_DEVIATION = 0.05
"""rad"""
_NAMED = 2
"""Objects an instruction may name: the one to pick and the one to put it on."""

NAMED_NUMBERS = 3 * _NAMED


class EnvironmentReader(nn.Module):
    """Reads the environment state (cube positions) off the image tokens: makes them say where things are.

    Args:
        tokens: number of image tokens.
        width: of a token.
        size: numbers to read.
    """

    def __init__(self, tokens: int, width: int, size: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(width, _WIDTH)
        self.read = nn.Sequential(nn.Linear(tokens * _WIDTH, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Image tokens (B, tokens, width) to normalised numbers (B, size)."""
        return self.read(self.reduce(tokens).flatten(1))


class AttendedReader(nn.Module):
    """Reads numbers off what the action tokens attend to.

    It sees the values that the language model's and the expert's last layers offer: the mean over the instruction, and
    the state token's. So the instruction has to find its objects in the images, whatever the motion is at the moment.

    Args:
        width: of a value head.
        size: numbers to read.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.read = reader(2 * width, size)

    def forward(self, cache: Cache, prefix: Prefix, image_tokens: int) -> Tensor:
        """Keys and values of prefix and state token to normalised numbers (B, size)."""
        value = cache[-1][1][:, 0].float()
        text = value[:, image_tokens:-1]
        real = text.new_ones(text.shape[:2]) if prefix.valid is None else prefix.valid[:, image_tokens:].float()
        mean = (text * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return self.read(torch.cat([mean, value[:, -1]], dim=-1))


def reader(width: int, size: int) -> nn.Sequential:
    """Features (B, width) to numbers (B, size)."""
    return nn.Sequential(nn.Linear(width, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, size))


class NamedPositions:
    """Positions of the objects that the instructions name, as targets.

    Args:
        environment: positions of all objects, x, y, z each, in the order of `names` (F, 3 * objects).
        names: words of the instruction.
        tasks: instruction of each episode.
        task_of: which of the tasks each frame has (F,).

    Raises:
        ConfigError: sizes do not fit, or an instruction names none or too many.
    """

    def __init__(
        self,
        environment: NDArray[np.float32],
        names: Sequence[str],
        tasks: Sequence[str],
        task_of: NDArray[np.int64],
    ) -> None:
        if environment.shape[1] != 3 * len(names):
            raise ConfigError(
                f"the environment state has {environment.shape[1]} numbers; {len(names)} named objects "
                f"({', '.join(names)}) need {3 * len(names)}"
            )
        self._positions = environment.reshape(len(environment), len(names), 3)
        self._mean, self._std = self._positions.mean((0, 1)), self._positions.std((0, 1)).clip(min=1e-3)
        self._task_of = task_of
        places = {name: i for i, name in enumerate(names)}
        found = [[places[word] for word in re.findall(r"\w+", task) if word in places] for task in tasks]
        for task, objects in zip(tasks, found, strict=True):
            if not 1 <= len(objects) <= _NAMED:
                raise ConfigError(
                    f"the instruction '{task}' names {len(objects)} of {', '.join(names)}; 1 or 2 are needed"
                )
        self._known = np.array([[k < len(objects) for k in range(_NAMED)] for objects in found])
        self._objects = np.array([(objects * _NAMED)[:_NAMED] for objects in found])

    def loss(self, found: Tensor, frames: NDArray[np.int64]) -> Tensor:
        """Mean squared error of what a reader found (B, 3 * named) at frames (B,)."""
        target, known = (part.to(found.device) for part in self.targets(frames))
        return ((found - target).square() * known).sum() / known.sum()

    def targets(self, frames: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Normalised positions (B, 3 * named) and which numbers count."""
        tasks = self._task_of[frames]
        positions = (self._positions[frames[:, None], self._objects[tasks]] - self._mean) / self._std
        known = np.repeat(self._known[tasks], 3, axis=1)
        return torch.from_numpy(positions.reshape(len(frames), -1)), torch.from_numpy(known.astype(np.float32))


class Keyframes:
    """Where the arm is when a gripper next opens or closes: hindsight that any demonstration offers.

    Args:
        data: of the dataset. Episodes known to have failed do not count.
        layout: which numbers are joints and grippers.
        relative: joint targets minus the joint positions at the frame, instead of joint targets.

    Raises:
        ConfigError: the dataset's action rows are no joint targets.
    """

    def __init__(self, data: Demonstrations, layout: DataLayout, relative: bool = False) -> None:
        if layout.rows is not Rows.JOINTS or (relative and not layout.has_positions):
            raise ConfigError(
                "keyframe_weight reads joint targets, which the dataset's actions are not. Set keyframe_weight: 0"
            )
        changes = np.zeros(len(data.action), bool)
        for gripper in layout.grippers:
            numbers = data.action[:, gripper.action]
            middle = 0.5 * (float(numbers.min()) + float(numbers.max()))
            changes[:-1] |= (numbers[1:] > middle) != (numbers[:-1] > middle)
        changes[data.ends] = True
        last = np.where(changes, np.arange(len(changes)), len(changes))
        keyframe = np.minimum.accumulate(last[::-1])[::-1]
        targets = [layout.targets(arm, data.action[keyframe]) for arm in layout.arms]
        if relative:
            targets = [part - layout.measured(arm, data.state) for part, arm in zip(targets, layout.arms, strict=True)]
        target = targets[0] if len(targets) == 1 else np.concatenate(targets, axis=1)
        self._target = (target - target.mean(0)) / target.std(0).clip(min=_LEAST_DEVIATION)
        succeeded = (
            np.ones(len(data.lengths)) if data.success is None else np.maximum.reduceat(data.success, data.starts)
        )
        self._known = succeeded.astype(np.float32)[data.episode_of]

    def loss(self, found: Tensor, frames: NDArray[np.int64]) -> Tensor:
        """Mean squared error of normalised joint targets that a reader found (B, n) at frames (B,)."""
        target, known = (torch.from_numpy(part[frames]).to(found.device) for part in (self._target, self._known))
        errors = (found - target).square().mean(dim=1)
        return (errors * known).sum() / known.sum().clamp(min=1.0)


class ReadingConfig(Protocol):
    """Fields of a training that `Readings` needs. See `hume_training.training.config`."""

    @property
    def seed(self) -> int: ...
    @property
    def named_weight(self) -> float: ...
    @property
    def named_objects(self) -> str: ...
    @property
    def keyframe_weight(self) -> float: ...


class Readings:
    """The losses that read named positions and keyframes off a model's features, as far as they have a weight.

    Args:
        config: weights and names.
        rows: of the demonstrations. Without an environment state there are no named positions.
        make: a reader of so many numbers, on the model's device.
        relative: keyframes relative to the joint positions.
    """

    def __init__(
        self, config: ReadingConfig, rows: TaughtRows, make: Callable[[int], nn.Module], relative: bool
    ) -> None:
        data, layout = rows.data, rows.layout
        self.modules: dict[str, nn.Module] = {}
        self._losses: dict[str, tuple[float, NamedPositions | Keyframes]] = {}
        sizes = {}
        if data.environment is not None and config.named_weight > 0:
            named = NamedPositions(data.environment, config.named_objects.split(","), data.tasks, data.task_of)
            self._losses["named"], sizes["named"] = (config.named_weight, named), NAMED_NUMBERS
        if config.keyframe_weight > 0:
            keyframes = Keyframes(data, layout, relative)
            self._losses["keyframe"], sizes["keyframe"] = (config.keyframe_weight, keyframes), len(layout.joints)
        for name, size in sizes.items():
            with torch.random.fork_rng():
                torch.manual_seed(config.seed)
                self.modules[name] = make(size)

    def add(
        self, loss: Tensor, info: dict[str, Tensor], read: Callable[[nn.Module], Tensor], frames: NDArray[np.int64]
    ) -> Tensor:
        """The loss with the readings' losses at frames (B,) added. `info` gets each.

        Args:
            loss: scalar.
            info: numbers to log.
            read: what a reader finds (B, size).
            frames: (B,).
        """
        for name, (weight, target) in self._losses.items():
            error = target.loss(read(self.modules[name]), frames)
            loss, info[name] = loss + weight * error, error.detach()
        return loss
