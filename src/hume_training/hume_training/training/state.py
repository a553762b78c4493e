"""Resume state on disk: weights, their moving average, optimizer moments and the step. No pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hume_core.errors import CheckpointError
from hume_training.training.sharding import is_split, split_like, whole

FILE = "resume.safetensors"


class MovingAverage:
    """Exponential moving average of trained parameters.

    Args:
        parameters: by name.
        decay: share that is kept per step. Early steps keep less, so that the start is forgotten.
    """

    def __init__(self, parameters: Mapping[str, Tensor], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self.average = {name: parameter.detach().clone() for name, parameter in parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the parameters after the n-th step (from 0) into account."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._parameters.items():
            self.average[name].lerp_(parameter.detach(), 1.0 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters hold the average inside this context."""
        kept = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._copy(self.average)
        try:
            yield
        finally:
            self._copy(kept)

    @torch.no_grad()
    def _copy(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(values[name])


def save_state(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    average: MovingAverage,
    optimizers: Mapping[str, torch.optim.Optimizer],
    config: Mapping[str, Any],
    write: bool = True,
) -> None:
    """Write everything a resumed training needs, atomically.

    Where processes split the weights, all of them have to call it at the same time.

    Args:
        folder: of the run.
        step: number of steps done.
        modules: trained modules by name. Every tensor of theirs is kept.
        average: of their trained parameters.
        optimizers: by name.
        config: of the run.
        write: this process is the one that writes.
    """
    tensors = {
        f"module.{key}.{name}": tensor
        for key, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    tensors |= {f"average.{name}": tensor for name, tensor in average.average.items()}
    for key, optimizer in optimizers.items():
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{key}.{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    if not write and not any(map(is_split, tensors.values())):
        return
    gathered = {}
    for name, tensor in tensors.items():
        found = whole(tensor.detach())
        if write:
            gathered[name] = found.cpu().clone()
    if not write:
        return
    metadata = {"step": str(step), "config": json.dumps(dict(config))}
    partial = folder / f"{FILE}.partial"
    save_file(gathered, partial, metadata)
    partial.replace(folder / FILE)


def load_state(
    folder: Path,
    modules: Mapping[str, nn.Module],
    average: MovingAverage,
    optimizers: Mapping[str, torch.optim.Optimizer],
    config: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> int:
    """Restore what `save_state` wrote.

    Args:
        folder, modules, average, optimizers, config: see `save_state`.
        defaults: what fields were that came later than the state.

    Returns:
        Number of steps done. 0 where nothing was saved.

    Raises:
        CheckpointError: the file is broken, or of a training with another configuration.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    check_state(folder, config, defaults)
    with _opened(path) as source:
        step = int(source.metadata()["step"])
        tensors = {name: source.get_tensor(name) for name in source.keys()}  # noqa: SIM118
    for key, module in modules.items():
        held = module.state_dict()
        found = _below(tensors, f"module.{key}.")
        module.load_state_dict({name: split_like(tensor, held.get(name, tensor)) for name, tensor in found.items()})
    for name, tensor in _below(tensors, "average.").items():
        average.average[name].copy_(split_like(tensor, average.average[name]))
    for key, optimizer in optimizers.items():
        _load_optimizer(optimizer, _below(tensors, f"optimizer.{key}."))
    return step


def check_state(folder: Path, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
    """Refuse a folder that holds the state of another training. See `load_state`."""
    path = folder / FILE
    if not path.is_file():
        return
    with _opened(path) as source:
        found = json.loads(source.metadata()["config"])
    _check_config(path, {**_as_json(defaults or {}), **found}, _as_json(config))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as source:
            yield source
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be resumed from: {error}. Remove it to start again") from error


MAY_CHANGE = frozenset(
    {
        "steps",
        "log_every",
        "save_every",
        "evaluate_every",
        "evaluate_episodes",
        "gradient_checkpointing",
        "tracker",
        "threads",
        "output",
        "device",
        # Only where a new model is made.
        "paligemma",
        "dinov2",
        # What they say of the dataset is compared by the checkpoint's contract.
        "joints",
        "arms",
        "grippers",
        "row",
        "state",
        "unit",
        "dataset_actions",
        "frame",
        "rotation",
        "scale",
    }
)


def _check_config(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        # A field that came later counts as left out.
        if name not in MAY_CHANGE and found.get(name, type(value)()) != value:
            raise CheckpointError(
                f"{path} belongs to a training with {name}={found.get(name)!r}, not {value!r}. "
                "Name another output folder or remove it to start again"
            )


def _as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back: lists in the place of tuples."""
    result: dict[str, Any] = json.loads(json.dumps(dict(content)))
    return result


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    content = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = split_like(tensor, parameters[int(number)])
    optimizer.load_state_dict({"state": state, "param_groups": content["param_groups"]})
