"""A place for logs and enough open files, in environments that offer neither."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from hume_core import process_environment
from hume_core.errors import ConfigError
from hume_core.process_environment import prepare_environment

NO_FOLDER = "/proc/none"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine's, and a place for temporary files of the test's own."""
    for name in ("ROS_LOG_DIR", "ROS_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "there is no home"),
        ({"HOME": NO_FOLDER}, "/proc/none/.ros/log cannot be written"),
        ({"HOME": "/proc/self"}, "/proc/self/.ros/log cannot be written"),
        ({"ROS_LOG_DIR": NO_FOLDER}, "/proc/none cannot be written"),
        ({"ROS_HOME": NO_FOLDER}, "/proc/none/log cannot be written"),
    ],
)
def test_without_a_place_logs_go_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    variables: dict[str, str],
    says: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    prepare_environment()
    fallback = tmp_path / f"hume_log_{os.getuid()}"
    assert os.environ["ROS_LOG_DIR"] == str(fallback)
    told = capsys.readouterr().err
    assert told == f"hume: {says}, so logs go to {fallback}. Set ROS_LOG_DIR to choose\n"
    prepare_environment()
    assert capsys.readouterr().err == "", "it is said once"


@pytest.mark.parametrize(("name", "below"), [("HOME", ".ros/log"), ("ROS_HOME", "log"), ("ROS_LOG_DIR", "")])
def test_a_place_that_can_be_written_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, below: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "mine"))
    prepare_environment()
    assert (tmp_path / "mine" / below).is_dir()
    assert capsys.readouterr().err == ""
    assert os.environ.get("ROS_LOG_DIR") in (None, str(tmp_path / "mine"))


def test_with_no_place_at_all_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", NO_FOLDER)
    with pytest.raises(ConfigError, match="set ROS_LOG_DIR to a folder that can be written"):
        prepare_environment()


@pytest.mark.parametrize("limit", [16, 24, 255])
def test_too_few_open_files_are_refused(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    with pytest.raises(ConfigError, match=f"may open {limit} files and needs 256. Set ulimit -n 1024"):
        prepare_environment()


@pytest.mark.parametrize(("hard", "raised"), [(256, 256), (65536, 4096), (resource.RLIM_INFINITY, 4096)])
def test_the_limit_is_raised_as_far_as_it_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hard: int, raised: int
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (24, hard))
    monkeypatch.setattr(process_environment.resource, "setrlimit", lambda which, limits: set_to.append(limits))
    prepare_environment()
    assert set_to == [(raised, hard)]
