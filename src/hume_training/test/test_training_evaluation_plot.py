"""The plot of `hume evaluate`, from figures that were made up."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hume_training.evaluation.intervals import wilson
from hume_training.evaluation.plot import plot_success


@pytest.mark.parametrize("successes", [(0, 40), (33, 21, 40), (1,)])
def test_every_variant_has_a_bar_with_its_success(tmp_path: Path, successes: tuple[int, ...]) -> None:
    variants = {
        f"n{k + 1}": {"success": count / 40, "ci95": list(wilson(count, 40)), "episodes": 40}
        for k, count in enumerate(successes)
    }
    path = tmp_path / "new" / "a.svg"
    plot_success({"suite": {"name": "hard"}, "variants": variants}, path)
    root = ElementTree.fromstring(path.read_bytes())
    texts = {str(element.text) for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert set(variants) <= texts
    assert {f"{100 * count / 40:.0f} %" for count in successes} <= texts
    assert {"suite hard, the same 40 episodes for each variant", "success, % of the episodes, with 95 % interval"} <= (
        texts
    )
