"""Only segments without a living owner are removed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hume_bringup.shared_memory import remove_orphaned_segments

OLD = 1_600_000_000.0  # s, far back
SEGMENT = "fastdds_00ab12cd34ef5678"


def make(folder: Path, name: str, modified: float = OLD) -> Path:
    path = folder / name
    path.write_bytes(b"")
    os.utime(path, (modified, modified))
    return path


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[None]:
    """A process that runs and owns the segment."""
    lock = make(tmp_path, f"{SEGMENT}_el")
    with lock.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def test_a_segment_without_an_owner_goes(tmp_path: Path) -> None:
    make(tmp_path, SEGMENT)
    make(tmp_path, f"{SEGMENT}_el")
    assert remove_orphaned_segments(tmp_path) == [SEGMENT]
    assert list(tmp_path.iterdir()) == []


def test_an_owned_segment_stays(tmp_path: Path, owner: None) -> None:
    segment = make(tmp_path, SEGMENT)
    assert remove_orphaned_segments(tmp_path) == []
    assert segment.exists()


def test_a_segment_that_was_made_just_now_stays(tmp_path: Path) -> None:
    lock = tmp_path / f"{SEGMENT}_el"
    lock.write_bytes(b"")
    assert remove_orphaned_segments(tmp_path) == []
    assert lock.exists()


@pytest.mark.parametrize("name", ["fastdds_port7000_el", "fastdds_00ab_el", "other_00ab12cd34ef5678_el", "notes"])
def test_what_is_no_segment_stays(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    assert remove_orphaned_segments(tmp_path) == []
    assert path.exists()


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert remove_orphaned_segments(tmp_path / "shm") == []
