"""Commands for people at a running robot: tasks, stops, resets, limits, labels, and what goes on.

Exit codes: 0 it was done, 1 the robot said no or the task did not succeed, 2 wrong use or nobody there.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from hume_core.command_line import option
from hume_core.errors import HumeError
from hume_core.json_report import json_text
from hume_core.labels import Label
from hume_system1.settings import LimitScales

if TYPE_CHECKING:
    from hume_operate.client import OperatorClient
    from hume_operate.task import TaskEnd

Namespace = Annotated[str, typer.Option(help="Namespace of the stack. Empty: the root.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="How long to wait for the stack, s.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
_Number = Optional[float]  # noqa: UP045
_Path = Optional[Path]  # noqa: UP045

DONE, REFUSED = 0, 1
UNUSABLE = 2


def task(
    text: Annotated[str, typer.Argument(help="What to do, in words. Without: the standing task.")] = "",
    max_duration: Annotated[float, typer.Option(min=0.0, help="End the task after this time, s; 0: never.")] = 0.0,
    wait: Annotated[
        bool, typer.Option(help="Stay until the task ends. With --no-wait a process of its own stays.")
    ] = True,
    namespace: Namespace = "",
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Give a task and show how it goes until it ends. Ctrl-C cancels it."""
    with _one_line(as_json):
        if wait:
            _finish(_watched(text, max_duration, namespace, timeout, as_json), as_json)
        else:
            _start(text, max_duration, namespace, timeout, as_json)


def cancel(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """End the task in hand, the standing task too. The arm comes to rest."""
    _ask(lambda client: client.cancel(), namespace, timeout, as_json)


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Until q or Ctrl-C. Space is the emergency stop.")] = False,
    seconds: Annotated[_Number, typer.Option(min=0.0, help="End the watch after this time, s.")] = None,
    svg: Annotated[_Path, typer.Option(help="Also draw the view to this file. Listens for some seconds.")] = None,
    namespace: Namespace = "",
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Show mode and reason, rates, ages, values, limiter and gripper."""
    from hume_operate.client import OperatorClient
    from hume_operate.watching import show_once, watch_status

    with _one_line(as_json), OperatorClient(namespace, timeout) as client:
        code = watch_status(client, as_json, seconds) if watch else show_once(client, as_json, svg)
    raise typer.Exit(code)


def estop(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Emergency stop: the arm brakes within its limits and stays until a reset."""
    _ask(lambda client: client.estop(), namespace, timeout, as_json, "Leave it with: hume reset")


def reset(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Leave a fault or an emergency stop. It completes with the first chunk of a new task."""
    _ask(lambda client: client.reset(), namespace, timeout, as_json, 'Give a task next: hume task "TEXT"')


def enable(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Let the arm move again after `disable`."""
    _ask(lambda client: client.set_enabled(True), namespace, timeout, as_json)


def disable(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Hold the arm: it brakes and waits. The task goes on after `enable`."""
    _ask(lambda client: client.set_enabled(False), namespace, timeout, as_json)


def takeover(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Let go of the arm, for a person or another program to command it."""
    _ask(lambda client: client.take_over(True), namespace, timeout, as_json)


def handback(namespace: Namespace = "", timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Give the arm back to the stack after `takeover`."""
    _ask(lambda client: client.take_over(False), namespace, timeout, as_json)


def limits(
    velocity: Annotated[_Number, option(LimitScales, "velocity")] = None,
    acceleration: Annotated[_Number, option(LimitScales, "acceleration")] = None,
    jerk: Annotated[_Number, option(LimitScales, "jerk")] = None,
    namespace: Namespace = "",
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Show the shares of the profile's limits that are in force, or lower them while the arm runs."""
    from hume_operate.client import OperatorClient

    given = {"velocity": velocity, "acceleration": acceleration, "jerk": jerk}
    wanted = {name: share for name, share in given.items() if share is not None}
    with _one_line(as_json), OperatorClient(namespace, timeout) as client:
        refusal = client.set_limit_scales(wanted) if wanted else ""
        shares = client.limit_scales()
    text = refusal or ", ".join(f"{name} {share:g}" for name, share in shares.items()) + " of the profile's limits"
    _say(not refusal, text, as_json, limit_scale=shares)


def label(
    verdict: Annotated[Label, typer.Argument(help="What became of the newest task. Discard leaves it out.")],
    namespace: Namespace = "",
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Label the newest task in the recording that runs. Exported as next.success."""
    from hume_operate.client import OperatorClient

    with _one_line(as_json), OperatorClient(namespace, timeout) as client:
        client.label(verdict)
    _say(True, f"the newest task is labelled {verdict.value}", as_json)


COMMANDS = (task, cancel, status, estop, reset, enable, disable, takeover, handback, limits, label)


def add_operator_commands(app: typer.Typer) -> None:
    """Register the commands."""
    for command in COMMANDS:
        app.command()(command)


class _one_line:  # noqa: N801
    """As JSON, an error is JSON too: exit code 2 and one object on standard output."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._as_json and isinstance(error, HumeError):
            print(json_text({"success": False, "message": str(error)}))
            raise typer.Exit(UNUSABLE) from error


def _ask(
    question: Callable[[OperatorClient], Any], namespace: str, timeout: float, as_json: bool, more: str = ""
) -> None:
    """Call a service whose answer has `success` and `message`."""
    from hume_operate.client import OperatorClient

    with _one_line(as_json), OperatorClient(namespace, timeout) as client:
        answer = question(client)
    text = f"{answer.message}. {more}" if more else str(answer.message)
    _say(bool(answer.success), text, as_json)


def _say(success: bool, text: str, as_json: bool, **figures: Any) -> None:
    if as_json:
        print(json_text({"success": success, "message": text, **figures}))
    elif success:
        print(text)
    else:
        print(f"hume: {text}", file=sys.stderr)
    raise typer.Exit(DONE if success else REFUSED)


def _watched(text: str, max_duration: float, namespace: str, timeout: float, as_json: bool) -> TaskEnd:
    from hume_operate.client import OperatorClient
    from hume_operate.task import TaskClient

    stop = threading.Event()
    tell: Callable[[str], None] = (lambda line: None) if as_json else (lambda line: print(line, flush=True))
    with OperatorClient(namespace, timeout) as client:
        goal = TaskClient(client, tell)
        try:
            end = goal.send(text, max_duration)
            if end is not None:
                return end
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: stop.set())
            return goal.follow(stop.is_set)
        finally:
            goal.close()


def _finish(end: TaskEnd, as_json: bool) -> None:
    _say(end.done, str(end), as_json, **asdict(end))


def _start(text: str, max_duration: float, namespace: str, timeout: float, as_json: bool) -> None:
    from hume_operate.keeper import start_keeper

    process, end = start_keeper(namespace, timeout, text, max_duration)
    if end is not None:
        _finish(end, as_json)
    what = f"'{text}'" if text else "the standing task"
    message = f"{what} has begun. Process {process} stays as its client until it ends. End it with: hume cancel"
    _say(True, message, as_json, process=process)
