"""The files of a bag: which there are, and what each is by what it begins with."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from hume_bags import mcap_storage, sqlite_storage
from hume_bags.errors import BagError
from hume_bags.metadata import Information
from hume_bags.packing import ZSTD_MAGIC, unpacked_file
from hume_bags.storage import BagFile
from hume_bags.writer import METADATA
from hume_core.texts import listed

_PACKED = ".zstd"
_ENDINGS = (".mcap", ".db3", f".mcap{_PACKED}", f".db3{_PACKED}", ".mcap.zst", ".db3.zst")
_READERS = {mcap_storage.MAGIC: mcap_storage.open_mcap, sqlite_storage.MAGIC: sqlite_storage.open_sqlite}
_ROS1_MAGIC = b"#ROSBAG V"
_LFS_MAGIC = b"version https://git-lfs"
_OTHERS = {
    b"\x1f\x8b": "packed with gzip. Unpack it: gunzip {path}",
    b"PK\x03\x04": "a zip archive. Unpack it: unzip {path}",
    b"\xfd7zXZ\0": "packed with xz. Unpack it: xz -d {path}",
    b"BZh": "packed with bzip2. Unpack it: bunzip2 {path}",
    b"\x04\x22\x4d\x18": "packed with lz4. Unpack it: lz4 -d {path}",
    b"<": "a page of the web, not the file that it leads to. Download it again",
}
_LONGEST_MAGIC = 32


def find_files(path: Path, information: Information, problems: list[str]) -> list[Path]:
    """The files of a bag.

    Args:
        path: its folder, or one file.
        information: of its metadata.
        problems: takes what is missing.

    Raises:
        BagError: there is no bag. Says what there is, and what to do.
    """
    if not path.exists():
        raise BagError(f"bag '{path}' does not exist. Name its folder, or its .mcap or .db3 file")
    if not path.is_dir():
        return [path]
    found = _named(path, information.files, problems) or _present(path)
    if not found:
        raise BagError(_no_bag(path))
    return found


def is_bag(folder: Path) -> bool:
    """Whether a folder is a bag: it has metadata, or files of any storage, packed or not."""
    return folder.is_dir() and ((folder / METADATA).is_file() or bool(_present(folder)))


def _named(folder: Path, names: Sequence[str], problems: list[str]) -> list[Path]:
    """Those that the metadata name. Whatever these say, they lie in the bag's folder."""
    found = []
    for name in names:
        # Old recorders wrote the folder's name in front.
        path = folder / Path(name).name
        others = (path.with_name(path.name + _PACKED), path.with_name(path.name.removesuffix(_PACKED)))
        present = next((file for file in (path, *others) if file.is_file()), None)
        if present is None:
            problems.append(f"{path.name} is missing")
        else:
            found.append(present)
    return found


def _present(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.name.endswith(_ENDINGS) and file.is_file())
    names = {file.name for file in files}
    # A file and its packed form are the same messages.
    return [file for file in files if file.suffix not in (_PACKED, ".zst") or file.stem not in names]


def _no_bag(folder: Path) -> str:
    old = sorted(folder.glob("*.bag"))
    if old:
        return _ros1(old[0])
    bags = sorted(file.parent.name for file in folder.glob("*/metadata.yaml"))
    if bags:
        return f"'{folder}' is a folder of bags. Name one of them: {listed(bags)}"
    return f"'{folder}' has no .mcap or .db3 file. It is no rosbag2 bag"


def open_file(path: Path, problems: list[str]) -> BagFile:
    """Open one file by its content, packed or not.

    Args:
        path: of the file.
        problems: takes what is wrong with a packed file.

    Raises:
        BagError: it is no file of a bag, or is damaged. Says what it is, and what to do.
    """
    begin = _begin(path)
    if not begin.startswith(ZSTD_MAGIC):
        return _open(path, path, begin)
    with unpacked_file(path, problems) as unpacked:
        return _open(path, unpacked, _begin(unpacked))


def _begin(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise BagError(f"'{path}' is no file")
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_MAGIC)
    except OSError as error:
        raise BagError(f"'{path}' cannot be opened: {error.strerror}") from error


def _open(path: Path, content: Path, begin: bytes) -> BagFile:
    for magic, reader in _READERS.items():
        if begin.startswith(magic):
            return reader(path, content)
    raise BagError(_what(path, begin))


def _what(path: Path, begin: bytes) -> str:
    """What a file is that is no file of a bag, and what to do."""
    quoted = shlex.quote(str(path))
    if not begin:
        return f"'{path}' is empty. Nothing was recorded, or copying it has failed: copy or record it again"
    if begin.startswith(_ROS1_MAGIC):
        return _ros1(path)
    if begin.startswith(_LFS_MAGIC):
        folder = shlex.quote(str(path.parent))
        return f"'{path}' is a pointer of Git LFS, not the file itself. Fetch it: git -C {folder} lfs pull"
    for magic, what in _OTHERS.items():
        if begin.startswith(magic):
            return f"'{path}' is {what.format(path=quoted)}"
    return f"'{path}' is no bag: it begins neither like MCAP nor like sqlite3"


def _ros1(path: Path) -> str:
    target = shlex.quote(str(path.with_suffix("")))
    command = f"rosbags-convert --src {shlex.quote(str(path))} --dst {target} --dst-storage mcap --dst-typestore latest"
    return f"'{path}' is a bag of ROS 1. Convert it: {command}"
