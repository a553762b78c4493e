"""The launch files, evaluated by the real launch and launch_ros, start what the description says."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from hume_bringup.description import GRAPHS, NodeSpec, OnExit, graph
from hume_bringup.launch_options import LaunchOptions
from hume_core.errors import ConfigError
from hume_core.robot import known_profiles

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("launch_ros") is None, reason="launch_ros is not installed (it comes with a native ROS 2)"
)
LAUNCH = Path(__file__).parents[1] / "launch"
FILES = {"hume": "robot", **{name: name for name in GRAPHS if name != "robot"}}
BASE = {"checkpoint": "/model", "bag": "/bag"}


@dataclass(frozen=True)
class Started:
    """One process as launch would start it."""

    executable: str
    name: str
    namespace: str
    parameters: dict[str, Any]
    params_files: list[str]
    arguments: list[str]
    respawn: bool


def evaluate(name: str, **arguments: str) -> list[Started]:
    from launch import LaunchContext
    from launch.actions import ExecuteProcess, IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    context = LaunchContext()
    source = PythonLaunchDescriptionSource(str(LAUNCH / f"{name}.launch.py"))
    pending: list[Any] = [IncludeLaunchDescription(source, launch_arguments=arguments.items())]
    started = []
    while pending:
        entity = pending.pop(0)
        if isinstance(entity, ExecuteProcess):
            started.append(read(entity, context))
        else:
            pending[:0] = entity.visit(context) or []
    return started


def read(action: Any, context: Any) -> Started:
    from launch.utilities import perform_substitutions
    from launch_ros.actions import Node

    respawn = bool(action._ExecuteLocal__respawn)
    if not isinstance(action, Node):
        program = action.cmd[0][0]
        executable = getattr(program, "executable", None)
        text = perform_substitutions(context, executable) if executable else program.perform(context)
        arguments = [perform_substitutions(context, part) for part in action.cmd[1:]]
        return Started(text, perform_substitutions(context, action.name), "", {}, [], arguments, respawn)
    action._perform_substitutions(context)
    parameters: dict[str, Any] = {}
    files = []
    for value, is_file in action._Node__expanded_parameter_arguments or []:
        assert is_file
        path = str(value)
        if Path(path).name.startswith("launch_params_"):
            (content,) = yaml.safe_load(Path(path).read_text()).values()
            parameters |= content["ros__parameters"]
        else:
            files.append(path)
    namespace, _, name = action.node_name.strip("/").rpartition("/")
    arguments = list(action._Node__arguments)
    return Started(action.node_executable, name, namespace, parameters, files, arguments, respawn)


def expected(spec: NodeSpec) -> Started:
    log = ["--ros-args", *spec.context_arguments()] if spec.ros else []
    return Started(
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=dict(spec.parameters),
        params_files=[spec.params_file] if spec.params_file else [],
        arguments=[*spec.arguments, *log],
        respawn=spec.on_exit is OnExit.RESPAWN,
    )


@pytest.mark.parametrize("robot", known_profiles())
@pytest.mark.parametrize("name", FILES)
def test_every_launch_file_starts_the_described_nodes(name: str, robot: str) -> None:
    texts = {**BASE, "robot": robot}
    try:
        specs = graph(FILES[name], LaunchOptions.from_text(texts))
    except ConfigError as error:
        with pytest.raises(ConfigError, match=str(error)[:40]):
            evaluate(name, **texts)
        return
    assert evaluate(name, **texts) == [expected(spec) for spec in specs]


@pytest.mark.parametrize("name", FILES)
def test_arguments_reach_the_nodes_alike(name: str, tmp_path: Path) -> None:
    files = {"params_file": tmp_path / "params.yaml", "policy_config": tmp_path / "policy.yaml"}
    files["params_file"].write_text("hume_system1: {ros__parameters: {threads: 2}}\n")
    files["policy_config"].write_text("system2: {candidates: 7}\n")
    limits = LAUNCH.parent / "config" / "limits" / "first_run.yaml"
    texts = {
        **BASE, **{key: str(path) for key, path in files.items()}, "limits_file": str(limits), "task": "true: no",
        "use_sim_time": "true", "autostart": "false", "dry_run": "true", "record": "/out", "rviz": "true",
        "foxglove": "on", "system2": "off" if name == "hume" else "on", "log_level": "debug",
    }  # fmt: skip
    specs = graph(FILES[name], LaunchOptions.from_text(texts))
    assert evaluate(name, **texts) == [expected(spec) for spec in specs]


@pytest.mark.parametrize("name", FILES)
def test_every_launch_file_declares_every_argument(name: str) -> None:
    from launch import LaunchContext
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    description = PythonLaunchDescriptionSource(str(LAUNCH / f"{name}.launch.py")).get_launch_description(
        LaunchContext()
    )
    assert [item.name for item in description.get_launch_arguments()] == [item.name for item in fields(LaunchOptions)]
