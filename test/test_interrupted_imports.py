"""A Ctrl-C while a program still imports ends it without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAMS = {
    "hume_system1.programs": ("system1_node", "denoiser_node"),
    "hume_system2.programs": ("system2_node",),
    "hume_sim.programs": ("hume_sim", "hume_mock"),
}
CODE = """
import os, signal, sys

class Interruption:
    def find_spec(self, name, path=None, target=None):
        if name == {moment!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interruption())
from {module} import {function}
{function}()
"""
CASES = [(module, name) for module, names in PROGRAMS.items() for name in names]


@pytest.mark.parametrize("moment", ["numpy", "rclpy"])
@pytest.mark.parametrize(("module", "function"), CASES)
def test_nothing_is_printed(module: str, function: str, moment: str) -> None:
    code = CODE.format(module=module, function=function, moment=moment)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_an_ignored_signal_stays_ignored() -> None:
    """As a shell starts jobs in the background."""
    code = "import hume_system1.programs, signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    command = ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, code]
    assert subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout == "True\n"
