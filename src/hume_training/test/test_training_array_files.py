"""Arrays that are mapped from files, and read row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hume_training.data.array_files import RandomRows, mapped

SHAPES = [(50, 33, 31, 3), (7, 3), (3, 64, 64, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_a_mapped_array_are_those_of_the_array(tmp_path: Path, shape: tuple[int, ...]) -> None:
    whole = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    np.save(tmp_path / "rows.npy", whole)
    rows = mapped(tmp_path / "rows.npy", in_memory=False)
    assert isinstance(rows, RandomRows)
    order = np.random.default_rng(1).integers(-shape[0], shape[0], 40)
    for of_file, of_memory in (
        (rows, whole),
        (rows[1:], whole[1:]),
        (rows[::-1], whole[::-1]),
        (rows[::2], whole[::2]),
    ):
        numbers = order % len(of_memory)
        np.testing.assert_array_equal(of_file[numbers], of_memory[numbers])
        assert type(of_file[numbers]) is np.ndarray
    np.testing.assert_array_equal(rows[order], whole[order])
    np.testing.assert_array_equal(rows[2], whole[2])
    np.testing.assert_array_equal(rows[np.arange(shape[0]) % 2 == 0], whole[::2])
    assert rows[np.zeros(0, np.int64)].shape == (0, *shape[1:])


@pytest.mark.parametrize("number", [7, -8])
def test_a_row_that_is_not_there_is_an_error(tmp_path: Path, number: int) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((7, 3)))
    with pytest.raises(IndexError):
        mapped(tmp_path / "rows.npy", in_memory=False)[np.array([0, number])]
