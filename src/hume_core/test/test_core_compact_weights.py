"""Weights as 8-bit integers: how far numbers move, and that a folder of them loads like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hume_core.checkpoint import WEIGHTS, CheckpointReader
from hume_core.checkpoint_writer import write_compact
from hume_core.compact_weights import SCALE, compacted, expanded
from hume_core.errors import CheckpointError


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    matrix = torch.randn(7, 33, generator=generator)
    matrix[2] = 0.0
    return {
        "matrix": matrix,
        "wide": 1e-4 * torch.randn(3, 2, 5, 5, generator=generator),
        "half": torch.randn(4, 6, generator=generator).bfloat16(),
        "bias": torch.randn(9, generator=generator),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    save_file(tensors(), source / WEIGHTS, metadata={"format": "pt", "note": "kept"})
    (source / "config.json").write_text("{}")
    return source


@pytest.mark.parametrize("name", ["matrix", "wide", "half"])
def test_no_number_moves_by_more_than_half_a_level(name: str) -> None:
    small = compacted(tensors())
    meant, found = tensors()[name].float(), expanded(small[name], small[name + SCALE])
    level = meant.abs().flatten(1).amax(dim=1) / 127
    error = (found - meant).abs().flatten(1).amax(dim=1)
    assert small[name].dtype == torch.int8
    assert torch.all(error <= 0.5001 * level)


def test_what_has_one_dimension_stays() -> None:
    small = compacted(tensors())
    assert torch.equal(small["bias"], tensors()["bias"])


def test_a_compact_folder_reads_like_any_other(folder: Path, tmp_path: Path) -> None:
    write_compact(folder, tmp_path / "small")
    source, small = CheckpointReader(folder), CheckpointReader(tmp_path / "small")
    assert small.names == source.names
    assert small.metadata["note"] == "kept"
    assert (tmp_path / "small" / "config.json").exists()
    for name in ("matrix", "wide", "half"):
        assert small.dtype(name) == torch.float32
        assert small.read(name, tuple(source.shape(name))).dtype == torch.float32
    assert torch.equal(small.read("bias"), source.read("bias"))


def test_compacting_twice_changes_nothing_more(folder: Path, tmp_path: Path) -> None:
    write_compact(folder, tmp_path / "once")
    write_compact(tmp_path / "once", tmp_path / "twice")
    once, twice = CheckpointReader(tmp_path / "once"), CheckpointReader(tmp_path / "twice")
    assert all(torch.allclose(once.read(name), twice.read(name), rtol=1e-6) for name in once.names)


def test_an_existing_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"exists\. Name a new folder"):
        write_compact(folder, tmp_path)


def test_missing_scales_are_named(folder: Path, tmp_path: Path) -> None:
    small = {name: tensor for name, tensor in compacted(tensors()).items() if not name.endswith(SCALE)}
    save_file(small, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"tensor 'matrix' in .* cannot be read: .*matrix\.row_scale"):
        CheckpointReader(folder).read("matrix")


@pytest.mark.parametrize("shape", [(6,), (1,), (7, 33)])
def test_scales_of_another_size_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    small = compacted(tensors())
    small["matrix" + SCALE] = torch.ones(shape)
    save_file(small, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"tensor 'matrix' in .* cannot be read"):
        CheckpointReader(folder).read("matrix")
