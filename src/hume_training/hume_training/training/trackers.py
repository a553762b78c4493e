"""Where the numbers of a training go besides `log.jsonl`: the trackers of accelerate."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from hume_core.errors import ConfigError, HumeError
from hume_training.training.base_config import TrainingConfig

PROJECT = "hume"
"""Project of wandb and trackio that the runs are in."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported. A folder of its name, such as wandb leaves behind, is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


def check_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker whose package is missing, or wandb where nobody is logged in.

    Raises:
        ConfigError: says what to type.
    """
    for name in names:
        if not is_installed(name):
            raise ConfigError(
                f"tracker '{name}' needs the package {name}, which is not installed. "
                f"Install it with: ./hume python -m pip install {name}"
            )
    if "wandb" in names and os.environ.get("WANDB_MODE") not in ("offline", "disabled", "shared") and not _logged_in():
        raise ConfigError("nobody is logged in to wandb. Run: ./hume python -m wandb login. Or set WANDB_MODE=offline")


def _logged_in() -> bool:
    try:
        return bool(import_module("wandb").login(prompt=False))
    except TypeError:
        # Older versions cannot be asked. They say it themselves when the run starts.
        return True


class Trackers:
    """The trackers of a run, started.

    Args:
        folder: of the run. TensorBoard's files go into `tensorboard/` there.
        config: names the trackers. They note it.

    Raises:
        HumeError: a tracker does not start, for example because nobody is logged in.
    """

    def __init__(self, folder: Path, config: TrainingConfig) -> None:
        self._running: list[Any] = []
        if not config.tracker:
            return
        from accelerate import PartialState

        # The trackers ask it whether this is the main process.
        PartialState(cpu=torch.device(config.device).type == "cpu")
        content = {name: _plain(value) for name, value in config.to_dict().items()}
        for name in config.tracker:
            try:
                tracker = _tracker(name, folder)
                tracker.start()
                if name != "tensorboard":
                    tracker.store_init_configuration(content)
            except Exception as error:
                reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
                raise HumeError(f"tracker '{name}' does not start: {reason}. Or leave it out of tracker") from error
            self._running.append(tracker)

    def log(self, numbers: Mapping[str, Any]) -> None:
        """Numbers of a step, which is one of them."""
        values = {name: value for name, value in numbers.items() if name != "step"}
        for tracker in self._running:
            tracker.log(values, step=numbers["step"])

    def close(self) -> None:
        """End of the run."""
        for tracker in self._running:
            tracker.finish()


def _tracker(name: str, folder: Path) -> Any:
    from accelerate.tracking import TensorBoardTracker, TrackioTracker, WandBTracker

    if name == "tensorboard":
        return TensorBoardTracker("tensorboard", str(folder))
    if name == "wandb":
        return WandBTracker(PROJECT, name=folder.name, dir=str(folder))
    return TrackioTracker(PROJECT, name=folder.name)


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
