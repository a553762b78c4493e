"""`hume train system2|system1|value`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from hume_core.console import say
from hume_core.errors import ConfigError
from hume_core.yaml_file import parse_yaml
from hume_training.training.config import System1Config, System2Config, TrainingConfig, ValueConfig
from hume_training.training.dataset import training_data
from hume_training.training.parallel import Processes
from hume_training.training.setup_check import check_setup

CONFIGS: dict[str, type[TrainingConfig]] = {"system2": System2Config, "system1": System1Config, "value": ValueConfig}


def run_train(kind: str, config: Path, changes: Sequence[str] = (), stop_after: int | None = None) -> int:
    """Train, resuming where the run's folder says. 0 when it is finished, 1 when it was stopped before.

    Args:
        kind: "system2", "system1" or "value".
        config: YAML file.
        changes: "field=value" each, stronger than the file.
        stop_after: steps in all, of a schedule that may be longer.

    Raises:
        ConfigError: an unknown kind, the configuration is wrong, or the batch cannot be shared by the processes.
        DatasetError: the dataset cannot be used.
        TrainingError: the loss is not finite.
        CheckpointError: the checkpoint cannot be loaded, or the run's folder belongs to another training.
    """
    settings = _load(kind, config, changes)
    if kind != "system2" and not settings.checkpoint:
        raise ConfigError("training field 'checkpoint' is missing: the folder that `hume train system2` wrote")
    check_setup(settings)
    processes = Processes(settings.device)
    share = processes.share(settings)
    if processes.count > 1:
        # The first time a dataset is read it is decoded into files, which the others then find.
        if processes.main:
            training_data(settings)
        processes.wait()
    if processes.main:
        say(f"{settings.steps} steps of {settings.batch_size} samples. The first ones tell how long they take")
    outcome = _train(share, stop_after)
    if processes.main:
        Console(stderr=True).print(f"{outcome.steps} of {settings.steps} steps are done; {settings.output}/checkpoint")
    processes.close()
    return 0 if outcome.finished else 1


def run_plan(kind: str, config: Path, changes: Sequence[str] = ()) -> str:
    """A table of the memory that the training would take. See `run_train` and `plan_text`."""
    from hume_training.training.plan import plan_text

    return plan_text(_load(kind, config, changes))


def _load(kind: str, config: Path, changes: Sequence[str]) -> TrainingConfig:
    if kind not in CONFIGS:
        raise ConfigError(f"'{kind}' cannot be trained. Valid: {', '.join(CONFIGS)}")
    return CONFIGS[kind].load(config, _parse(changes))


def _train(settings: TrainingConfig, stop_after: int | None) -> Any:
    if isinstance(settings, System2Config):
        from hume_training.training.system2 import train_system2

        return train_system2(settings, stop_after)
    if isinstance(settings, System1Config):
        from hume_training.training.system1 import train_system1

        return train_system1(settings, stop_after)
    from hume_training.training.value import train_value

    assert isinstance(settings, ValueConfig)
    return train_value(settings, stop_after)


def _parse(changes: Sequence[str]) -> dict[str, Any]:
    pairs = {}
    for text in changes:
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"'{text}' is no change. Write it as field=value")
        pairs[name] = parse_yaml(value, f"the change '{name}'")
    return pairs
