"""A checkpoint that is not there ends a command in one line, before a worker or an episode begins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hume_core.command_line import run_app
from hume_tools.cli.main import app

COMMANDS = {
    "evaluate": ["evaluate", "NAME", "--suite", "lift", "--episodes", "1"],
    "evaluate values": ["evaluate", "NAME", "--suite", "lift", "--value-quality", "2"],
    "collect": ["collect", "FOLDER", "--policy", "NAME", "--episodes", "1"],
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*_: Any, **__: Any) -> str:
        raise ConnectionError("Name or service not known\nand many more lines")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nope", "no folder and no hub name like 'organisation/name'"),
        ("organisation/nope", "copy its folder here and give the path"),
        ("organisation/nope@v1", "copy its folder here and give the path"),
        ("../no/such/folder", "no folder and no hub name"),
        ("EMPTY", "config.json"),
    ],
)
def test_one_line(
    command: str,
    name: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    given = {"NAME": str(empty) if name == "EMPTY" else name, "FOLDER": str(tmp_path / "data")}
    monkeypatch.setattr(sys, "argv", ["hume", *(given.get(word, word) for word in COMMANDS[command])])
    with pytest.raises(SystemExit) as end:
        run_app(app, "hume")
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert (end.value.code, out) == (2, "")
    assert line.startswith("hume: ")
    assert hint in line
    assert not (tmp_path / "data").exists()
