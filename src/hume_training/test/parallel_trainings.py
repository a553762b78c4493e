"""Trainings that one or several processes run alike. As a script, one of the processes, which keeps its weights."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hume_system2.model import System2
from hume_training.data.reader import load_demonstrations
from hume_training.training.config import System2Config, TrainingConfig
from hume_training.training.loop import train
from hume_training.training.parallel import Processes
from hume_training.training.sampling import batch_indices
from hume_training.training.sharding import is_split
from hume_training.training.system2 import System2Objective
from hume_training.training.taught import taught_rows

_POINTS = 40
SHARDED: dict[str, dict[str, Any]] = {
    "everything": {},
    "recomputed": {"gradient_checkpointing": True},
    "lora": {"lora": {"rank": 4}, "gradient_checkpointing": True},
}
"""Trainings with FSDP, by name."""


class Line:
    """A line through points: its loss has no random numbers. One weight learns from the first point alone."""

    def __init__(self, config: TrainingConfig) -> None:
        self._config = config
        network = nn.ParameterDict({name: nn.Parameter(torch.zeros(())) for name in ("slope", "offset", "first")})
        self.modules: dict[str, nn.Module] = {"line": network}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        weights = self.modules["line"]
        points = torch.from_numpy(batch_indices(_POINTS, self._config.batch_size, self._config.seed, step))
        x = points.float() / _POINTS
        loss = (weights["slope"] * x + weights["offset"] - (2.0 - 3.0 * x)).square().mean()
        if 0 in points:
            loss = loss + weights["first"] * (points == 0).float().mean()
        return loss, {"points": x.mean()}

    def after_step(self) -> None:
        pass

    def learning_rates(self) -> dict[str, float]:
        return {}

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "exported").touch()


def line_config(output: Path, **changes: object) -> TrainingConfig:
    content = {"dataset": "none", "output": str(output), "steps": 12, "batch_size": 8, "warmup_steps": 2}
    return TrainingConfig.from_dict(content | {"log_every": 4, "learning_rate": 1e-2} | changes)


def system2_config(dataset: Path, output: Path, **changes: object) -> System2Config:
    content = {"dataset": str(dataset), "output": str(output), "steps": 3, "batch_size": 4, "warmup_steps": 2}
    return System2Config.from_dict(content | {"log_every": 1, "learning_rate": 1e-2} | changes)


def system2_objective(config: System2Config, start: Path) -> System2Objective:
    rows = taught_rows(config, load_demonstrations(Path(config.dataset)))
    return System2Objective(config, rows, System2.from_pretrained(start))


def weights(objective: object) -> dict[str, Tensor]:
    """Of all modules, by name."""
    modules: dict[str, nn.Module] = objective.modules  # type: ignore[attr-defined]
    tensors = {
        f"{key}.{name}": tensor for key, module in modules.items() for name, tensor in module.state_dict().items()
    }
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def sharded(dataset: Path, start: Path, output: Path) -> None:
    """Trainings whose weights the processes split. Each writes down which it holds a part of."""
    processes = Processes("cpu")
    for name, changes in SHARDED.items():
        config = processes.share(system2_config(dataset, output / name, checkpoint=str(start), **changes))
        train(config, system2_objective(config, start), stop_after=2)
        objective = system2_objective(config, start)
        split = [name for name, tensor in _parameters(objective).items() if is_split(tensor)]
        (output / f"{name}{processes.index}.txt").write_text("\n".join(split))
        assert train(config, objective).finished
    processes.close()


def _parameters(objective: System2Objective) -> dict[str, Tensor]:
    return dict(objective.system2.network.named_parameters())


def in_two_processes(kind: str, *folders: Path, **environment: str) -> None:
    """Run this script in two processes on the CPU."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", __file__, kind]
    done = subprocess.run(
        [*command, *map(str, folders)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-4000:]


def main(dataset: Path, start: Path, output: Path) -> None:
    processes = Processes("cpu")
    config = processes.share(line_config(output / "line"))
    line = Line(config)
    train(config, line)
    save_file(weights(line), output / f"line{processes.index}.safetensors")
    shared = processes.share(system2_config(dataset, output / "system2"))
    train(shared, system2_objective(shared, start), stop_after=2)
    resumed = system2_objective(shared, start)
    assert train(shared, resumed).finished
    save_file(weights(resumed), output / f"system2{processes.index}.safetensors")
    processes.close()


if __name__ == "__main__":
    {"whole": main, "sharded": sharded}[sys.argv[1]](*map(Path, sys.argv[2:]))
