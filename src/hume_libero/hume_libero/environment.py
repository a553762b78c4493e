"""LIBERO's own Python environment: where it is, and how it is set up."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from hume_core.errors import SimulationError

FOLDER = ".venv-libero"
REQUIREMENTS = Path("setup") / "requirements-libero.txt"
VARIABLE = "HUME_LIBERO_PYTHON"
"""Names another Python that has LIBERO."""

_STAMP = ".requirements"
_HINT = "Type: ./hume libero setup"


def workspace() -> Path:
    """Top folder of the workspace, as `./hume` sets it."""
    return Path(os.environ.get("HUME_ROOT", Path.cwd()))


def libero_python(root: Path | None = None) -> Path:
    """The Python that has LIBERO.

    Raises:
        SimulationError: there is none. Says what to type.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        if not os.access(named, os.X_OK):
            raise SimulationError(f"{VARIABLE} is '{named}', which is no program. Name a Python that has LIBERO")
        return Path(named)
    folder = (root or workspace()) / FOLDER
    if not (folder / _STAMP).is_file():
        raise SimulationError(f"LIBERO is not set up here ({folder} is missing or unfinished). {_HINT}")
    return folder / "bin" / "python"


def is_current(root: Path) -> bool:
    """Whether the environment is there and has what the requirements say."""
    stamp = root / FOLDER / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _wanted(root)


def set_up(root: Path) -> bool:
    """Make the environment, or bring it up to date. Needs the network. Returns whether there was anything to do.

    Raises:
        SimulationError: the workspace has no list of requirements, or they cannot be installed.
    """
    if not (root / REQUIREMENTS).is_file():
        raise SimulationError(f"{root / REQUIREMENTS} is missing. Run this in the workspace of the stack")
    if is_current(root):
        return False
    folder = root / FOLDER
    python = folder / "bin" / "python"
    if not python.exists():
        # Not the python of the stack's own environment: the new one would see that one's folders.
        _run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(folder)])
    pip = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--requirement", str(root / REQUIREMENTS)])
    (folder / _STAMP).write_text(_wanted(root), encoding="utf-8")
    return True


def clean_environment() -> dict[str, str]:
    """Environment variables without those that lead to the stack's own packages."""
    dropped = ("PYTHON", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "AMENT_", "CMAKE_PREFIX_PATH", "COLCON_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _wanted(root: Path) -> str:
    return hashlib.sha256((root / REQUIREMENTS).read_bytes()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise SimulationError(
            f"LIBERO cannot be set up: {last}. Check the network and the room on the disk, and repeat"
        )
