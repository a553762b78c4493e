"""The training loop that all objectives share."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from hume_core.durations import FirstUnits
from hume_core.errors import HumeError
from hume_core.json_report import json_text
from hume_training.training.config import TrainingConfig
from hume_training.training.parallel import Processes
from hume_training.training.state import MovingAverage, load_state, save_state

LOG = "log.jsonl"
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
        HumeError: the loss is not finite.
    """
    processes = Processes(config.device)
    if config.precision == "auto":
        config = replace(config, precision="bfloat16" if computes_in_bfloat16(config.device) else "float32")
    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    parameters = trained_parameters(objective.modules)
    average = MovingAverage(parameters, config.ema_decay)
    optimizer = _optimizer(config, objective)
    batch_size = config.batch_size * processes.count
    identity = {"kind": type(objective).__name__, **config.to_dict(), "batch_size": batch_size}
    arguments = (objective.modules, average, {"adamw": optimizer})
    start = load_state(folder, *arguments, identity)
    log = _Log(folder, config, start, processes)
    stop = _StopSignal()
    last = min(config.steps, stop_after or config.steps)
    numbers: dict[str, float] = {}
    evaluating = processes.main and config.evaluate_every > 0
    step = start
    rest = FirstUnits(last - start if processes.main else 0, "steps", after=_FIRST_STEPS)
    with _progress(processes.main) as progress, stop:
        bar = progress.add_task("training", total=config.steps, completed=start)
        for step in range(start, last):
            info = _step(config, objective, optimizer, list(parameters.values()), step, processes)
            objective.after_step()
            average.update(step)
            numbers = log.add(step, info) or numbers
            progress.update(bar, advance=1, description=bar_text(numbers))
            rest.done()
            done = step + 1
            ending = processes.any(done == last or stop.requested)
            if processes.main and (done % config.save_every == 0 or ending):
                save_state(folder, done, *arguments, identity)
                with average.applied():
                    objective.export(folder / "checkpoint")
            if evaluating and evaluate is not None and done % config.evaluate_every == 0:
                with average.applied():
                    log.write({"step": done, **evaluate(done)})
            if ending:
                start = done
                break
    if processes.main:
        with average.applied():
            objective.export(folder / "checkpoint")
    log.close()
    processes.wait()
    return TrainingOutcome(start, start >= config.steps, numbers)


def bar_text(numbers: Mapping[str, float]) -> str:
    """Text of the bar. Blank until the first means are known."""
    return f"loss {numbers['loss']:.4f}" if "loss" in numbers else ""


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
    groups = [
        {"params": [parameter for parameter in module.parameters() if parameter.requires_grad],
         "factor": factors.get(key, 1.0)}
        for key, module in objective.modules.items()
    ]  # fmt: skip
    groups = [group for group in groups if group["params"]]
    betas = (config.beta1, config.beta2)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas, weight_decay=config.weight_decay)


def _step(
    config: TrainingConfig,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    parameters: list[nn.Parameter],
    step: int,
    processes: Processes,
) -> dict[str, Tensor]:
    rate = learning_rate(config, step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    kind = torch.device(config.device).type
    with torch.autocast(kind, torch.bfloat16, enabled=config.precision == "bfloat16"):
        loss, info = objective.loss(processes.part(step))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(parameters)
    norm = torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm)
    if not torch.isfinite(norm):
        raise HumeError(f"the gradient of step {step} is not finite; lower learning_rate or use float32")
    optimizer.step()
    return processes.average({"loss": loss.detach(), "gradient_norm": norm, **info})


class _Log:
    """Means of the logged numbers, one JSON object per line. Optionally TensorBoard. Only the main process writes."""

    def __init__(self, folder: Path, config: TrainingConfig, start: int, processes: Processes) -> None:
        self._config, self._batch_size = config, config.batch_size * processes.count
        path = folder / LOG if processes.main else Path(os.devnull)
        kept = path.read_text(encoding="utf-8").splitlines() if path.is_file() and start else []
        kept = [line for line in kept if json.loads(line).get("step", 0) <= start]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        self._sums: dict[str, float] = {}
        self._count, self._started = 0, time.monotonic()
        self._writer = _tensorboard(folder) if config.tensorboard and processes.main else None

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
        if self._writer is not None:
            for name, value in numbers.items():
                self._writer.add_scalar(name, value, numbers["step"])

    def close(self) -> None:
        """End of the run."""
        self._file.close()
        if self._writer is not None:
            self._writer.close()


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise HumeError("tensorboard is not installed; pip install tensorboard, or set tensorboard: false") from error
    return SummaryWriter(str(folder / "tensorboard"))


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
