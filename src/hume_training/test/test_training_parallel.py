"""Two processes train as one does with the whole batch, and end with the same weights."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hume_core.errors import ConfigError
from hume_training.training.loop import train
from hume_training.training.parallel import Processes
from hume_training.training.system2 import new_checkpoint
from hume_training.training.taught import taught_rows

SCRIPT = Path(__file__).with_name("parallel_trainings.py")


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trainings = _load(SCRIPT)


@pytest.fixture(scope="module")
def start(dataset: Path, data: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    config = trainings.system2_config(dataset, folder)
    new_checkpoint(config, taught_rows(config, data), folder)
    return folder


@pytest.fixture(scope="module")
def parallel(dataset: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of what two processes trained."""
    output = tmp_path_factory.mktemp("parallel")
    trainings.in_two_processes("whole", dataset, start, output)
    return output


class Halves:
    """One process that does the work of two: the loss is the mean of the halves of a batch."""

    def __init__(self, objective: Any) -> None:
        self._objective, self.modules = objective, objective.modules
        self.after_step, self.learning_rates = objective.after_step, objective.learning_rates
        self.export = objective.export

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        (one, first), (other, second) = self._objective.loss(2 * step), self._objective.loss(2 * step + 1)
        return 0.5 * (one + other), {name: 0.5 * (first[name] + second[name]) for name in first}


def _log(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "samples_per_second"} for line in lines]


def _same(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", ["line", "system2"])
def test_all_processes_end_with_the_same_weights(parallel: Path, name: str) -> None:
    first, second = (load_file(parallel / f"{name}{index}.safetensors") for index in range(2))
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


def test_two_processes_are_one_with_the_whole_batch(parallel: Path, tmp_path: Path) -> None:
    config = trainings.line_config(tmp_path)
    line = trainings.Line(config)
    train(config, line)
    found = load_file(parallel / "line0.safetensors")
    _same(found, trainings.weights(line))
    assert found["line.first"] != 0.0
    for two, one in zip(_log(parallel / "line"), _log(tmp_path), strict=True):
        assert two == pytest.approx(one, rel=1e-3)
    assert (parallel / "line" / "checkpoint" / "exported").is_file()


def test_two_processes_train_system2_as_one_does_with_both_halves(
    parallel: Path, dataset: Path, start: Path, tmp_path: Path
) -> None:
    half = trainings.system2_config(dataset, tmp_path, batch_size=2)
    objective = trainings.system2_objective(half, start)
    before = trainings.weights(objective)
    train(half, Halves(objective))  # type: ignore[arg-type]
    found, wanted = load_file(parallel / "system20.safetensors"), trainings.weights(objective)
    # The gradient of a key's bias is 0 but for rounding, which the optimizer blows up to full steps.
    names = [name for name in wanted if not name.endswith("k_proj.bias")]
    way, difference = (
        torch.cat([(wanted[name] - other[name]).flatten() for name in names]).norm() for other in (before, found)
    )
    assert difference < 1e-3 * way
    for two, one in zip(_log(parallel / "system2"), _log(tmp_path), strict=True):
        assert two == pytest.approx(one, rel=1e-3)


def test_a_run_of_two_processes_may_go_on_with_one(parallel: Path, dataset: Path, start: Path) -> None:
    config = trainings.system2_config(dataset, parallel / "system2")
    assert train(config, trainings.system2_objective(config, start)).steps == 3


def test_one_process_has_the_whole_batch_and_no_helper() -> None:
    processes, config = Processes("cpu"), trainings.line_config(Path("unused"))
    assert (processes.count, processes.main, processes.part(7)) == (1, True, 7)
    assert processes.share(config) is config
    processes.wait()
    processes.close()


def test_refuses_a_batch_that_cannot_be_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes("cpu")
    monkeypatch.setattr(processes, "count", 3)
    with pytest.raises(ConfigError, match="batch_size 8 cannot be divided among 3 processes"):
        processes.share(trainings.line_config(Path("unused")))
