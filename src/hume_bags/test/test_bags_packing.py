"""Files that were packed as a whole: unpacked for as long as they are read, and only up to a size."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from hume_bags.errors import BagError
from hume_bags.reader import BagReader

LIFT = Path(__file__).parents[3] / "test" / "fixtures" / "bags" / "lift"
AsSqlite = Callable[..., Path]


def test_a_packed_file_that_is_damaged_is_read_up_to_there(tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    folder.mkdir()
    packed = zstandard.ZstdCompressor().compress(next(LIFT.glob("*.mcap")).read_bytes())
    (folder / "bag_0.mcap.zstd").write_bytes(packed[: len(packed) // 2])
    reader = BagReader(folder)
    assert 0 < len(list(reader.messages())) < 5000
    assert any("cut off or damaged" in problem for problem in reader.problems)


def test_a_file_that_unpacks_to_far_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hume_bags.packing._ALLOWANCE", 1_000_000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = tmp_path / "bomb.db3.zstd"
    path.write_bytes(zstandard.ZstdCompressor().compress(b"SQLite format 3\0" + bytes(50_000_000)))
    with pytest.raises(BagError, match=r"unpacks to over .* 'zstd -d "):
        BagReader(path)
    assert os.listdir(tmp_path) == ["bomb.db3.zstd"]


def test_nothing_unpacked_is_left_behind(tmp_path: Path, as_sqlite: AsSqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = as_sqlite(LIFT, tmp_path / "lift", packing="file")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    reader = BagReader(folder)
    assert len(list(reader.messages(["/joint_states"]))) > 0
    assert os.listdir(scratch) == []


def test_a_disk_without_room_is_named(tmp_path: Path, as_sqlite: AsSqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = as_sqlite(LIFT, tmp_path / "lift", packing="file")
    monkeypatch.setattr("hume_bags.packing._LEFT_FREE", 2**62)
    with pytest.raises(BagError, match=r"no room in .* Set TMPDIR"):
        BagReader(folder)
