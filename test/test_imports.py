"""Packages import only what lies below them, and say so in their package.xml; learning and sessions need no ROS."""

from __future__ import annotations

import ast
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
TOP_DOWN = (
    "hume_bringup",
    "hume_tools",
    "hume_training",
    "hume_sim",
    "hume_session",
    "hume_system2",
    "hume_system1",
    "hume_ros",
    "hume_core",
)
UPWARDS = {
    # The commands start what the launch files start: the description of the nodes is in hume_bringup.
    "hume_tools/bench/stream.py",
    "hume_tools/checks.py",
    "hume_tools/cli.py",
    "hume_tools/cli_bags.py",
    "hume_tools/demo.py",
    "hume_tools/fault_trials.py",
    "hume_tools/robot_doctor/examine.py",
    "hume_tools/trial.py",
    "hume_tools/up.py",
}
"""Files that import from a package above theirs. None is to be added."""


def files(package: str) -> list[Path]:
    return sorted((SOURCE / package / package).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} has a relative import"
            yield (node.module or "").partition(".")[0]


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in SOURCE.glob("*/setup.py")} == set(TOP_DOWN)


def test_packages_import_only_downwards() -> None:
    upwards = {
        f"{file.relative_to(SOURCE / package)}": name
        for rank, package in enumerate(TOP_DOWN)
        for file in files(package)
        for name in imported(file)
        if name in TOP_DOWN[:rank]
    }
    assert set(upwards) == UPWARDS
    assert set(upwards.values()) == {"hume_bringup"}


@pytest.mark.parametrize("package", TOP_DOWN)
def test_the_package_file_names_what_is_imported(package: str) -> None:
    root = ElementTree.parse(SOURCE / package / "package.xml").getroot()
    named = {element.text for element in root if element.tag in ("depend", "exec_depend")}
    known = {*TOP_DOWN, "hume_msgs"} - {package}
    used = {name for file in files(package) for name in imported(file)} & known
    assert used <= named


@pytest.mark.parametrize("package", ["hume_training", "hume_session"])
def test_learning_and_sessions_import_nothing_of_ros(package: str) -> None:
    modules = [
        ".".join(file.relative_to(SOURCE / package).with_suffix("").parts).removesuffix(".__init__")
        for file in files(package)
    ]
    assert len(modules) > 8
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "found = {'rclpy', 'hume_msgs', 'sensor_msgs', 'message_filters'} & set(sys.modules)\n"
        "assert not found, f'imported: {found}'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
