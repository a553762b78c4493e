"""Launch files that other launch files include, run by the real launch: what is given to them, and what they end with.

The processes are stand-ins: they need no ROS, and the tests see what reached them.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hume_system1.child_arguments import inherited_arguments

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("launch_ros") is None, reason="launch_ros is not installed (it comes with a native ROS 2)"
)
LAUNCH = Path(__file__).parents[1] / "launch"
ROBOT = LAUNCH / "hume.launch.py"
ENVIRONMENT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "PYTHONUNBUFFERED", "MUJOCO_GL")

PROGRAM = f"""
import os, sys
for name in {ENVIRONMENT!r}:
    os.environ.pop(name, None)
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
path, *arguments = sys.argv[1:]
pairs = [argument.split(":=", 1) for argument in arguments]
service = LaunchService(argv=arguments, noninteractive=True)
include = IncludeLaunchDescription(AnyLaunchDescriptionSource(path), launch_arguments=pairs)
service.include_launch_description(LaunchDescription([include]))
sys.exit(service.run())
"""
"""What `ros2 launch` does."""

STAND_IN = """#!{python}
import json, os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
name = os.path.basename(sys.argv[0])
with open(os.path.join({folder!r}, name + ".part"), "w") as file:
    json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}, file)
os.rename(file.name, file.name.replace(".part", ".json"))
code = {codes!r}.get(name)
awaited = [os.path.join({folder!r}, name + ".json") for name in {awaited!r}]
while code is None or not all(map(os.path.exists, awaited)):
    time.sleep(0.01)
os._exit(code)
"""

PARENT = """
import os, sys
from launch import LaunchDescription
from launch.actions import {actions}
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import SetRemap
def include(**arguments):
    return IncludeLaunchDescription(PythonLaunchDescriptionSource({robot!r}), launch_arguments=arguments.items())
def generate_launch_description():
    return LaunchDescription([{entities}])
"""
ACTIONS = (
    "DeclareLaunchArgument, ExecuteProcess, GroupAction, IncludeLaunchDescription, OpaqueFunction, "
    "SetEnvironmentVariable, SetLaunchConfiguration"
)


class Bench:
    """Launches files with stand-ins for both systems.

    Args:
        folder: for everything that is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.others: tuple[str, ...] = ()
        """Names of further files to wait for before a process ends by itself."""

    def parent(self, entities: str) -> Path:
        """A launch file of a user with these entities."""
        path = self._folder / "user.launch.py"
        path.write_text(PARENT.format(actions=ACTIONS, robot=str(ROBOT), entities=entities))
        return path

    def launch(self, path: Path, *arguments: str, **codes: int) -> subprocess.CompletedProcess[str]:
        """Run until everything has ended.

        Args:
            path: launch file.
            arguments: `name:=value` of the command line.
            codes: exit codes of `system1_node` and `system2_node`, once every process is there. Without one a process
                stays until it is stopped.
        """
        awaited = ["system1_node", "system2_node", *self.others]
        for package, name in (("hume_system1", "system1_node"), ("hume_system2", "system2_node")):
            marker = self._folder / "share" / "ament_index" / "resource_index" / "packages" / package
            program = self._folder / "lib" / package / name
            for file in (marker, program):
                file.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
            program.write_text(
                STAND_IN.format(python=sys.executable, folder=str(self._folder), codes=codes, awaited=awaited)
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        prefixes = os.pathsep.join((str(self._folder), os.environ.get("AMENT_PREFIX_PATH", "")))
        environment = {**os.environ, "AMENT_PREFIX_PATH": prefixes, "ROS_LOG_DIR": str(self._folder / "log")}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def started(self) -> list[str]:
        """Names of the processes that were started."""
        return sorted(path.stem for path in self._folder.glob("system*_node.json"))

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a process that was started."""
        return dict(self._record(name)["environment"])

    def arguments(self, name: str) -> list[str]:
        """The command line of a node that was started."""
        return list(self._record(name)["arguments"])

    def _record(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self._folder / f"{name}.json").read_text()))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("limit_file:=slow.yaml", "'limit_file' is unknown, Did you mean 'limits_file'?"),
        ("dry-run:=true", "'dry-run' is unknown, Did you mean 'dry_run'?"),
        ("zzz:=", "'zzz' is unknown. Valid: robot, checkpoint"),
    ],
)
def test_an_undeclared_argument_of_the_command_line_is_refused(bench: Bench, argument: str, hint: str) -> None:
    finished = bench.launch(ROBOT, "checkpoint:=/model", argument)
    assert finished.returncode == 1
    assert hint in finished.stdout + finished.stderr
    assert bench.started() == []


@pytest.mark.parametrize(
    "entities",
    [
        "include(checkpoint='/model', limit_file='slow.yaml')",
        "GroupAction([include(checkpoint='/model', limit_file='slow.yaml')])",
        "OpaqueFunction(function=lambda context: [include(checkpoint='/model', limit_file='slow.yaml')])",
        "DeclareLaunchArgument('limit_file', default_value=''), "
        "include(checkpoint='/model', limit_file=LaunchConfiguration('limit_file'))",
    ],
)
def test_an_undeclared_argument_of_an_include_is_refused(bench: Bench, entities: str) -> None:
    finished = bench.launch(bench.parent(entities))
    assert finished.returncode == 1
    assert "'limit_file' is unknown, Did you mean 'limits_file'?" in finished.stdout + finished.stderr
    assert bench.started() == []


def test_the_including_files_own_configurations_are_its_own_affair(bench: Bench) -> None:
    entities = (
        "DeclareLaunchArgument('limit_file', default_value='mine'), SetLaunchConfiguration('robots', 'mine'), "
        "include(checkpoint='/model')"
    )
    finished = bench.launch(bench.parent(entities), "limit_file:=other", "speed:=3", system1_node=0)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert bench.started() == ["system1_node", "system2_node"]


@pytest.mark.parametrize(
    ("argument", "warned"), [("limit_file:=x", True), ("zzz:=x", False), ("limits_file:=", False), ("robots:=x", False)]
)
def test_a_misspelt_argument_that_no_file_takes_is_reported(bench: Bench, argument: str, warned: bool) -> None:
    """The including file passes nothing on. Launch hands configurations of the right name down by itself."""
    path = bench.parent("DeclareLaunchArgument('robots', default_value=''), include(checkpoint='/model')")
    finished = bench.launch(path, argument, system1_node=0)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    told = "no launch file declares the argument 'limit_file'. Did you mean 'limits_file'?"
    assert (told in finished.stdout + finished.stderr) == warned
    assert warned or "no launch file declares" not in finished.stdout + finished.stderr


def test_arguments_of_launch_itself_are_let_through(bench: Bench) -> None:
    finished = bench.launch(ROBOT, "checkpoint:=/model", "launch-prefix:=env", system1_node=0)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_a_file_that_adds_to_the_description_may_declare_more(bench: Bench, tmp_path: Path) -> None:
    own = tmp_path / "own.launch.py"
    own.write_text(
        "from launch.actions import DeclareLaunchArgument\n"
        "from hume_bringup.launching import launch_description\n"
        "def generate_launch_description():\n"
        "    description = launch_description('robot')\n"
        "    description.add_action(DeclareLaunchArgument('mine', default_value=''))\n"
        "    return description\n"
    )
    assert bench.launch(own, "checkpoint:=/model", "mine:=3", system1_node=0).returncode == 0
    assert bench.launch(own, "checkpoint:=/model", "mines:=3", system1_node=0).returncode == 1


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize(
    ("codes", "expected", "why"),
    [
        ({"system1_node": 2}, 1, "hume_system1 could not start. Its message is above"),
        ({"system2_node": 2}, 1, "hume_system2 could not start. Its message is above"),
        ({"system1_node": 7}, 1, "hume_system1 ended with exit code 7"),
        ({"system1_node": 0}, 0, ""),
    ],
)
def test_the_return_code_tells_of_a_failure(
    bench: Bench, included: bool, codes: dict[str, int], expected: int, why: str
) -> None:
    path = bench.parent("include(checkpoint='/model')") if included else ROBOT
    finished = bench.launch(path, *([] if included else ["checkpoint:=/model"]), **codes)
    assert finished.returncode == expected
    assert why in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr


def test_an_error_of_the_description_is_printed_and_returned(bench: Bench) -> None:
    finished = bench.launch(ROBOT)
    assert finished.returncode == 1
    assert "launch argument 'checkpoint' is empty" in finished.stdout + finished.stderr
    assert bench.started() == []


def test_variables_reach_our_processes_alone(bench: Bench, tmp_path: Path) -> None:
    part, whole = str(tmp_path / "other.part"), str(tmp_path / "other.json")
    program = (
        f"import json, os; json.dump({{'environment': dict(os.environ)}}, open({part!r}, 'w')); "
        f"os.rename({part!r}, {whole!r})"
    )
    bench.others = ("other",)
    entities = f"include(checkpoint='/model'), ExecuteProcess(cmd=[sys.executable, '-c', {program!r}])"
    bench.launch(bench.parent(entities), system1_node=0)
    ours, other = bench.environment("system1_node"), bench.environment("other")
    assert [ours[name] for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")] == ["1", "PASSIVE"]
    assert [name for name in ENVIRONMENT if name in other] == []


def test_a_variable_that_the_including_file_sets_is_kept(bench: Bench) -> None:
    entities = "SetEnvironmentVariable('OMP_NUM_THREADS', '3'), include(checkpoint='/model')"
    bench.launch(bench.parent(entities), system1_node=0)
    assert bench.environment("system1_node")["OMP_NUM_THREADS"] == "3"


def test_remapping_rules_of_the_including_file_are_those_of_the_denoiser_too(bench: Bench) -> None:
    entities = "GroupAction([SetRemap('joint_states', '/left/joint_states'), include(checkpoint='/model')])"
    bench.launch(bench.parent(entities), system1_node=0)
    inherited = inherited_arguments(bench.arguments("system1_node"), "/hume_system1", "child")
    rules = [value for flag, value in itertools.pairwise(inherited) if flag == "--remap"]
    assert rules == ["joint_states:=/left/joint_states"]
