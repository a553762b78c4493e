"""Packages import only what lies below them, and say so in their package.xml. Learning and sessions need no ROS."""

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
    "hume_tools",
    "hume_bench",
    "hume_bringup",
    "hume_operate",
    "hume_views",
    "hume_bags",
    "hume_libero",
    "hume_training",
    "hume_sim",
    "hume_serve",
    "hume_session",
    "hume_system2",
    "hume_system1",
    "hume_ros",
    "hume_core",
)
DISTRIBUTIONS = {
    "accelerate": "accelerate",
    "av": "av",
    "cv2": "opencv-python-headless",
    "huggingface_hub": "huggingface_hub",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "lz4": "lz4",
    "matplotlib": "matplotlib",
    "mcap": "mcap",
    "msgpack": "msgpack",
    "mujoco": "mujoco",
    "numpy": "numpy",
    "peft": "peft",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "pinocchio": "pin",
    "psutil": "psutil",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "rerun": "rerun-sdk",
    "rich": "rich",
    "rosbags": "rosbags",
    "safetensors": "safetensors",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "transformers": "transformers",
    "typer": "typer",
    "websockets": "websockets",
    "yaml": "PyYAML",
    "zstandard": "zstandard",
}
"""Import name of what comes from PyPI -> what setup.py calls it. All else is of ROS or of the project."""


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
        f"{file.relative_to(SOURCE / package)}: {name}"
        for rank, package in enumerate(TOP_DOWN)
        for file in files(package)
        for name in imported(file)
        if name in TOP_DOWN[:rank]
    }
    assert upwards == set()


def test_the_program_in_the_other_environment_knows_nothing_of_the_stack() -> None:
    known = {name for file in ELSEWHERE.glob("*.py") for name in imported(file)}
    assert {name for name in known if name.startswith("hume")} == {"hume_libero"}
    package = import_graph()
    reached, rest = set(), [name for name in package if name.startswith("hume_libero.child")]
    while rest:
        name = rest.pop()
        reached.add(name)
        rest += package[name] - reached
    assert {name for name in reached if ".child" not in name} == {"hume_libero.framing"}


def module_name(file: Path, package: str) -> str:
    return ".".join(file.relative_to(SOURCE / package).with_suffix("").parts).removesuffix(".__init__")


def import_graph() -> dict[str, set[str]]:
    """Module -> the modules of the project that it imports, wherever in it, for types too."""
    modules = {module_name(file, package): file for package in TOP_DOWN for file in files(package)}
    graph: dict[str, set[str]] = {}
    for name, file in modules.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                whole = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                found |= {path if path in modules else str(node.module) for path in whole.values()}
        graph[name] = found & modules.keys() - {name}
    return graph


def without_leaves(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """A graph less the modules that import nothing of it, again and again: circles, and who imports them."""
    while True:
        rest = {name: targets & graph.keys() for name, targets in graph.items() if targets & graph.keys()}
        if len(rest) == len(graph):
            return rest
        graph = rest


def test_modules_import_in_no_circle() -> None:
    assert without_leaves(import_graph()) == {}


def test_a_circle_would_be_found() -> None:
    assert without_leaves({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a": {"b"}, "b": {"c"}, "c": {"b"}}


ELSEWHERE = SOURCE / "hume_libero" / "hume_libero" / "child"
"""Runs in an environment of its own, which has other packages."""


def foreign_imports(package: str) -> set[str]:
    """What a package imports that neither Python nor the package itself has."""
    sources = [*files(package), *(SOURCE / package / "launch").glob("*.py")]
    sources = [file for file in sources if ELSEWHERE not in file.parents]
    return {name for file in sources for name in imported(file)} - sys.stdlib_module_names - {package}


@pytest.mark.parametrize("package", TOP_DOWN)
def test_the_package_file_names_what_is_imported(package: str) -> None:
    root = ElementTree.parse(SOURCE / package / "package.xml").getroot()
    named = {element.text for element in root if element.tag in ("depend", "exec_depend")}
    assert foreign_imports(package) - DISTRIBUTIONS.keys() <= named


@pytest.mark.parametrize("package", TOP_DOWN)
def test_the_package_file_names_nothing_else(package: str) -> None:
    root = ElementTree.parse(SOURCE / package / "package.xml").getroot()
    named = {element.text for element in root if element.tag in ("depend", "exec_depend")}
    programs = {"hume_bringup": {"robot_state_publisher", "hume_bags", "hume_sim", "hume_views"}}.get(package, set())
    assert {name for name in named - programs if not str(name).startswith("python3-") and name != "pinocchio"} <= (
        foreign_imports(package)
    )


@pytest.mark.parametrize("package", TOP_DOWN)
def test_the_setup_file_names_what_comes_from_pypi(package: str) -> None:
    tree = ast.parse((SOURCE / package / "setup.py").read_text(encoding="utf-8"))
    keywords = {
        keyword.arg: keyword.value for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords
    }
    wanted = {DISTRIBUTIONS[name] for name in foreign_imports(package) & DISTRIBUTIONS.keys()}
    assert set(ast.literal_eval(keywords["install_requires"])) == {"setuptools", *wanted}


@pytest.mark.parametrize("package", ["hume_training", "hume_session"])
def test_learning_and_sessions_import_nothing_of_ros(package: str) -> None:
    modules = [module_name(file, package) for file in files(package)]
    assert len(modules) > 8
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "found = {'rclpy', 'hume_msgs', 'sensor_msgs', 'message_filters'} & set(sys.modules)\n"
        "assert not found, f'imported: {found}'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
