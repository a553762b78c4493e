"""The end, a stop and the silence of a child process are noticed at once."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from hume_system1.watched_process import WatchedProcess

TIMEOUT = 30.0
Maker = Callable[..., tuple[WatchedProcess, "queue.Queue[str]"]]


@pytest.fixture
def make() -> Iterator[Maker]:
    """A process that runs the given Python code and is ready, and what is said of it from then on."""
    made = []

    def make(code: str = "", timeout: float = 60.0, startup_timeout: float = 60.0) -> tuple[WatchedProcess, object]:
        said: queue.Queue[str] = queue.Queue()
        command = [sys.executable, "-c", code or "import time; time.sleep(600)"]
        process = WatchedProcess(command, timeout, startup_timeout, said.put)
        made.append(process)
        process.start()
        process.heard(ready=False)
        assert said.empty()
        process.heard()
        assert said.get(timeout=TIMEOUT) == ""
        return process, said

    yield make  # type: ignore[misc]
    for process in made:
        process.stop()


def pid(process: WatchedProcess) -> int:
    assert process._child is not None
    return process._child.pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_process_is_told(make: Maker, number: signal.Signals) -> None:
    process, said = make()
    os.kill(pid(process), number)
    assert said.get(timeout=TIMEOUT) == f"killed by {number.name}" == process.exit_text()
    assert not process.running


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_code_is_told(make: Maker, code: int) -> None:
    process, said = make(f"raise SystemExit({code})")
    assert said.get(timeout=TIMEOUT) == f"ended with exit code {code}" == process.exit_text()


def test_a_stopped_process_is_told_and_so_is_that_it_goes_on(make: Maker) -> None:
    process, said = make()
    for _ in range(3):
        os.kill(pid(process), signal.SIGSTOP)
        assert said.get(timeout=TIMEOUT) == "stopped by SIGSTOP"
        os.kill(pid(process), signal.SIGCONT)
        assert said.get(timeout=TIMEOUT) == ""
    assert process.running
    assert process.exit_text() == ""


def test_its_own_stop_is_no_change(make: Maker) -> None:
    process, said = make()
    process.stop()
    assert not process.running
    assert said.empty()


def test_revive_leaves_a_healthy_process_alone(make: Maker) -> None:
    process, said = make()
    first = pid(process)
    process.heard()
    process.revive()
    assert pid(process) == first
    assert said.empty()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_revive_starts_an_ended_or_stopped_process_again(make: Maker, number: signal.Signals) -> None:
    process, said = make()
    first = pid(process)
    os.kill(first, number)
    said.get(timeout=TIMEOUT)
    process.revive()
    assert pid(process) != first
    assert process.running
    assert said.empty(), "it is not ready yet"
    process.heard()
    assert said.get(timeout=TIMEOUT) == ""


def test_revive_starts_a_silent_process_again(make: Maker) -> None:
    process, _ = make(timeout=0.01)
    first = pid(process)
    time.sleep(0.05)
    process.revive()
    assert pid(process) != first
    assert process.running


def test_revive_starts_a_process_again_that_does_not_become_ready(make: Maker) -> None:
    process, said = make(startup_timeout=0.01)
    os.kill(pid(process), signal.SIGKILL)
    said.get(timeout=TIMEOUT)
    process.revive()
    first = pid(process)
    time.sleep(0.05)
    process.revive()
    assert pid(process) != first
    assert process.running
