"""The training loop that all objectives share."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from hume_core.durations import FirstUnits
from hume_core.errors import ConfigError, TrainingError
from hume_training.training.config import TrainingConfig
from hume_training.training.log import TrainingLog
from hume_training.training.parallel import Processes
from hume_training.training.sharding import clip_gradients, gathered, is_split, own_part, sharding_wanted
from hume_training.training.state import FILE, MovingAverage, load_state, save_state

_FIRST_STEPS = 20
"""After so many it is known how long the rest takes."""


class Objective(Protocol):
    """What is trained and how far off it is."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything whose tensors change, by name."""

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of the n-th step and numbers worth logging. Depends on nothing but the weights and the step.

        Of several processes each counts the parts of the batches as steps. See `Processes.part`.
        """

    def after_step(self) -> None:
        """Called after every optimizer step."""

    def learning_rates(self) -> Mapping[str, float]:
        """Factor on the learning rate of every module that does not take the plain one."""

    def export(self, folder: Path) -> None:
        """Write the checkpoint."""


@dataclass
class TrainingOutcome:
    """How a training ended: steps done, and the last logged numbers."""

    steps: int
    finished: bool
    numbers: dict[str, float] = field(default_factory=dict)


def train(
    config: TrainingConfig,
    objective: Objective,
    evaluate: Callable[[int], dict[str, float]] | None = None,
    stop_after: int | None = None,
) -> TrainingOutcome:
    """Train, resuming where the run's folder says. Writes `checkpoint/`, `log.jsonl` and the resume state.

    Args:
        config: of the run. Of several processes, this one's share of it.
        objective: what to train.
        evaluate: called with the step every `evaluate_every` steps, with the averaged weights in place.
        stop_after: stop, as SIGTERM does, after this many steps in all.

    Raises:
        CheckpointError: the folder belongs to another training.
        ConfigError: the model is split among processes, and one is to evaluate it.
        TrainingError: the loss is not finite. What was saved last stays as it is.
    """
    processes = Processes(config.device)
    if sharding_wanted() and evaluate is not None:
        raise ConfigError("evaluate_every needs the whole model in one process, which FSDP splits. Set it to 0")
    config = replace(config, precision=found_precision(config))
    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    parameters = trained_parameters(objective.modules)
    average = MovingAverage(parameters, config.ema_decay)
    optimizer = _optimizer(config, objective)
    batch_size = config.batch_size * processes.count
    own = identity(config, type(objective).__name__, batch_size)
    arguments = (objective.modules, average, {"adamw": optimizer})
    start = saved = load_state(folder, *arguments, own, config.defaults())
    stop = _StopSignal()
    last = min(config.steps, stop_after or config.steps)
    numbers: dict[str, float] = {}
    evaluating = processes.main and config.evaluate_every > 0
    rest = FirstUnits(last - start if processes.main else 0, "steps", after=_FIRST_STEPS)
    with closing(TrainingLog(folder, config, start, processes)) as log, _progress(processes.main) as progress, stop:
        bar = progress.add_task("training", total=config.steps, completed=start)
        for step in range(start, last):
            info = _gradients(config, objective, optimizer, list(parameters.values()), step, processes)
            _check_finite([info["loss"], info["gradient_norm"]], "loss and gradient", step, folder, saved)
            optimizer.step()
            objective.after_step()
            average.update(step)
            numbers = log.add(step, info) or numbers
            progress.update(bar, advance=1, description=bar_text(numbers))
            rest.done()
            done = step + 1
            ending = processes.any(done == last or stop.requested)
            if done % config.save_every == 0 or ending:
                _check_finite(parameters.values(), "weights", step, folder, saved)
                saved = done
                save_state(folder, done, *arguments, own, write=processes.main)
                _export(objective, average, folder, processes)
            if evaluating and evaluate is not None and done % config.evaluate_every == 0:
                with average.applied():
                    log.write({"step": done, **evaluate(done)})
            if ending:
                start = done
                break
    _export(objective, average, folder, processes)
    processes.wait()
    return TrainingOutcome(start, start >= config.steps, numbers)


def _export(objective: Objective, average: MovingAverage, folder: Path, processes: Processes) -> None:
    """Write the checkpoint with the averaged weights, which processes that split them gather."""
    if processes.main or sharding_wanted():
        with average.applied(), gathered(objective.modules, processes.main):
            if processes.main:
                objective.export(folder / "checkpoint")


def bar_text(numbers: Mapping[str, float]) -> str:
    """Text of the bar. Blank where the loss is not known yet."""
    loss = numbers.get("loss", math.nan)
    return f"loss {loss:.4f}" if math.isfinite(loss) else ""


def identity(config: TrainingConfig, objective: str, batch_size: int) -> dict[str, Any]:
    """What a run may only be resumed with.

    Args:
        config: of the run.
        objective: name of its class.
        batch_size: of all processes.
    """
    return {"kind": objective, **config.to_dict(), "precision": found_precision(config), "batch_size": batch_size}


def found_precision(config: TrainingConfig) -> str:
    """float32 or bfloat16: what auto means here."""
    if config.precision != "auto":
        return config.precision
    return "bfloat16" if computes_in_bfloat16(config.device) else "float32"


def computes_in_bfloat16(device: str) -> bool:
    """Whether a torch device has instructions for bfloat16."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def trained_parameters(modules: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """Parameters that take gradients, by name."""
    return {
        f"{key}.{name}": parameter
        for key, module in modules.items()
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    }


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Linear warm-up, then a cosine to the final rate."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    share = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    low, high = config.final_learning_rate, config.learning_rate
    return low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * min(1.0, share)))


def _optimizer(config: TrainingConfig, objective: Objective) -> torch.optim.Optimizer:
    factors = objective.learning_rates()
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in module.parameters() if parameter.requires_grad],
         "factor": factors.get(key, 1.0)}
        for key, module in objective.modules.items()
    ]  # fmt: skip
    groups = [group for group in groups if group["params"]]
    betas = (config.beta1, config.beta2)
    # The fused loops take no mixture of whole and split parameters.
    split = any(is_split(parameter) for group in groups for parameter in group["params"])
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=betas,
        weight_decay=config.weight_decay,
        foreach=False if split else None,
    )


def _gradients(
    config: TrainingConfig,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    step: int,
    processes: Processes,
) -> dict[str, Tensor]:
    """Compute the gradients of a step. Its loss, their norm and more, the same in all processes."""
    rate = learning_rate(config, step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    kind = torch.device(config.device).type
    with torch.autocast(kind, torch.bfloat16, enabled=config.precision == "bfloat16"):
        loss, info = objective.loss(processes.part(step))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(parameters)
    norm = clip_gradients(parameters, config.clip_norm)
    return processes.average({"loss": loss.detach(), "gradient_norm": norm, **info})


def _check_finite(tensors: Iterable[Tensor], what: str, step: int, folder: Path, saved: int) -> None:
    """Stop before numbers that are none reach the weights or the disk.

    Raises:
        TrainingError: says which step is on disk, and how to go on from there.
    """
    if all(bool(torch.isfinite(own_part(tensor)).all()) for tensor in tensors):
        return
    kept = f"{folder / FILE} and the checkpoint keep step {saved}" if saved else "No step was saved yet"
    raise TrainingError(
        f"the {what} of step {step + 1} are not finite. {kept}. Lower learning_rate, or set precision to float32, and "
        "train into another output folder"
    )


class _StopSignal:
    """Notes SIGTERM and SIGINT, so that the current step is finished and saved."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> None:
        self._before: dict[int, Any] = {}
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._before[number] = signal.signal(number, self._note)
            except ValueError:  # not the main thread
                return

    def _note(self, number: int, frame: Any) -> None:
        self.requested = True

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _progress(shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), disable=not shown
    )
