"""Training with several processes that `accelerate launch` starts, each on a device and a part of the batch of its own.

Nothing here takes effect, and accelerate is not imported, where there is one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_training.training.base_config import ConfigType
from hume_training.training.sharding import is_split

_LONGEST_WAIT = timedelta(days=1)
"""How long processes wait for the main one, which alone evaluates and lets System 2 propose."""


class Processes:
    """The processes of a training. The first one made joins them. Later ones are about the same.

    Args:
        device: torch device that was asked for. Of several GPUs each process takes its own.

    Attributes:
        count: how many there are.
        index: of this one. 0 is the main one, which alone logs, saves, evaluates and exports.
        device: of this one.
    """

    def __init__(self, device: str) -> None:
        self.count, self.index, self.device = 1, 0, device
        self._state: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            on_cpu = torch.device(device).type == "cpu"
            self._state = PartialState(cpu=on_cpu, timeout=_LONGEST_WAIT)
            self.count, self.index = self._state.num_processes, self._state.process_index
            self.device = device if on_cpu else str(self._state.device)

    @property
    def main(self) -> bool:
        """This is the main process."""
        return self.index == 0

    def share(self, config: ConfigType) -> ConfigType:
        """The configuration of one process: its device, and its part of the batch.

        Raises:
            ConfigError: the batch cannot be divided equally.
        """
        if self.count == 1:
            return config
        if config.batch_size % self.count:
            raise ConfigError(f"batch_size {config.batch_size} cannot be divided among {self.count} processes equally")
        return replace(config, batch_size=config.batch_size // self.count, device=self.device)

    def part(self, step: int) -> int:
        """Which of all parts of batches, counted from the first step on, is this process's part of a step."""
        return step * self.count + self.index

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace the gradients by their mean over the processes. One that is missing counts as 0.

        Those of split parameters are means already.
        """
        if self.count == 1:
            return
        parameters = [parameter for parameter in parameters if not is_split(parameter)]
        present = self._reduce(torch.tensor([parameter.grad is not None for parameter in parameters]).float(), "sum")
        for parameter, processes in zip(parameters, present.tolist(), strict=True):
            if processes:
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = self._reduce(gradient, "mean")

    def average(self, numbers: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Means of scalars over the processes."""
        if self.count == 1:
            return dict(numbers)
        stacked = torch.stack([number.detach().float().to(self.device) for number in numbers.values()])
        return dict(zip(numbers, self._reduce(stacked, "mean"), strict=True))

    def any(self, flag: bool) -> bool:
        """The flag is set in one of the processes at least."""
        return flag if self.count == 1 else bool(self._reduce(torch.tensor(float(flag)), "sum") > 0)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The main process goes through this context alone, then the others, which find what it wrote."""
        if not self.main:
            self.wait()
        yield
        if self.main:
            self.wait()

    def close(self) -> None:
        """Leave the group of processes, after the last use."""
        if self._state is not None:
            self._state.destroy_process_group()

    def _reduce(self, tensor: Tensor, how: str) -> Tensor:
        from accelerate.utils import reduce

        reduced: Tensor = reduce(tensor.to(self.device), how)
        return reduced
