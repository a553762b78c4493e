"""The bench of datasets: every frame is read once in each epoch, and another loader's figures stand beside ours."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hume_bench import dataset
from hume_core.errors import DatasetError


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "SIDE", 64)
    monkeypatch.setattr(dataset, "EPISODE", 40)


def test_both_epochs_read_every_frame(tmp_path: Path) -> None:
    assert dataset.run_bench(tmp_path / "found.json", 130) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert [epoch["frames"] for epoch in found["epochs"]] == [130, 130]
    assert found["decoded_mb"] == pytest.approx(130 * 2 * 64 * 64 * 3 / 2**20, rel=0.05)
    assert 0.0 < found["stored_mb"] < found["decoded_mb"]
    assert all(0.0 < epoch["first_batch_s"] <= epoch["epoch_s"] for epoch in found["epochs"])
    assert all(0.0 < epoch["own_mb"] < epoch["resident_mb"] for epoch in found["epochs"])


@pytest.mark.parametrize("python", [sys.executable, "/no/such/python"])
def test_a_python_without_lerobot_is_one_line(python: str) -> None:
    with pytest.raises(DatasetError, match=r"cannot read the dataset: .* It must have lerobot\[dataset\]") as caught:
        dataset.run_bench(None, 100, python)
    assert "\n" not in str(caught.value)
