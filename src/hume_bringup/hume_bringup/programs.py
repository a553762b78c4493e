"""Finding the programs of a set of nodes without ros2cli."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hume_bringup.node_spec import NodeSpec
from hume_core.errors import ConfigError


def find_executable(package: str, executable: str) -> str:
    """Path of an installed node, or of a program on the PATH where no package is given.

    Raises:
        ConfigError: it is not installed.
    """
    if not package:
        program = shutil.which(executable)
        if program is None:
            raise ConfigError(f"'{executable}' is not installed, or not on the PATH")
        return program
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix) / "lib" / package / executable
        if prefix and path.is_file():
            return str(path)
    raise ConfigError(
        f"{package}/{executable} is not installed. Install the package or build the workspace, and source setup.bash"
    )


def command(spec: NodeSpec) -> list[str]:
    """Command line of a process. A Python program runs under this interpreter.

    Raises:
        ConfigError: it is not installed.
    """
    path = find_executable(spec.package, spec.executable)
    return [*([sys.executable] if spec.package and _is_python(path) else []), path, *spec.ros_arguments()]


def _is_python(path: str) -> bool:
    with open(path, "rb") as file:
        start = file.readline(128)
    return not start.startswith(b"\x7fELF") and (not start.startswith(b"#!") or b"python" in start)
