"""The plot of `hume evaluate`, from figures that were made up."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from hume_training.evaluation.intervals import wilson
from hume_training.evaluation.plot import plot_success


def drawn(report: dict[str, Any], path: Path) -> set[str]:
    """The words of the plot."""
    plot_success(report, path)
    root = ElementTree.fromstring(path.read_bytes())
    return {str(element.text) for element in root.iter("{http://www.w3.org/2000/svg}text")}


def report_of(successes: tuple[int, ...], checkpoint: str = "org/name", seed: int = 3) -> dict[str, Any]:
    variants = {
        f"n{k + 1}": {"success": count / 40, "ci95": list(wilson(count, 40)), "episodes": 40}
        for k, count in enumerate(successes)
    }
    differences = {
        f"n1_minus_n{k + 1}": {"mean": (successes[0] - count) / 40, "ci95": [-0.2 + k, 0.9]}
        for k, count in enumerate(successes)
        if k
    }
    return {
        "suite": {"name": "hard"}, "checkpoint": checkpoint, "seed": seed, "variants": variants,
        "differences": differences,
    }  # fmt: skip


@pytest.mark.parametrize("successes", [(0, 40), (33, 21, 40), (1,)])
def test_every_variant_has_a_bar_with_its_success(tmp_path: Path, successes: tuple[int, ...]) -> None:
    report = report_of(successes)
    texts = drawn(report, tmp_path / "new" / "a.svg")
    assert set(report["variants"]) <= texts
    assert {f"{100 * count / 40:.0f} %" for count in successes} <= texts
    assert {"suite hard, the same 40 episodes for each variant", "success, % of the episodes, with 95 % interval"} <= (
        texts
    )


@pytest.mark.parametrize(
    ("checkpoint", "shown"),
    [("org/name", "org/name"), ("runs/value/checkpoint", "runs/value/checkpoint"), ("/somewhere/else/mine", "mine")],
)
@pytest.mark.parametrize("seed", [0, 12])
def test_the_title_names_checkpoint_and_seed(tmp_path: Path, checkpoint: str, shown: str, seed: int) -> None:
    texts = drawn(report_of((3, 4), checkpoint, seed), tmp_path / "a.svg")
    assert f"checkpoint {shown}, seed {seed}" in texts


@pytest.mark.parametrize("successes", [(33, 21), (10, 40, 12)])
def test_paired_differences_stand_beside_the_bars(tmp_path: Path, successes: tuple[int, ...]) -> None:
    texts = drawn(report_of(successes), tmp_path / "a.svg")
    assert "n1 minus this, points, paired, 95 %" in texts
    for count in successes[1:]:
        assert f"{100 * (successes[0] - count) / 40:+.0f}" in texts


def test_one_variant_alone_has_no_differences(tmp_path: Path) -> None:
    assert not any("minus" in text for text in drawn(report_of((7,)), tmp_path / "a.svg"))
