"""What System 1 tells others of itself: the status topic, diagnostics, one log line per change."""

from __future__ import annotations

import time
from collections.abc import Callable

from hume_msgs.msg import Heartbeat, System1Status
from rclpy.node import Node

from hume_ros import qos
from hume_ros.diagnostics import ERROR, OK, WARN, DiagnosticsPublisher, Health
from hume_ros.epoch import EpochKeeper
from hume_ros.timers import steady_timer
from hume_system1.control.command import ClockReading, CoreStatus
from hume_system1.control.command_loop import CommandLoop, LoopStatus
from hume_system1.control.core import ControlCore
from hume_system1.control.report import STATUS_PERIOD, core_status
from hume_system1.control.states import Mode, Reason
from hume_system1.denoiser_process import DenoiserProcess
from hume_system1.peer_clock import PeerClock
from hume_system1.settings import System1Settings
from hume_system1.status import status_message

_LOOP_STATUS_PERIOD = 1.0
_CLOCK_WARN_PERIOD = 10.0
_SENSORS_ENDED = (Reason.JOINT_STATES_LOST, Reason.CLOCK_FROZEN)
"""In a dry run, the end of a bag: no fault of anybody."""

_LEVELS = {Mode.FAULT: ERROR, Mode.ESTOP: ERROR, Mode.HOLD: WARN}


class System1Reporter:
    """Publishes `hume/status` and diagnostics while the node is configured.

    Args:
        node: speaks.
        core, loop, denoiser: what is reported.
        epoch: called when the core begins a new one.
        clocks: both clocks now.
        settings: of the node.
    """

    def __init__(
        self,
        node: Node,
        core: ControlCore,
        loop: CommandLoop,
        denoiser: DenoiserProcess,
        epoch: EpochKeeper,
        clocks: Callable[[], ClockReading],
        settings: System1Settings,
    ) -> None:
        self._node, self._core, self._loop, self._denoiser = node, core, loop, denoiser
        self._epoch, self._clocks = epoch, clocks
        self._peer = PeerClock(node, settings.clock_offset_limit)
        self._dry_run = settings.dry_run
        self.heartbeat: Heartbeat | None = None
        self._mode = Mode.UNCONFIGURED
        self._exit_text = ""
        self._loop_status: LoopStatus | None = None
        self._next_loop_status = 0.0
        self._status = node.create_publisher(System1Status, "hume/status", qos.STATUS)
        self._timer = steady_timer(node, STATUS_PERIOD, self.publish)
        self._diagnostics = DiagnosticsPublisher(node, self.health)

    def close(self) -> None:
        """Leave every topic."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._status)
        self._diagnostics.close()
        self._peer.close()

    def publish(self) -> None:
        """Send a status message. Log what changed."""
        snapshot = core_status(self._core, self._clocks())
        self._epoch.lead(snapshot.epoch, snapshot.text)
        if time.monotonic() >= self._next_loop_status:
            # Sorting the window takes milliseconds of this interpreter's lock.
            self._loop_status = self._loop.status()
            self._next_loop_status = time.monotonic() + _LOOP_STATUS_PERIOD
        message = status_message(snapshot, self._loop_status, self.heartbeat, self._core.limits)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._status.publish(message)
        self._log_changes(snapshot)

    def _log_changes(self, snapshot: CoreStatus) -> None:
        if snapshot.mode is not self._mode:
            # rclpy ties a line of code to one severity.
            if self._dry_run and snapshot.reason in _SENSORS_ENDED:
                self._node.get_logger().info(f"the sensors have ended: {snapshot.text} (dry run: nothing moves)")
            elif snapshot.mode in (Mode.FAULT, Mode.ESTOP):
                self._node.get_logger().error(snapshot.text)
            else:
                self._node.get_logger().info(snapshot.text + self._how_to_begin(snapshot))
            self._mode = snapshot.mode
        if snapshot.clock:
            self._node.get_logger().warning(snapshot.clock, throttle_duration_sec=_CLOCK_WARN_PERIOD)
        exit_text = self._denoiser.exit_text()
        if exit_text and exit_text != self._exit_text:
            self._node.get_logger().error(f"the denoiser was {exit_text}. Call ~/reset to start it again")
        self._exit_text = exit_text

    def _how_to_begin(self, snapshot: CoreStatus) -> str:
        if snapshot.mode is not Mode.IDLE:
            return ""
        space = self._node.get_namespace()
        return '. Give a task: hume task "TEXT"' + (f" --namespace {space}" if space != "/" else "")

    def health(self) -> Health:
        """For `/diagnostics`."""
        snapshot = core_status(self._core, self._clocks())
        values = {
            "chunk age, s": f"{snapshot.chunk_age:.3f}",
            "joint state age, s": f"{snapshot.joint_state_age:.3f}",
            "heartbeat age, s": f"{snapshot.heartbeat_age:.3f}",
            **self._peer.figures(),
        }
        if self._loop_status is not None:
            values["commands per second"] = f"{self._loop_status.periods.rate_hz:.1f}"
            values["period error p99, us"] = f"{self._loop_status.periods.p99:.0f}"
        level, problem = _LEVELS.get(snapshot.mode, OK), self._peer.problem() or snapshot.clock
        if problem and level == OK:
            return Health(WARN, problem, values)
        return Health(level, snapshot.text, values)
