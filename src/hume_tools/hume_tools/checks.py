"""`hume test`: style, types, tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hume_bringup.environment import default_environment
from hume_ros.domain import free_domain

_CODE = ("src", "test", "setup", "examples")


def run_checks(root: Path, arguments: list[str]) -> int:
    """Run ruff, mypy and pytest one after the other, also when an earlier one fails.

    Args:
        root: top folder of the workspace.
        arguments: for pytest. Where given, only pytest runs.

    Returns:
        0 when everything passed.
    """
    pytest = ("pytest", ["-m", "pytest", *arguments])
    steps = [
        ("ruff check", ["-m", "ruff", "check", "--no-cache", *_CODE]),
        ("ruff format", ["-m", "ruff", "format", "--no-cache", "--check", "--quiet", *_CODE]),
        ("mypy", ["-m", "mypy", *(f"src/{name}/{name}" for name in packages(root))]),
        pytest,
    ]
    failed = [name for name, command in ([pytest] if arguments else steps) if not _run(root, name, command)]
    print(f"hume test: {'failed: ' + ', '.join(failed) if failed else 'everything passed'}", flush=True)
    return 1 if failed else 0


def packages(root: Path) -> list[str]:
    """Names of the Python packages of the workspace."""
    return sorted(path.parent.name for path in root.glob("src/*/setup.py"))


def _run(root: Path, name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    environment = {**os.environ, **default_environment(), "ROS_DOMAIN_ID": str(free_domain())}
    return subprocess.run([sys.executable, *command], cwd=root, env=environment, check=False).returncode == 0
