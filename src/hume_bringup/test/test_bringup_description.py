"""The one description of the nodes: arguments, parameters, and what reaches the processes."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import psutil
import pytest

from hume_bringup.description import GRAPHS, NodeSpec, graph
from hume_bringup.options import LaunchOptions
from hume_bringup.supervisor import Supervisor, find_executable
from hume_core.errors import ConfigError, RobotProfileError

LAUNCH = Path(__file__).parents[1] / "launch"


def test_simulation_starts_the_simulator_and_both_systems() -> None:
    specs = graph("sim", LaunchOptions(checkpoint="/model", candidates=3, dry_run=True, task="lift"))
    assert [spec.name for spec in specs] == ["hume_sim", "hume_system2", "hume_system1"]
    simulator, system2, system1 = (spec.parameters for spec in specs)
    assert system2["candidates"] == 3
    assert system2["task"] == "lift"
    assert system1["dry_run"] is True
    assert system1["checkpoint"] == system2["checkpoint"] == "/model"
    assert "checkpoint" not in simulator


def test_an_argument_left_out_keeps_what_the_parameter_file_says() -> None:
    system1 = graph("robot", LaunchOptions(checkpoint="/model"))[1]
    assert not {"refine", "device", "dtype", "task"} & set(system1.parameters)


def test_halves_can_run_on_two_machines() -> None:
    specs = graph("robot", LaunchOptions(checkpoint="/model", system2=False))
    assert [spec.name for spec in specs] == ["hume_system1"]


@pytest.mark.parametrize(
    ("name", "options", "error", "expected"),
    [
        ("moon", LaunchOptions(), ConfigError, "valid: sim, robot"),
        ("sim", LaunchOptions(), ConfigError, "'checkpoint' is empty"),
        ("sim", LaunchOptions(checkpoint="x", robot="wx9000"), RobotProfileError, "unknown robot 'wx9000'"),
        ("sim", LaunchOptions(checkpoint="x", params_file="/absent"), ConfigError, "'/absent' does not exist"),
    ],
)
def test_mistakes_are_named(name: str, options: LaunchOptions, error: type[Exception], expected: str) -> None:
    with pytest.raises(error, match=expected):
        graph(name, options)


def test_texts_become_values_of_the_right_type() -> None:
    options = LaunchOptions.from_text({"candidates": "4", "dry_run": "TRUE", "task": "", "robot": "x", "seed": ""})
    assert (options.candidates, options.dry_run, options.task, options.robot, options.seed) == (4, True, "", "x", None)


def test_every_argument_has_an_explanation() -> None:
    assert all(item.metadata["help"] for item in fields(LaunchOptions))


def test_ros_arguments_keep_types() -> None:
    spec = NodeSpec("p", "e", "n", {"text": "true", "flag": True, "number": 2}, "/params.yaml", "left", "warn")
    arguments = spec.ros_arguments()
    assert 'text:="true"' in arguments
    assert "flag:=true" in arguments
    assert "number:=2" in arguments
    assert "__ns:=/left" in arguments
    assert arguments[arguments.index("--params-file") + 1] == "/params.yaml"


def test_launch_files_use_the_description() -> None:
    names = set()
    for path in LAUNCH.glob("*.launch.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names |= {call.args[0].value for call in calls if getattr(call.func, "id", "") == "launch_description"}
    assert names == set(GRAPHS)


@pytest.mark.skipif(importlib.util.find_spec("launch_ros") is None, reason="launch_ros is not installed")
def test_launch_evaluates_to_the_described_nodes() -> None:
    from launch import LaunchContext

    from hume_bringup.launching import launch_description

    context = LaunchContext()
    context.launch_configurations["checkpoint"] = "/model"
    nodes = []
    for entity in launch_description("sim").entities:
        nodes += entity.visit(context) or []
    wanted = [spec.executable for spec in graph("sim", LaunchOptions(checkpoint="/model"))]
    assert [node.node_executable for node in nodes if hasattr(node, "node_executable")] == wanted


def test_missing_executable_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"source install/setup\.bash"):
        find_executable("hume_sim", "absent")


@pytest.mark.parametrize("stubborn", [False, True])
def test_stopping_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool) -> None:
    """A child that ignores SIGINT and has a child of its own is gone within two seconds."""
    ignore = "signal.signal(signal.SIGINT, signal.SIG_IGN);" if stubborn else ""
    nap = "import time; time.sleep(60)"
    program = tmp_path / "lib" / "pkg" / "exe"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"import signal, subprocess, sys, time;{ignore}"
        f"child = subprocess.Popen([sys.executable, '-c', '{nap}']);open({str(tmp_path / 'up')!r}, 'w').close();"
        "\ntry:\n  time.sleep(60)\nfinally:\n  child.kill()\n"
    )
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with Supervisor([NodeSpec("pkg", "exe", "n")]) as supervisor:
        deadline = time.monotonic() + 20.0
        while not (tmp_path / "up").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        parent = psutil.Process(supervisor.pid("n"))
        family = [parent, *parent.children(recursive=True)]
        assert len(family) == 2
    _, alive = psutil.wait_procs(family, timeout=1.0)
    # A killed grandchild may wait for init to collect its exit code.
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_interrupting_hume_up_ends_it(tmp_path: Path) -> None:
    program = "from hume_bringup.supervisor import run_until_interrupted as r; import sys; sys.exit(r([]))"
    finished = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), timeout=30, check=False)
    assert finished.returncode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
