"""A merged checkpoint computes what base and adapters do, by the measure of `hume parity`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hume_tools.parity import run_parity
from hume_tools.parity.episode import check_episode
from hume_tools.parity.inference import check_inference
from hume_tools.parity.recording import Recording, load_recording
from hume_tools.parity.report import Report, as_numpy
from hume_tools.parity.training import check_training
from hume_training.training.lora import Adapters
from hume_training.training.lora_settings import LoraSettings

pytest.importorskip("peft")

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"
PARTS = {"system2": ("vision", "language", "expert"), "system1": ("vision", "stack")}


class Noted(Report):
    """Keeps what is computed in the place of what was recorded."""

    def add(self, name: str, computed: Any) -> None:
        if name in self.recorded:
            self.recorded[name] = as_numpy(computed).astype(self.recorded[name].dtype)


def adapted(recording: Recording, settings: LoraSettings) -> dict[str, Adapters]:
    """Both models with adapters that change what they compute."""
    found = {name: Adapters(getattr(recording, name), settings, PARTS[name], seed=1) for name in PARTS}
    torch.manual_seed(2)
    for adapters in found.values():
        for name, parameter in adapters.modules["adapters"].named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        for parameter in adapters.modules["projections"].parameters():
            parameter.data += 0.01 * torch.randn_like(parameter)
    return found


@pytest.mark.parametrize("settings", [LoraSettings(rank=4), LoraSettings(rank=1, alpha=3.0)], ids=["4", "1"])
def test_merged_is_base_and_adapters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: LoraSettings
) -> None:
    recording = load_recording(FIXTURE, "io.npz", torch.float32)
    before = {name: array.copy() for name, array in recording.arrays.items()}
    adapters = adapted(recording, settings)
    noted = Noted(recording.arrays)
    for check in (check_inference, check_episode, check_training):
        check(recording, noted)
    moved = [name for name in ("s2/step_velocity", "s1/step_velocity", "think_both/s1_action")
             if np.abs(recording.arrays[name] - before[name]).max() > 1e-2 * np.abs(before[name]).max()]  # fmt: skip
    assert len(moved) == 3, "the adapters change what is computed"
    merged = tmp_path / "checkpoint"
    for one in adapters.values():
        one.export(merged)
    shutil.copy(FIXTURE / "vqh_backbone.json", merged)
    np.savez(merged / "io.npz", **recording.arrays)
    assert run_parity(merged) == 0, capsys.readouterr().out
