"""The trackers of a run get what the log gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hume_core.errors import HumeError
from hume_training.training import trackers
from hume_training.training.config import TrainingConfig
from hume_training.training.log import LOG, TrainingLog
from hume_training.training.parallel import Processes


class Noted:
    """A tracker that keeps what it is told."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.started, self.finished = fails, False, False
        self.config: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, Any]]] = []

    def start(self) -> None:
        if self.fails:
            raise RuntimeError("api_key not configured\nlog in first")
        self.started = True

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.config = values

    def log(self, values: dict[str, Any], step: int) -> None:
        self.logged.append((step, values))

    def finish(self) -> None:
        self.finished = True


def _config(folder: Path, *names: str) -> TrainingConfig:
    return TrainingConfig.from_dict({"dataset": "d", "output": str(folder), "tracker": list(names)})


@pytest.mark.parametrize("names", [("wandb",), ("trackio", "tensorboard"), ("tensorboard", "wandb", "trackio")])
def test_each_gets_every_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    made = {name: Noted() for name in names}
    monkeypatch.setattr(trackers, "_tracker", lambda name, folder: made[name])
    log = TrainingLog(tmp_path, _config(tmp_path, *names), 0, Processes("cpu"))
    log.write({"step": 20, "loss": 0.5})
    log.write({"step": 40, "success": 0.25})
    log.close()
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    for name, tracker in made.items():
        assert (tracker.started, tracker.finished) == (True, True)
        assert [{"step": step, **values} for step, values in tracker.logged] == lines
        assert all(isinstance(value, bool | int | float | str) for value in tracker.config.values())
        assert bool(tracker.config) == (name != "tensorboard")


def test_one_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "_tracker", lambda name, folder: Noted(fails=True))
    with pytest.raises(HumeError, match=r"^tracker 'wandb' does not start: api_key not configured\. Or leave it out"):
        trackers.Trackers(tmp_path, _config(tmp_path, "wandb"))


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_the_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pytest.importorskip(name)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    folder = tmp_path / "run"
    folder.mkdir()
    log = TrainingLog(folder, _config(folder, name), 0, Processes("cpu"))
    log.write({"step": 20, "loss": 0.5})
    log.close()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and name in str(path)]
    assert written
