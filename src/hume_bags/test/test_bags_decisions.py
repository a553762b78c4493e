"""What a replay says at its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from hume_bags.decisions import Decisions


def chunk(instruction: str, value: float) -> SimpleNamespace:
    return SimpleNamespace(instruction=instruction, value=value)


def test_without_the_systems_there_is_nothing_to_say() -> None:
    assert Decisions().report(Path("bag")) == []


@pytest.mark.parametrize("values", [[1.0], [-2.5, -1.0, -3.25]])
def test_chunks_are_counted_with_the_range_of_their_values(values: list[float]) -> None:
    decisions = Decisions()
    for value in values:
        decisions.add_chunk(chunk("wave", value))
    text = decisions.report(Path("bag"))[0]
    assert f"{len(values)} chunks for 'wave'" in text
    assert f"{min(values):.2f} to {max(values):.2f}" in text


def test_the_time_in_each_mode_and_where_to_look() -> None:
    decisions = Decisions()
    for name in ["RUNNING"] * 3 + ["HOLD"]:
        decisions.add_status(SimpleNamespace(mode_name=name))
    lines = decisions.report(Path("some/bag"))
    assert "no chunk" in lines[0]
    assert "running 75 %, hold 25 %" in lines[1]
    assert "./hume regress some/bag" in lines[2]
