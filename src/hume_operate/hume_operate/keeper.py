"""The process behind `hume task --no-wait`: it stays as the client of a goal until the goal ends.

A goal ends when its last client has left the graph, so somebody has to stay.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import Any

from hume_core.errors import HumeError
from hume_operate.client import OperatorClient
from hume_operate.task import TaskClient, TaskEnd


def start_keeper(namespace: str, timeout: float, instruction: str, max_duration: float) -> tuple[int, TaskEnd | None]:
    """Have a process of its own send the goal and stay until it ends.

    Returns:
        Its process id, and how the goal ended already. None: it was accepted.

    Raises:
        HumeError: System 2 is not there.
    """
    wanted = {
        "namespace": namespace, "timeout": timeout, "instruction": instruction, "max_duration": max_duration
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", "hume_operate.keeper", json.dumps(wanted)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
    except KeyboardInterrupt:
        child.terminate()
        raise
    answer: dict[str, Any] = json.loads(line) if line else {"error": "the process that was to hold the task has ended"}
    if "error" in answer:
        raise HumeError(answer["error"])
    return child.pid, TaskEnd(**answer["end"]) if answer["end"] else None


def main() -> int:
    """Send the goal named on the command line, say on standard output what became of it, and stay until it ends."""
    wanted = json.loads(sys.argv[1])
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        with OperatorClient(wanted["namespace"], wanted["timeout"]) as client:
            task = TaskClient(client)
            end = task.send(wanted["instruction"], wanted["max_duration"])
            _tell({"end": None if end is None else asdict(end)})
            if end is None:
                task.follow(stop.is_set)
            task.close()
    except HumeError as error:
        _tell({"error": str(error)})
        return 2
    return 0


def _tell(answer: dict[str, Any]) -> None:
    """One line to the command that started this process, which then goes on without it."""
    print(json.dumps(answer), flush=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
