"""Where the frames of each episode lie: in which data file and in which videos, for either layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hume_core.errors import DatasetError
from hume_core.json_file import parse_json
from hume_core.text_files import read_text
from hume_core.texts import shown
from hume_training.data.info import DatasetInfo, converter_hint
from hume_training.data.layout import TASKS
from hume_training.data.tables import Table, inside

LEGACY_EPISODES, LEGACY_TASKS = "meta/episodes.jsonl", "meta/tasks.jsonl"
_LARGEST_LINES = 512 * 1024**2
_COLUMNS = (
    "episode_index", "length", "dataset_from_index", "dataset_to_index", "data/chunk_index", "data/file_index",
)  # fmt: skip


@dataclass(frozen=True)
class VideoPart:
    """The file of a video, relative to the dataset, and the time in it at which an episode begins, s."""

    file: str
    begin: float


@dataclass(frozen=True)
class EpisodeRows:
    """Where the frames of an episode lie.

    Attributes:
        number: of the episode.
        length: frames.
        first: its first frame among those of the dataset.
        file: data file, relative to the dataset.
        row: its first row in that file.
        videos: by key of the camera.
    """

    number: int
    length: int
    first: int
    file: str
    row: int
    videos: Mapping[str, VideoPart] = field(default_factory=dict)


def read_episodes(root: Path, info: DatasetInfo) -> list[EpisodeRows]:
    """Every episode, in the order of the frames.

    Raises:
        DatasetError: they are not described, or do not follow each other without a gap.
    """
    rows = _legacy_episodes(root, info) if info.legacy else _episodes(root, info)
    if len(rows) != info.episodes or not rows:
        raise DatasetError(f"{root}: {len(rows)} episodes are described, but info.json says {info.episodes}")
    first = 0
    for row in rows:
        if row.first != first:
            raise DatasetError(f"episode {row.number}: its frames do not follow those before it")
        first += row.length
    if first != info.frames:
        raise DatasetError(f"{root}: the episodes have {first} frames, but info.json says {info.frames}")
    return rows


def _episodes(root: Path, info: DatasetInfo) -> list[EpisodeRows]:
    found: list[tuple[list[int], dict[str, VideoPart]]] = []
    for path in sorted((root / "meta" / "episodes").glob("*/*.parquet")):
        wanted = [*_COLUMNS, *(f"videos/{key}/{name}" for key in info.videos for name in _VIDEO_COLUMNS)]
        table = Table(inside(root, str(path.relative_to(root))), wanted)
        columns = [table.integers(name) for name in _COLUMNS]
        videos = {key: _video_parts(table, info, key) for key in info.videos}
        for position, row in enumerate(zip(*columns, strict=True)):
            found.append((list(row), {key: parts[position] for key, parts in videos.items()}))
    found.sort(key=lambda item: item[0][2])
    begins: dict[tuple[int, int], int] = {}
    return [_episode(info, row, videos, begins) for row, videos in found]


def _episode(
    info: DatasetInfo, row: Sequence[int], videos: Mapping[str, VideoPart], begins: dict[tuple[int, int], int]
) -> EpisodeRows:
    """One episode.

    Args:
        info: of the dataset.
        row: numbers of `_COLUMNS`.
        videos: of its cameras.
        begins: first frame of each data file so far.
    """
    number, length, first, end, chunk, file = row
    if length < 1:
        raise DatasetError(f"episode {number} is empty. Remove it from the dataset")
    if end != first + length:
        raise DatasetError(f"episode {number}: its frames do not follow those before it")
    if chunk < 0 or file < 0:
        raise DatasetError(f"episode {number}: its data file has the indices {chunk} and {file}")
    begin = begins.setdefault((chunk, file), first)
    path = info.data_path(chunk_index=chunk, file_index=file)
    return EpisodeRows(number, length, first, path, first - begin, videos)


_VIDEO_COLUMNS = ("chunk_index", "file_index", "from_timestamp")


def _video_parts(table: Table, info: DatasetInfo, key: str) -> list[VideoPart]:
    """Of every episode of a file of descriptions."""
    assert info.video_path is not None
    chunks, files = (table.integers(f"videos/{key}/{name}") for name in _VIDEO_COLUMNS[:2])
    begins = table.floats(f"videos/{key}/{_VIDEO_COLUMNS[2]}")
    for chunk, file, begin in zip(chunks, files, begins, strict=True):
        if chunk < 0 or file < 0 or begin < 0:
            raise DatasetError(
                f"{table.path}: a video of '{key}' has the indices {chunk} and {file}, from {begin} s on"
            )
    return [
        VideoPart(info.video_path(video_key=key, chunk_index=chunk, file_index=file), begin)
        for chunk, file, begin in zip(chunks, files, begins, strict=True)
    ]


def _legacy_episodes(root: Path, info: DatasetInfo) -> list[EpisodeRows]:
    """v2.x: a line for each episode, which has files of its own."""
    lines = _lines(root, LEGACY_EPISODES)
    found = sorted((_whole(root, line, "episode_index"), _whole(root, line, "length")) for line in lines)
    rows, first = [], 0
    for number, length in found:
        if length < 1:
            raise DatasetError(f"episode {number} is empty. Remove it from the dataset")
        place = {"episode_chunk": number // info.chunks_size, "episode_index": number}
        path = info.video_path
        videos = {} if path is None else {key: VideoPart(path(video_key=key, **place), 0.0) for key in info.videos}
        rows.append(EpisodeRows(number, length, first, info.data_path(**place), 0, videos))
        first += length
    return rows


def read_tasks(root: Path, info: DatasetInfo) -> dict[int, str]:
    """Number -> instruction.

    Raises:
        DatasetError: the file is missing or holds something else.
    """
    if info.legacy:
        return {_whole(root, line, "task_index"): _sentence(root, line) for line in _lines(root, LEGACY_TASKS)}
    table = Table(inside(root, TASKS))
    names = [name for name in table.columns if name != "task_index"]
    if "task_index" not in table.columns or len(names) != 1:
        raise DatasetError(f"{root / TASKS} must hold 'task_index' and the sentences")
    return dict(zip(table.integers("task_index"), table.texts(names[0]), strict=True))


def _lines(root: Path, name: str) -> list[Mapping[str, Any]]:
    """The JSON objects of a file, one a line."""
    path = inside(root, name)
    try:
        text = read_text(path, DatasetError, _LARGEST_LINES)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist. A dataset of v2.x has it. {converter_hint(root)}") from error
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            content = parse_json(line, f"{path}, line {number}", DatasetError)
            if not isinstance(content, dict):
                raise DatasetError(f"{path}, line {number} holds {shown(content)}. Expected: a JSON object")
            found.append(content)
    return found


def _whole(root: Path, line: Mapping[str, Any], key: str) -> int:
    value = line.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise DatasetError(f"{root}: '{key}' of {shown(dict(line))} must be a whole number that is not negative")
    return value


def _sentence(root: Path, line: Mapping[str, Any]) -> str:
    text = line.get("task")
    if not isinstance(text, str):
        raise DatasetError(f"{root / LEGACY_TASKS}: 'task' of {shown(dict(line))} must be a text")
    return text
