"""The command `hume serve` as a process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgpack
from websockets.sync.client import connect

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"
SERVE = [sys.executable, "-m", "hume_tools", "serve", "--checkpoint", str(FIXTURE), "--contract", "libero_goal"]


def test_it_greets_with_the_contract_and_ends_when_it_is_told() -> None:
    words = [*SERVE, "--port", "0", "--seed", "4", "--max-clients", "3"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"ws://127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found is not None, process.communicate(timeout=60)
            with connect(f"ws://127.0.0.1:{found[1]}") as connection:
                message = connection.recv(timeout=60)
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert isinstance(message, bytes)
    metadata = msgpack.unpackb(message)
    assert metadata["contract"]["arms"][0]["space"] == "ee_delta"
    assert metadata["init_infer"]["seed"] == 4
    assert metadata["limits"]["clients"] == 3


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = [*SERVE, "--port", str(port), "--host", "0.0.0.0"]
        found = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    warning, error = found.stderr.strip().splitlines()
    assert "neither password nor encryption" in warning
    assert error.startswith(f"hume: cannot listen at 0.0.0.0:{port}: Address already in use")
