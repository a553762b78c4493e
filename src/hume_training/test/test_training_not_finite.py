"""A loss that is no number ends the training, and what was saved before stays as it was."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from hume_core.errors import TrainingError
from hume_training.training.config import TrainingConfig
from hume_training.training.loop import bar_text, train


class Parabola:
    """One weight whose loss is another number from a step on.

    Args:
        spoilt: step from which it is.
        factor: what the loss is multiplied with then, made of the weight.
        rate: factor on the learning rate.
    """

    def __init__(self, spoilt: int, kind: str = "nan", rate: float = 1.0) -> None:
        self.modules: dict[str, nn.Module] = {"one": nn.ParameterDict({"weight": nn.Parameter(torch.tensor(3.0))})}
        self._spoilt, self._kind, self._rate = spoilt, kind, rate

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        weight = self.modules["one"]["weight"]
        loss = weight.square()
        if step >= self._spoilt:
            # The root of 0 is 0, and its gradient is none.
            loss = loss + (0.0 * weight).sqrt() if self._kind == "gradient" else loss * float(self._kind)
        return loss, {}

    def after_step(self) -> None:
        pass

    def learning_rates(self) -> dict[str, float]:
        return {"one": self._rate}

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "weight").write_text(str(float(self.modules["one"]["weight"].detach())))


def _config(output: Path, **changes: object) -> TrainingConfig:
    content = {"dataset": "none", "output": str(output), "steps": 10, "batch_size": 1, "warmup_steps": 0}
    return TrainingConfig.from_dict(content | {"save_every": 3, "log_every": 2} | changes)


@pytest.mark.parametrize("kind", ["nan", "inf", "-inf", "gradient"])
@pytest.mark.parametrize("spoilt", [0, 2, 7])
def test_it_stops_and_keeps_the_last_good_state(tmp_path: Path, kind: str, spoilt: int) -> None:
    config, saved = _config(tmp_path), 3 * (spoilt // 3)
    objective = Parabola(spoilt, kind)
    with pytest.raises(TrainingError, match=rf"the loss and gradient of step {spoilt + 1} are not finite\. ") as raised:
        train(config, objective)
    assert math.isfinite(float(objective.modules["one"]["weight"].detach()))
    state = tmp_path / "resume.safetensors"
    assert state.is_file() == bool(saved)
    if saved:
        assert f"keep step {saved}." in str(raised.value)
        with safe_open(state, framework="pt") as source:
            assert source.metadata()["step"] == str(saved)
            assert torch.isfinite(source.get_tensor("module.one.weight"))
        assert math.isfinite(float((tmp_path / "checkpoint" / "weight").read_text()))
    else:
        assert "No step was saved yet." in str(raised.value)
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in logged] == list(range(2, spoilt + 1, 2))


def test_it_goes_on_from_there_when_the_cause_is_gone(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        train(_config(tmp_path / "one"), Parabola(5))
    assert train(_config(tmp_path / "one"), Parabola(99)).finished
    assert train(_config(tmp_path / "whole"), Parabola(99)).finished
    weights = [(tmp_path / name / "checkpoint" / "weight").read_text() for name in ("one", "whole")]
    assert weights[0] == weights[1]


class Slope(Parabola):
    """One weight that goes down by one learning rate a step, near the largest number that there is."""

    def __init__(self, rate: float) -> None:
        super().__init__(99, rate=rate)
        self.modules = {"one": nn.ParameterDict({"weight": nn.Parameter(torch.tensor(-3.4e38))})}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.modules["one"]["weight"] + 0.0, {}


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    config = _config(tmp_path, save_every=1, weight_decay=0.0)
    with pytest.raises(TrainingError, match=r"the weights of step 1 are not finite\. No step was saved yet\."):
        train(config, Slope(1e40))
    assert not (tmp_path / "resume.safetensors").exists()
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_the_bar_never_shows_what_is_no_number(loss: float) -> None:
    assert bar_text({"loss": loss}) == ""
