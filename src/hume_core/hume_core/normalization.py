"""Statistics of states and actions, stored in the checkpoint, and LeRobot's ways to normalise with them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hume_core.checkpoint import prefix_map
from hume_core.config import HumeConfig
from hume_core.config_fields import STATISTICS
from hume_core.errors import CheckpointError

EPSILON = 1e-8

NORMALIZER_NAMES = (
    ("normalizer.state_", "normalize_inputs.buffer_observation_state."),
    ("normalizer.target_", "normalize_targets.buffer_action."),
    ("normalizer.action_", "unnormalize_outputs.buffer_action."),
)
_to_stored = prefix_map(NORMALIZER_NAMES)


class Mode(Protocol):
    """One way to normalise with two statistics of n numbers. X is (..., n)."""

    neutral: tuple[float, float]
    """Statistics that change nothing."""

    def normalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Real to normalised units."""

    def unnormalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Normalised to real units."""

    def unit(self, first: Tensor, second: Tensor) -> Tensor:
        """What one normalised unit is in real ones (n)."""

    def mean_and_deviation(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (n), real units, as far as the statistics tell."""

    def misfit(self, first: Tensor, second: Tensor) -> str:
        """What cannot be true of finite statistics. Empty: nothing."""


class MeanStd:
    """To mean 0 and standard deviation 1."""

    neutral = (0.0, 1.0)

    def normalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return (x - first) / (second + EPSILON)

    def unnormalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return x * second + first

    def unit(self, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return second + EPSILON

    def mean_and_deviation(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """See `Mode`."""
        return first, second

    def misfit(self, first: Tensor, second: Tensor) -> str:
        """See `Mode`."""
        return "is below 0" if bool((second < 0).any()) else ""


class Range:
    """From a lower and an upper number to -1 and 1. What never changes becomes -1."""

    neutral = (-1.0, 1.0)

    def normalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return 2.0 * (x - first) / self._width(first, second) - 1.0

    def unnormalise(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return (x + 1.0) / 2.0 * self._width(first, second) + first

    def unit(self, first: Tensor, second: Tensor) -> Tensor:
        """See `Mode`."""
        return self._width(first, second) / 2.0

    def mean_and_deviation(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Those of numbers that are spread evenly between both ends."""
        return (first + second) / 2.0, (second - first) / 12.0**0.5

    def misfit(self, first: Tensor, second: Tensor) -> str:
        """See `Mode`."""
        return "lies below its lower counterpart" if bool((second < first).any()) else ""

    @staticmethod
    def _width(first: Tensor, second: Tensor) -> Tensor:
        width = second - first
        return torch.where(width == 0, EPSILON, width)


_MODES: dict[str, Mode] = {name: MeanStd() if name == "MEAN_STD" else Range() for name in STATISTICS}


class Normalizer(nn.Module):
    """Between real units and the policy's normalised, zero-padded units.

    Its buffers are the statistics that the modes need (`STATISTICS`), such as `state_mean` and `state_std`. Targets are
    what actions are normalised with, actions what they are un-normalised with.

    Args:
        config: sizes, and how states and actions are normalised.
    """

    def __init__(self, config: HumeConfig) -> None:
        super().__init__()
        self.state_dim, self.max_state_dim = config.state_dim, config.max_state_dim
        self.action_dim, self.max_action_dim = config.action_dim, config.max_action_dim
        mapping = config.normalization_mapping
        action = mapping.get("ACTION", "IDENTITY")
        self._trainable = not config.has_system1
        self.modes = {"state": mapping.get("STATE", "IDENTITY"), "target": action, "action": action}
        for name, mode in self.modes.items():
            size = config.state_dim if name == "state" else config.action_dim
            if mode in _MODES:
                for statistic, value in zip(STATISTICS[mode], _MODES[mode].neutral, strict=True):
                    self.register_buffer(f"{name}_{statistic}", torch.full((size,), value))

    def _found(self, name: str) -> tuple[Mode, Tensor, Tensor] | None:
        """How something is normalised, and its two statistics. None: it is not."""
        mode = self.modes[name]
        if mode not in _MODES:
            return None
        first, second = STATISTICS[mode]
        return _MODES[mode], self.get_buffer(f"{name}_{first}"), self.get_buffer(f"{name}_{second}")

    def check(self, folder: Path | str) -> None:
        """Refuse statistics that nothing can be normalised with.

        Args:
            folder: where they are from.

        Raises:
            CheckpointError: naming the tensor.
        """
        for name, buffer in self.named_buffers():
            wrong = buffer[~torch.isfinite(buffer)]
            if len(wrong):
                stored = _to_stored(f"normalizer.{name}")
                hint = f". `hume train system2 --set checkpoint={folder}` can start from it" if self._trainable else ""
                raise CheckpointError(
                    f"tensor '{stored}' in {folder} holds {wrong[0].item()}: the checkpoint was saved without these "
                    f"statistics of its dataset, so its numbers have no units{hint}"
                )
        for name, mode in self.modes.items():
            found = self._found(name)
            if found is not None and found[0].misfit(*found[1:]):
                stored = _to_stored(f"normalizer.{name}_{STATISTICS[mode][1]}")
                raise CheckpointError(f"tensor '{stored}' in {folder} {found[0].misfit(*found[1:])}")

    # (x - mean) / std, column by column over the training data: then radians, metres and gripper values count alike in
    # the loss, and an action has the scale of the standard normal noise that the flow starts from. Padding is 0, the
    # mean. The epsilon keeps a column that never moved (std 0) finite. There is none on the way back: a column that
    # never moved comes back as its mean exactly.

    def state_distribution(self) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation (s) of the states in training, real units. None: the checkpoint does not say."""
        found = self._found("state")
        return None if found is None else found[0].mean_and_deviation(*found[1:])

    def state(self, state: Tensor) -> Tensor:
        """Real states (..., s) to normalised, padded ones (..., S)."""
        return F.pad(self._normalised("state", state), (0, self.max_state_dim - self.state_dim))

    def action(self, action: Tensor) -> Tensor:
        """Real actions (..., a) to normalised, padded ones (..., A)."""
        return F.pad(self._normalised("target", action), (0, self.max_action_dim - self.action_dim))

    def _normalised(self, name: str, x: Tensor) -> Tensor:
        found = self._found(name)
        return x if found is None else found[0].normalise(x, *found[1:])

    def action_difference(self, difference: Tensor) -> Tensor:
        """Differences of the first k numbers of real actions (..., k) to those of normalised, padded ones (..., A)."""
        # (a - mean) / std - (b - mean) / std = (a - b) / std: of a difference the mean drops out.
        size = difference.shape[-1]
        found = self._found("target")
        if found is not None:
            difference = difference / found[0].unit(*found[1:])[:size]
        return F.pad(difference, (0, self.max_action_dim - size))

    def unnormalise(self, action: Tensor) -> Tensor:
        """Normalised, padded actions (..., A) to real units (..., a)."""
        action = action[..., : self.action_dim]
        found = self._found("action")
        return action if found is None else found[0].unnormalise(action, *found[1:])
