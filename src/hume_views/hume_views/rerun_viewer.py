"""The viewer of the package rerun as a child process. It listens on this machine alone, and ends with its parent."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from hume_core.errors import ConfigError
from hume_core.parent_death import tied


def start_viewer(port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start it.

    Args:
        port: to which recordings connect.
        arguments: others, as for `rerun` on the command line.

    Raises:
        ConfigError: the program is not installed.
    """
    # Itself: the commands `rerun` and `python -m rerun` are parents of it, and it would outlive them.
    spec = find_spec("rerun_cli")
    program = None if spec is None or spec.origin is None else Path(spec.origin).with_name("rerun")
    if program is None or not program.is_file():
        raise ConfigError("rerun has no viewer here. Type: pip install -r setup/requirements-rerun.txt")
    command = [str(program), *arguments, "--bind", "127.0.0.1", "--port", str(port)]
    return subprocess.Popen(tied(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def recording_address(port: int) -> str:
    """Where recordings connect to the viewer."""
    return f"rerun+http://127.0.0.1:{port}/proxy"
