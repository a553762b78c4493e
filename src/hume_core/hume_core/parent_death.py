"""Child processes that the kernel ends when their parent ends, however that happens.

A process started with `tied` gets SIGTERM at its parent's end, also when that was killed. It is
arranged by this file as a program of its own, which then becomes the real one: no code runs between fork and exec of a
parent with threads, and it works for programs that are not ours. See prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """The command line of a child that ends with this process. Start it from a thread that lives as long.

    Args:
        command: program, as a path, and its arguments.
    """
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Become the program of a command line.

    Args:
        arguments: process id of the parent, then the command line.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent, program = int(arguments[0]), arguments[1]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It ended before the kernel was asked.
        sys.exit(1)
    try:
        os.execv(program, list(arguments[1:]))
    except OSError as error:
        sys.exit(f"hume: {program} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
