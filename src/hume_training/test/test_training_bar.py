"""What the bar of a training says."""

from __future__ import annotations

import pytest

from hume_training.training.loop import bar_text


@pytest.mark.parametrize("numbers", [{}, {"samples_per_second": 3.0}])
def test_before_the_first_means_it_is_blank(numbers: dict[str, float]) -> None:
    assert bar_text(numbers) == ""


@pytest.mark.parametrize(("loss", "text"), [(0.5, "loss 0.5000"), (12.34567, "loss 12.3457")])
def test_then_it_names_the_loss(loss: float, text: str) -> None:
    assert bar_text({"loss": loss, "other": 1.0}) == text
