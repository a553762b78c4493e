"""The log of a training: means of its numbers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from hume_core.json_report import json_text
from hume_training.training.config import TrainingConfig
from hume_training.training.parallel import Processes
from hume_training.training.trackers import Trackers

LOG = "log.jsonl"


class TrainingLog:
    """Means of the logged numbers, one JSON object per line, and trackers. Only the main process writes.

    Args:
        folder: of the run.
        config: how often, and which trackers.
        start: steps that were done before. What was logged of later ones is forgotten.
        processes: of the training.

    Raises:
        HumeError: a tracker does not start.
    """

    def __init__(self, folder: Path, config: TrainingConfig, start: int, processes: Processes) -> None:
        self._config, self._batch_size = config, config.batch_size * processes.count
        path = folder / LOG if processes.main else Path(os.devnull)
        kept = path.read_text(encoding="utf-8").splitlines() if path.is_file() and start else []
        kept = [line for line in kept if json.loads(line).get("step", 0) <= start]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        self._sums: dict[str, float] = {}
        self._count, self._started = 0, time.monotonic()
        self._trackers = Trackers(folder, config) if processes.main else None

    def add(self, step: int, info: Mapping[str, Tensor]) -> dict[str, float] | None:
        """Numbers of a step. The means every `log_every` steps."""
        for name, value in info.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
        self._count += 1
        if (step + 1) % self._config.log_every:
            return None
        means = {name: total / self._count for name, total in self._sums.items()}
        elapsed = time.monotonic() - self._started
        rate = self._count * self._batch_size / elapsed
        self._sums, self._count, self._started = {}, 0, time.monotonic()
        self.write({"step": step + 1, **means, "samples_per_second": rate})
        return means

    def write(self, numbers: Mapping[str, Any]) -> None:
        """One line."""
        rounded = {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in numbers.items()}
        self._file.write(json_text(rounded) + "\n")
        self._file.flush()
        if self._trackers is not None:
            self._trackers.log(numbers)

    def close(self) -> None:
        """End of the run."""
        self._file.close()
        if self._trackers is not None:
            self._trackers.close()
