"""Normalizer: LeRobot's formulas in both directions, padding, and statistics that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from hume_core.config import HumeConfig
from hume_core.config_fields import STATISTICS
from hume_core.errors import CheckpointError
from hume_core.normalization import Normalizer

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a" / "config.json"
FOLDER = "some/folder"
ROWS = 5


def normalizer(state: str = "MEAN_STD", action: str = "MEAN_STD", **changes: Any) -> Normalizer:
    content = json.loads(FIXTURE.read_text())
    mapping = {"VISUAL": "IDENTITY", "STATE": state, "ACTION": action}
    return Normalizer(HumeConfig.from_dict(content | {"normalization_mapping": mapping} | changes))


def fill(found: Normalizer, name: str, first: torch.Tensor, second: torch.Tensor) -> None:
    mode = found.modes[name]
    for statistic, values in zip(STATISTICS[mode], (first, second), strict=True):
        found.get_buffer(f"{name}_{statistic}").copy_(values)


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lerobot(mode: str, x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """What LeRobot's normalisation gives, in float64."""
    x, first, second = x.double(), first.double(), second.double()
    if mode == "MEAN_STD":
        return (x - first) / (second + 1e-8)
    width = second - first
    return 2.0 * (x - first) / torch.where(width == 0, 1e-8, width) - 1.0


@pytest.mark.parametrize("mode", STATISTICS)
def test_formulas_of_states_and_actions(mode: str) -> None:
    found = normalizer(mode, mode)
    for name, size in (("state", 8), ("target", 7)):
        x, first = numbers(ROWS, size, seed=size), numbers(size, seed=1)
        second = first.abs() + 0.5
        fill(found, name, first, second)
        normalised = getattr(found, "state" if name == "state" else "action")(x)
        assert normalised.shape == (ROWS, 32)
        torch.testing.assert_close(normalised[:, :size].double(), lerobot(mode, x, first, second), rtol=1e-5, atol=1e-5)
        assert (normalised[:, size:] == 0).all()


@pytest.mark.parametrize("mode", [*STATISTICS, "IDENTITY"])
def test_both_directions_are_inverse(mode: str) -> None:
    found = normalizer(action=mode)
    if mode in STATISTICS:
        first = numbers(7)
        for name in ("target", "action"):
            fill(found, name, first, first.abs() + 0.3)
    actions = numbers(3, 4, 7, seed=2)
    torch.testing.assert_close(found.unnormalise(found.action(actions)), actions, rtol=1e-4, atol=1e-5)
    difference = found.action(actions) - found.action(actions + 0.1)
    expected = found.action_difference(torch.full((1, 7), -0.1))
    torch.testing.assert_close(difference[..., :7], expected[..., :7].expand(3, 4, 7), rtol=1e-3, atol=1e-4)
    assert found.action_difference(numbers(2, 3)).shape == (2, 32)


@pytest.mark.parametrize("mode", ["MIN_MAX", "QUANTILES", "QUANTILE10"])
@pytest.mark.parametrize("value", [0.0, -3.25, 1e4])
def test_a_constant_number_is_the_lower_end_of_its_range(mode: str, value: float) -> None:
    found = normalizer(mode, mode)
    for name, size in (("state", 8), ("target", 7), ("action", 7)):
        fill(found, name, torch.full((size,), value), torch.full((size,), value))
    assert (found.state(torch.full((1, 8), value))[..., :8] == -1.0).all()
    for given in (-1.0, 0.0, 1.0):
        assert torch.allclose(found.unnormalise(torch.full((1, 32), given)), torch.tensor(value))


def test_modes_are_chosen_for_state_and_action_apart() -> None:
    found = normalizer("QUANTILES", "IDENTITY")
    assert {name for name, _ in found.named_buffers()} == {"state_q01", "state_q99"}
    actions = numbers(2, 7)
    assert torch.equal(found.action(actions)[:, :7], actions)


TENSORS = {
    "state": "normalize_inputs.buffer_observation_state",
    "target": "normalize_targets.buffer_action",
    "action": "unnormalize_outputs.buffer_action",
}


@pytest.mark.parametrize("mode", STATISTICS)
@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_statistics_that_were_never_filled_are_refused_by_name(mode: str, name: str, value: float) -> None:
    found = normalizer(mode, mode)
    found.check(FOLDER)
    for statistic in STATISTICS[mode]:
        found.get_buffer(f"{name}_{statistic}").fill_(value)
        expected = rf"tensor '{TENSORS[name]}.{statistic}' in {FOLDER} holds {value}: .*without these statistics"
        with pytest.raises(CheckpointError, match=expected) as caught:
            found.check(FOLDER)
        assert "write" not in str(caught.value)
        assert "train" not in str(caught.value)
        found.get_buffer(f"{name}_{statistic}").fill_(1.0)


@pytest.mark.parametrize("mode", STATISTICS)
def test_statistics_in_the_wrong_order_are_refused(mode: str) -> None:
    found = normalizer("IDENTITY", mode)
    fill(found, "action", torch.full((7,), 0.5), torch.full((7,), -0.5))
    with pytest.raises(CheckpointError, match=rf"'unnormalize_outputs.buffer_action.{STATISTICS[mode][1]}' in"):
        found.check(FOLDER)


@pytest.mark.parametrize("mode", STATISTICS)
def test_what_the_statistics_tell_of_the_states(mode: str) -> None:
    found = normalizer(mode, "IDENTITY")
    fill(found, "state", torch.full((8,), 2.0), torch.full((8,), 6.0))
    known = found.state_distribution()
    assert known is not None
    evenly = torch.linspace(2.0, 6.0, 100_001).double()
    expected = (2.0, 6.0) if mode == "MEAN_STD" else (float(evenly.mean()), float(evenly.std()))
    for numbers_, value in zip(known, expected, strict=True):
        torch.testing.assert_close(numbers_, torch.full((8,), value), rtol=1e-4, atol=0.0)
    assert normalizer("IDENTITY").state_distribution() is None
