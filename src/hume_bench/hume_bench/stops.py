"""`hume bench stops`: every way to stop the arm, and every way in which the set of processes may end.

The stack is `hume up mock`, in a namespace, with a dead-man switch and a state of the driver in its profile.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
import yaml
from hume_msgs.msg import System1Status
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from std_msgs.msg import Bool

from hume_bench.endings import ENDINGS, measure_endings
from hume_bench.plot import plot_stops
from hume_bench.watched_stack import ARGUMENTS, ROBOT, WatchedStack, guarded
from hume_bringup.environment import default_environment
from hume_bringup.signals import interrupt_on_signals
from hume_core.console import say
from hume_core.durations import MEASURED, Units, estimate
from hume_core.errors import HumeError
from hume_core.json_report import write_json
from hume_core.robot import RobotProfile, find_profile
from hume_ros.context import init_ros
from hume_ros.domain import free_domain
from hume_ros.timers import steady_timer

_NAMESPACE = "left"
_DEADMAN, _STATE = f"/{_NAMESPACE}/deadman", f"/{_NAMESPACE}/driver/stopped"
_DEADMAN_TIMEOUT = 0.25
_STOP_TIMEOUT = 5.0
_STOP_SECONDS, _ENDING_SECONDS = 5.0, 12.0
"""What each takes, its motion before and the start of the stack included."""

_SILENT = PublisherEventCallbacks(use_default_callbacks=False)
"""System 1 has several subscriptions, and no publisher fits all of them."""
_RELIABILITY = {"best effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}
_DURABILITY = {"volatile": DurabilityPolicy.VOLATILE, "latched": DurabilityPolicy.TRANSIENT_LOCAL}
_TOPICS = {"inside": f"/{_NAMESPACE}/hume/estop", "outside": "/hume/estop"}


@dataclass(frozen=True)
class Publication:
    """One way to publish a stop.

    Attributes:
        reliability, durability: keys of the tables above.
        place: inside or outside the namespace.
        before: published before System 1 is configured.
    """

    reliability: str
    durability: str
    place: str
    before: bool = False

    @property
    def name(self) -> str:
        """For people."""
        when = ", before System 1" if self.before else ""
        return f"{self.reliability}, {self.durability}, {self.place} the namespace{when}"

    @property
    def quality(self) -> QoSProfile:
        """What its publisher offers."""
        return QoSProfile(depth=1, reliability=_RELIABILITY[self.reliability], durability=_DURABILITY[self.durability])


LIVE = [Publication(r, d, p) for r in _RELIABILITY for d in _DURABILITY for p in _TOPICS]
BEFORE = [Publication("reliable", "latched", place, before=True) for place in _TOPICS]


class Operator:
    """Holds the dead-man switch and publishes the driver's state while the stack is spun.

    Args:
        stack: whose node publishes.
    """

    def __init__(self, stack: WatchedStack) -> None:
        self.holds = True
        node = stack.node
        self.switch = node.create_publisher(Bool, _DEADMAN, 10)
        self.state = node.create_publisher(Bool, _STATE, 10, event_callbacks=_SILENT)
        steady_timer(node, 0.05, self._hold)

    def _hold(self) -> None:
        if self.holds:
            self.switch.publish(Bool(data=True))


def run_bench(json_file: Path | None, endings: bool = True, plot: Path | None = None) -> int:
    """Measure and report. Returns 1 when the arm was not stopped, or a process was left, else 0.

    Args:
        json_file: where the figures go. None prints only.
        endings: also end the set of processes in every way.
        plot: .svg or .png file for the plot. None draws none.
    """
    os.environ.update(default_environment())
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    interrupt_on_signals()
    init_ros()
    stops = Units(len(LIVE) + len(BEFORE) + 3, "stops", _STOP_SECONDS)
    say(estimate(stops, *([Units(len(ENDINGS) + 1, "endings", _ENDING_SECONDS)] if endings else []), basis=MEASURED))
    try:
        with Progress(console=Console(stderr=True)) as progress:
            figures = {"stops": measure_stops(progress), "endings": measure_endings(progress) if endings else {}}
    finally:
        rclpy.try_shutdown()
    _print(figures)
    if json_file is not None:
        write_json(json_file, figures)
    if plot is not None:
        plot_stops(figures, plot)
    return int(any("error" in row for rows in figures.values() for row in rows.values()))


def measure_stops(
    progress: Progress, live: Sequence[Publication] = LIVE, before: Sequence[Publication] = BEFORE
) -> dict[str, Any]:
    """Time from each kind of stop to standstill.

    Args:
        progress: gets a bar.
        live, before: emergency stops published while the arm moves, and before System 1 is configured.

    Returns:
        By the name of each stop `standstill_ms` and `reason`, or `error`.
    """
    rows: dict[str, Any] = {}
    bar = progress.add_task("stops", total=len(live) + len(before) + 3)
    with tempfile.TemporaryDirectory() as folder:
        profile = _profile(Path(folder))
        arguments = [f"robot:={profile}", *ARGUMENTS]
        with WatchedStack(arguments, RobotProfile.load(profile), _NAMESPACE, Path(folder) / "log") as stack:
            operator = Operator(stack)

            def note(name: str, measure: Callable[[], dict[str, Any]]) -> None:
                progress.update(bar, description=name)
                rows[name] = guarded(measure)
                progress.advance(bar)

            for way in live:
                note(way.name, lambda way=way: _stop_live(stack, way))  # type: ignore[misc]
            note("dead-man switch let go", lambda: _release(stack, operator, say=True))
            note("dead-man switch silent", lambda: _release(stack, operator, say=False))
            note("driver says that it has stopped", lambda: _driver_stops(stack, operator))
            for way in before:
                note(way.name, lambda way=way: _stopped_before(stack, way))  # type: ignore[misc]
    return rows


def _profile(folder: Path) -> Path:
    """The simulated robot with a dead-man switch and a driver's state."""
    found = find_profile(ROBOT)
    data = yaml.safe_load(found.read_text(encoding="utf-8"))
    data["kinematics"]["urdf"] = str((found.parent / data["kinematics"]["urdf"]).resolve())
    data["deadman"] = {"topic": _DEADMAN, "timeout": _DEADMAN_TIMEOUT}
    data["stop_states"] = [{"topic": _STATE, "type": "std_msgs/msg/Bool", "normal": [False]}]
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@contextmanager
def _publisher(stack: WatchedStack, way: Publication) -> Iterator[Any]:
    publisher = stack.node.create_publisher(Bool, _TOPICS[way.place], way.quality, event_callbacks=_SILENT)
    try:
        yield publisher
    finally:
        stack.node.destroy_publisher(publisher)


def _stop_live(stack: WatchedStack, way: Publication) -> dict[str, Any]:
    with _publisher(stack, way) as publisher:
        stack.wait_for_motion()
        return _standstill(stack, lambda: publisher.publish(Bool(data=True)))


def _release(stack: WatchedStack, operator: Operator, say: bool) -> dict[str, Any]:
    stack.wait_for_motion()

    def release() -> None:
        operator.holds = False
        if say:
            operator.switch.publish(Bool(data=False))

    try:
        return _standstill(stack, release)
    finally:
        operator.holds = True


def _driver_stops(stack: WatchedStack, operator: Operator) -> dict[str, Any]:
    stack.wait_for_motion()
    try:
        return _standstill(stack, lambda: operator.state.publish(Bool(data=True)))
    finally:
        operator.state.publish(Bool(data=False))


def _standstill(stack: WatchedStack, cause: Callable[[], None]) -> dict[str, Any]:
    """Time from a cause to the last command that moves the arm."""
    stack.commands.clear()
    caused = time.monotonic()
    cause()
    stack.wait(lambda: stack.status.mode == System1Status.ESTOP, _STOP_TIMEOUT, "the emergency stop")
    stack.wait(lambda: stack.status.standing_still, _STOP_TIMEOUT, "standstill")
    stack.spin(0.2)
    return {"standstill_ms": 1e3 * stack.last_motion(caused), "reason": str(stack.status.reason)}


def _stopped_before(stack: WatchedStack, way: Publication) -> dict[str, Any]:
    """A latched stop that is older than the subscription: the arm must not begin to move."""
    for step in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        _change(stack, step)
    with _publisher(stack, way) as publisher:
        publisher.publish(Bool(data=True))
        stack.commands.clear()
        begun = time.monotonic()
        for step in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            _change(stack, step)
        stack.status = System1Status()
        stack.wait(lambda: stack.status.mode == System1Status.ESTOP, _STOP_TIMEOUT, "the emergency stop")
        stack.spin(1.0)
        return {"standstill_ms": 1e3 * stack.last_motion(begun), "reason": str(stack.status.reason)}


def _change(stack: WatchedStack, step: int) -> None:
    request = ChangeState.Request(transition=Transition(id=step))
    if not stack.call(ChangeState, "hume_system1/change_state", request).success:
        raise HumeError(f"System 1 refused transition {step}")


def _print(figures: dict[str, Any]) -> None:
    console = Console()
    table = Table("stop", "standstill after, ms", "reason")
    for name, row in figures["stops"].items():
        table.add_row(name, f"{row.get('standstill_ms', float('nan')):.0f}", row.get("error", row.get("reason", "")))
    console.print(table)
    if not figures["endings"]:
        return
    table = Table("end of hume up", "standstill after, ms", "last process, ms", "last step, rad", "")
    for name, row in figures["endings"].items():
        keys = (("standstill_ms", ".0f"), ("ended_ms", ".0f"), ("last_step_rad", ".1e"))
        numbers = [format(row.get(key, float("nan")), text) for key, text in keys]
        table.add_row(name, *numbers, row.get("error", ""))
    console.print(table)
