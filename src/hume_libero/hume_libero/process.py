"""The child process that runs LIBERO, and what can be asked of it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hume_core.errors import SimulationError
from hume_core.parent_death import tied
from hume_libero.environment import clean_environment, libero_python
from hume_libero.framing import PROTOCOL, Channel, FramingError

_SILENCE = 300.0
"""The longest that a request takes, s. LIBERO needs some seconds to load a scene."""

_BOOT = """
import importlib.util, sys
where = {"location": sys.argv[1] + "/__init__.py", "submodule_search_locations": [sys.argv[1]]}
spec = importlib.util.spec_from_file_location("hume_libero", **where)
sys.modules["hume_libero"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from hume_libero.child.program import main
main()
"""
"""Makes this one package known over there. Its folder lies beside others that must not be imported."""


class LiberoProcess:
    """LIBERO in a process of its own. Ends with this one, or with `close`.

    Args:
        python: what runs it. None: the environment of the workspace.
        command: what to start in place of the real program. For tests.

    Raises:
        SimulationError: there is no such environment, or it does not start.
    """

    def __init__(self, python: Path | None = None, command: list[str] | None = None) -> None:
        if command is None:
            command = [str(python or libero_python()), "-I", "-c", _BOOT, str(Path(__file__).parent)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        environment = {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1"} | clean_environment()
        self._process = subprocess.Popen(
            tied(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._channel = Channel(self._process.stdout.fileno(), self._process.stdin.fileno(), _SILENCE)
        hello = self.ask("hello")
        if hello["protocol"] != PROTOCOL:
            self.close()
            raise SimulationError(f"LIBERO's process speaks protocol {hello['protocol']}, this one {PROTOCOL}")
        self.versions: dict[str, str] = hello["versions"]

    def ask(self, method: str, **arguments: Any) -> Any:
        """Ask for something and wait for the answer.

        Raises:
            SimulationError: it was refused, or the process has ended.
        """
        try:
            self._channel.send([method, arguments])
            answer = self._channel.receive()
        except FramingError as error:
            last = self.last_words()
            self.close()
            raise SimulationError(f"LIBERO's process does not answer: {error}. Its last line: {last}") from error
        if "error" in answer:
            raise SimulationError(f"LIBERO refuses '{method}': {answer['error']}")
        return answer["ok"]

    def last_words(self) -> str:
        """The last line that the process wrote for people."""
        if self._log.closed:
            return ""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 2000))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "none"

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> LiberoProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
