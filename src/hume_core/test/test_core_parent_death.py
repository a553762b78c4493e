"""Children that end with their parent, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hume_core import parent_death

START = """
import subprocess, sys, time
from hume_core.parent_death import tied
child = subprocess.Popen(tied({command}), start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def parent_of(command: list[str]) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A parent whose child has become `command`."""
    parent = subprocess.Popen([sys.executable, "-c", START.format(command=command)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    deadline = time.monotonic() + 20.0
    while child.cmdline()[1:] != command[1:]:
        assert time.monotonic() < deadline, "the child did not become its program"
        time.sleep(0.02)
    return parent, child


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_the_child_ends_with_its_parent(number: signal.Signals) -> None:
    parent, child = parent_of(["/bin/sleep", "60"])
    try:
        parent.send_signal(number)
        parent.wait(10)
        gone, _ = psutil.wait_procs([child], timeout=10)
        assert gone or child.status() == psutil.STATUS_ZOMBIE
    finally:
        parent.kill()
        parent.wait()
        if child.is_running():
            child.kill()


def test_the_child_may_do_something_first(tmp_path: Path) -> None:
    """It gets SIGTERM and is not killed."""
    mark = tmp_path / "told"
    code = f"import signal; signal.signal(15, lambda *_: open({str(mark)!r}, 'w').close()); signal.pause()"
    ready = f"open({str(tmp_path / 'ready')!r}, 'w').close(); "
    parent, child = parent_of([sys.executable, "-c", code.replace("signal.pause()", ready + "signal.pause()")])
    deadline = time.monotonic() + 20.0
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    psutil.wait_procs([child], timeout=10)
    assert mark.exists()


def test_a_child_whose_parent_is_gone_already_does_not_begin(tmp_path: Path) -> None:
    mark = tmp_path / "began"
    command = parent_death.tied(["/bin/touch", str(mark)])
    assert command[4] == str(os.getpid())
    command[4] = "1" if os.getpid() != 1 else "2"
    assert subprocess.run(command, check=False, timeout=20).returncode != 0
    assert not mark.exists()


def test_a_program_that_is_not_there_is_named() -> None:
    done = subprocess.run(parent_death.tied(["/no/such"]), capture_output=True, text=True, check=False, timeout=20)
    assert done.stderr.strip() == "hume: /no/such cannot be started: No such file or directory"
