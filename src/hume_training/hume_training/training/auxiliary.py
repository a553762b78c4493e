"""Auxiliary losses of System 2: where things are, and where the things are that the instruction names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_core.nn.gemma import Cache
from hume_system2.model.prefix import Prefix

_WIDTH = 16
_HIDDEN = 128
_NAMED = 2
"""Objects an instruction may name: the one to pick and the one to put it on."""


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


class NamedReader(nn.Module):
    """Reads the positions of the named objects off what the action tokens attend to.

    It sees the values that the language model's and the expert's last layers offer: the mean over the instruction, and
    the state token's. So the instruction has to find its objects in the images, whatever the motion is at the moment.

    Args:
        width: of a value head.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = position_reader(2 * width)

    def forward(self, cache: Cache, prefix: Prefix, image_tokens: int) -> Tensor:
        """Keys and values of prefix and state token to normalised positions (B, 3 * named)."""
        value = cache[-1][1][:, 0].float()
        text = value[:, image_tokens:-1]
        real = text.new_ones(text.shape[:2]) if prefix.valid is None else prefix.valid[:, image_tokens:].float()
        mean = (text * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return self.read(torch.cat([mean, value[:, -1]], dim=-1))


def position_reader(width: int) -> nn.Sequential:
    """Features (B, width) to normalised positions of the named objects (B, 3 * named)."""
    return nn.Sequential(nn.Linear(width, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, 3 * _NAMED))


class NamedPositions:
    """Positions of the objects that the instructions name, as targets.

    Args:
        environment: positions of all objects, x, y, z each, in the order of `names` (F, 3 * objects).
        names: words of the instruction.
        tasks: instruction of each episode.
        episode_of: episode of each frame (F,).

    Raises:
        ConfigError: sizes do not fit, or an instruction names none or too many.
    """

    def __init__(
        self,
        environment: NDArray[np.float32],
        names: Sequence[str],
        tasks: Sequence[str],
        episode_of: NDArray[np.int64],
    ) -> None:
        if environment.shape[1] != 3 * len(names):
            raise ConfigError(
                f"the environment state has {environment.shape[1]} numbers; {len(names)} named objects "
                f"({', '.join(names)}) need {3 * len(names)}"
            )
        self._positions = environment.reshape(len(environment), len(names), 3)
        self._mean, self._std = self._positions.mean((0, 1)), self._positions.std((0, 1)).clip(min=1e-3)
        self._episode_of = episode_of
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
        episodes = self._episode_of[frames]
        positions = (self._positions[frames[:, None], self._objects[episodes]] - self._mean) / self._std
        known = np.repeat(self._known[episodes], 3, axis=1)
        return torch.from_numpy(positions.reshape(len(frames), -1)), torch.from_numpy(known.astype(np.float32))
