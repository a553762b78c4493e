"""JSON and YAML from anywhere: the content, or one typed error of bounded length, at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hume_core.errors import CheckpointError, ConfigError, DatasetError
from hume_core.json_file import parse_json, read_json
from hume_core.yaml_file import parse_yaml, read_yaml


def as_json(path: Path) -> Any:
    return read_json(path, DatasetError)


def as_yaml(path: Path) -> Any:
    return read_yaml(path, "the file", DatasetError)


READERS = pytest.mark.parametrize("read", [as_json, as_yaml])
Reader = Callable[[Path], Any]


@READERS
def test_content_is_read(read: Reader, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"a": [1, 2.5, "x", null, true], "b": -18446744073709551616}')
    assert read(path) == {"a": [1, 2.5, "x", None, True], "b": -(2**64)}


@READERS
@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\0", b"\x1b[0m"])
def test_what_is_none_is_one_error(read: Reader, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="file") as caught:
        read(path)
    assert len(str(caught.value)) < 2000


@READERS
def test_only_ordinary_files_of_a_sensible_size_are_opened(read: Reader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 2**34)
    for name, reason in (("pipe", "is no file"), ("", "is no file"), ("large", "17179869184 bytes. Valid: at most")):
        with pytest.raises(DatasetError, match=reason):
            read(tmp_path / name)


def test_a_missing_file_is_the_callers_to_explain(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent does not exist. Make one"):
        read_json(tmp_path / "absent", CheckpointError, missing="Make one")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent", CheckpointError)


@pytest.mark.parametrize(
    "text", ["NaN", "-Infinity", "1e999", "[1e400]", "1" * 400, '{"a": 1, "a": 2}', "'a'", "", "1 2"]
)
def test_json_that_no_file_of_ours_holds(text: str) -> None:
    with pytest.raises(ConfigError, match="here is not valid JSON"):
        parse_json(text, "here", ConfigError)


def test_whole_numbers_beyond_64_bits_are_no_sizes() -> None:
    content = parse_json("[18446744073709551616, 1000000000000000019884624838656]", "here", ConfigError)
    assert content == [2**64, 1e30]
    assert [type(item) for item in content] == [int, float]


BOMB = "a: &a [1, 1]\n" + "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise("abcdefghi"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("&a [*a]", "a value holds itself"),
        ("x: &a {b: [*a]}", "a value holds itself"),
        (BOMB, "more than 50000 values"),
        ("[" + "1, " * 60_000 + "]", "more than 50000 values"),
        ("[" * 60 + "]" * 60, "nested deeper than 50 levels"),
        ("9" * 30, "a number is too large"),
        ("9" * 9000, "malformed"),
        ("2001-99-99", "malformed"),
        ("!!int ''", "malformed"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("x" * 2_000_000, "valid: at most 1048576"),
        ("1\n---\n2", "single document"),
    ],
)
def test_yaml_that_no_person_writes(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        parse_yaml(text, "here")
    assert str(caught.value).startswith("here ")
    assert len(str(caught.value)) < 1000


def test_anchors_may_be_used() -> None:
    assert parse_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}", "here") == {
        "a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2},
    }  # fmt: skip
