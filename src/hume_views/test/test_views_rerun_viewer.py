"""The viewer listens on this machine alone and outlives nobody."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hume_core.errors import ConfigError
from hume_views import rerun_viewer
from hume_views.rerun_viewer import start_viewer
from hume_views.screenshot import take_screenshot

PROGRAM = """
import sys
from hume_views.rerun_viewer import start_viewer
print(start_viewer(int(sys.argv[1]), ["--serve-grpc"]).pid, flush=True)
sys.stdin.read()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_viewer_ends_with_its_parent() -> None:
    pytest.importorskip("rerun", reason="rerun is optional")
    port = free_port()
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    viewer = psutil.Process(int(parent.stdout.readline()))
    deadline = time.monotonic() + 60.0
    while not (listening := [one.laddr for one in viewer.net_connections() if one.status == "LISTEN"]):
        assert time.monotonic() < deadline, "the viewer does not listen"
        time.sleep(0.1)
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert port in {address.port for address in listening}
    parent.kill()
    parent.communicate()
    psutil.wait_procs([viewer], timeout=20.0)
    assert not viewer.is_running() or viewer.status() == psutil.STATUS_ZOMBIE


def test_a_viewer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun_viewer, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -r setup/requirements-rerun\.txt"):
        start_viewer(free_port(), [])


def test_a_screenshot_is_a_png(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"shot\.svg' must end in \.png"):
        take_screenshot(tmp_path, tmp_path / "shot.svg")
