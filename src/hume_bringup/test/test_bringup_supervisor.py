"""The supervisor behind `hume up`: what follows from the end of a process, and that nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from hume_bringup import supervisor as module
from hume_bringup.description import graph
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.node_spec import REFUSED, NodeSpec, OnExit
from hume_bringup.programs import command, find_executable
from hume_bringup.supervisor import Supervisor
from hume_core.errors import ConfigError


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installed as package `pkg`, executable `exe`. Exits with its first argument, or stays with none."""
    path = tmp_path / "lib" / "pkg" / "exe"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import os, sys, time\n"
        f"open({str(tmp_path / 'starts')!r}, 'a').write('x' if sys.argv[1].isdigit() else '')\n"
        "time.sleep(60) if not sys.argv[1].isdigit() else sys.exit(int(sys.argv[1]))\n"
    )
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setattr(module, "RESPAWN_DELAY", 0.05)
    return path


def spec(name: str, argument: str, on_exit: OnExit) -> NodeSpec:
    return NodeSpec("pkg", "exe", name, arguments=(argument,), ros=False, on_exit=on_exit)


def test_the_end_of_a_needed_process_ends_all(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor([spec("first", "stay", OnExit.STOP), spec("second", "3", OnExit.STOP)]) as supervisor:
        assert supervisor.wait() == 3
    assert "second ended with exit code 3. Stopping" in capfd.readouterr().err


def test_the_end_of_a_viewer_ends_nothing(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor([spec("viewer", "1", OnExit.IGNORE), spec("other", "0", OnExit.IGNORE)]) as supervisor:
        assert supervisor.wait() == 1
    assert "viewer ended with exit code 1. The others go on" in capfd.readouterr().err


def test_a_crashed_process_is_started_again(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The second start refuses, which ends the wait."""
    mark = program.parents[2] / "crashed"
    program.write_text(
        f"import os, sys; mark = {str(mark)!r}\n"
        f"if os.path.exists(mark): sys.exit({REFUSED})\n"
        "open(mark, 'w').close(); os.abort()\n"
    )
    with Supervisor([spec("worker", "1", OnExit.RESPAWN)]) as supervisor:
        assert supervisor.wait() == REFUSED
    told = capfd.readouterr().err
    assert "worker ended with exit code -6. Starting it again" in told
    assert "worker could not start, its message is above. Stopping" in told


def test_a_process_that_refuses_is_not_started_again(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor([spec("worker", str(REFUSED), OnExit.RESPAWN)]) as supervisor:
        assert supervisor.wait() == REFUSED
    assert (program.parents[2] / "starts").read_text() == "x"
    assert "Starting it again" not in capfd.readouterr().err


def test_each_process_gets_its_own_variables(program: Path, tmp_path: Path) -> None:
    program.write_text("import os, sys; sys.exit(int(os.environ['OWN']))")
    node = NodeSpec("pkg", "exe", "n", ros=False, environment={"OWN": "7"})
    with Supervisor([node]) as supervisor:
        assert supervisor.wait() == 7


def test_binaries_and_foreign_scripts_run_by_themselves(program: Path) -> None:
    assert command(spec("n", "x", OnExit.STOP))[0] == sys.executable
    program.write_text("#!/bin/sh\n")
    assert command(spec("n", "x", OnExit.STOP))[0] == str(program)
    assert command(NodeSpec("", "sh", "n", arguments=("-c", "true"), ros=False))[1:] == ["-c", "true"]


def test_a_program_that_is_not_on_the_path_is_named() -> None:
    with pytest.raises(ConfigError, match="'no-such-program' is not installed"):
        command(NodeSpec("", "no-such-program", "n", ros=False))


def test_missing_executable_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"source setup\.bash"):
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


@pytest.mark.parametrize(
    ("number", "before"),
    [
        (signal.SIGHUP, signal.SIG_DFL),
        *(
            (number, before)
            for number in (signal.SIGINT, signal.SIGTERM)
            for before in (signal.SIG_DFL, signal.SIG_IGN)
        ),
    ],
)
def test_a_signal_ends_all_whatever_the_parent_ignores(
    program: Path, number: signal.Signals, before: signal.Handlers
) -> None:
    """A shell starts background jobs with SIGINT ignored, and a program inherits that."""
    run = (
        f"import signal; signal.signal({int(number)}, signal.Handlers({int(before)}))\n"
        "from hume_bringup.node_spec import NodeSpec\n"
        "from hume_bringup.supervisor import run_until_interrupted\n"
        "raise SystemExit(run_until_interrupted([NodeSpec('pkg', 'exe', 'n', arguments=('stay',), ros=False)]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", run], start_new_session=True)
    try:
        child = wait_for_child(psutil.Process(process.pid))
        process.send_signal(number)
        assert process.wait(30) == 0
        assert not child.is_running()
    finally:
        process.kill()
        process.wait()


def test_nohup_outlives_the_terminal(program: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", IGNORING_HANGUP], start_new_session=True)
    try:
        child = wait_for_child(psutil.Process(process.pid))
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert child.is_running()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_what_kills_the_supervisor_ends_all(program: Path, number: signal.Signals) -> None:
    """Nobody is left to stop them but the kernel."""
    process = subprocess.Popen([sys.executable, "-c", IGNORING_HANGUP], start_new_session=True)
    try:
        child = wait_for_child(psutil.Process(process.pid))
        process.send_signal(number)
        process.wait(30)
        psutil.wait_procs([child], timeout=10)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("package", ["hume_pkg", "pkg"])
def test_who_plays_the_robot_ends_after_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """Ours get SIGTERM, which ends Python without a traceback while it imports. Others by SIGINT."""
    program = tmp_path / "lib" / package / "exe"
    program.parent.mkdir(parents=True)
    program.write_text(
        "import signal, sys, time\n"
        f"def end(number, frame):\n time.sleep(0.2); open({str(tmp_path / 'log')!r}, 'a').write("
        "f'{sys.argv[1]} {number}\\n'); sys.exit(0)\n"
        "for number in (2, 15): signal.signal(number, end)\n"
        f"open({str(tmp_path)!r} + '/up_' + sys.argv[1], 'w').close()\n"
        "while True: signal.pause()\n"
    )
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    robot = NodeSpec(package, "exe", "robot", arguments=("robot",), ros=False, stops_last=True)
    others = [NodeSpec(package, "exe", name, arguments=(name,), ros=False) for name in ("a", "b")]
    with Supervisor([robot, *others]):
        deadline = time.monotonic() + 20.0
        while len(list(tmp_path.glob("up_*"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    ended = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert sorted(name for name, _ in ended[:2]) == ["a", "b"]
    assert ended[2][0] == "robot"
    assert {number for _, number in ended} == {str(int(signal.SIGTERM if package == "hume_pkg" else signal.SIGINT))}


@pytest.mark.parametrize("graph_name", ["sim", "mock"])
def test_the_robot_that_is_played_stops_last(graph_name: str) -> None:
    specs = graph(graph_name, LaunchOptions(checkpoint="/model"))
    assert [spec.name for spec in specs if spec.stops_last] == [specs[0].name]
    assert specs[0].package == "hume_sim"


def test_a_signal_between_two_starts_leaves_nothing_behind(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes while a process is being started, which no handler may cut short."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        signal.raise_signal(signal.SIGINT)
        started.append(Popen(*arguments, **options))
        return started[-1]

    Popen = subprocess.Popen
    monkeypatch.setattr(module.subprocess, "Popen", start)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), Supervisor([spec(n, "stay", OnExit.STOP) for n in ("a", "b")]):
            pytest.fail("the signal was swallowed")
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(started) == 1
    assert started[0].poll() is not None


IGNORING_HANGUP = (
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    "from hume_bringup.node_spec import NodeSpec\n"
    "from hume_bringup.supervisor import run_until_interrupted\n"
    "raise SystemExit(run_until_interrupted([NodeSpec('pkg', 'exe', 'n', arguments=('stay',), ros=False)]))\n"
)


def wait_for_child(parent: psutil.Process) -> psutil.Process:
    """The first child of a process, once it is there."""
    deadline = time.monotonic() + 30.0
    while not (children := parent.children()):
        assert time.monotonic() < deadline, "no child was started"
        time.sleep(0.02)
    return children[0]
