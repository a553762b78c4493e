"""Base of the stack's lifecycle nodes: typed errors, autostart, and one way to run and to stop."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from hume_core.console import say
from hume_core.errors import HumeError
from hume_core.node_settings import LifecycleSettings
from hume_ros.context import init_ros
from hume_ros.parameters import declare_settings, refuse_unknown_parameters
from hume_ros.process_ending import ProcessEnding
from hume_ros.timers import steady_timer

LINGER = 1.3
"""How long a robot that is played goes on after its parent's end, s: longer than System 1 takes to bring it to rest."""

_SPIN_TIMEOUT = 0.1
_ACTIVATION_PERIOD = 0.05
_FAILED = 2


class HumeLifecycleNode(LifecycleNode):
    """A lifecycle node whose `configure`, `activate`, `deactivate` and `cleanup` may raise `HumeError`.

    A typed error refuses the transition with one log line. The node stays alive in its previous state.
    With the parameter `autostart` it configures itself once it spins, and activates itself once `may_activate` agrees.
    With `exit_on_failure` the process then ends where either is refused.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._autostart_timer = None
        self.gave_up = False
        """Autostart failed and the process has to end. The reason is logged."""
        self.activates_itself = False
        """The present activation is that of autostart, not one that was asked for."""
        self.on_configuring: Callable[[bool], None] = lambda configuring: None
        """Called when it begins to wait for models and sensors, and when that is over. Nothing moves meanwhile."""
        settings = declare_settings(self, LifecycleSettings)
        self._exit_on_failure = settings.exit_on_failure
        if settings.autostart:
            self._autostart_timer = steady_timer(self, 0.0, self._autostart)

    def configure(self) -> None:
        """Take up resources. Raise `HumeError` to refuse. `cleanup` is then called."""

    def activate(self) -> None:
        """Begin to work."""

    def may_activate(self) -> bool:
        """Whether autostart may activate now. Asked again and again until it says yes."""
        return True

    def deactivate(self) -> None:
        """Stop working, keep resources."""

    def cleanup(self) -> None:
        """Give up what `configure` took. Must cope with a half-done configure."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Called by rclpy."""
        self.on_configuring(True)
        try:
            done = self._guard("configure", self._configure_checked)
        finally:
            self.on_configuring(False)
        if not done:
            self.cleanup()
        return _outcome(done)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Called by rclpy."""
        if not self._guard("activate", self.activate):
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Called by rclpy."""
        self._guard("deactivate", self.deactivate)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Called by rclpy."""
        return _outcome(self._guard("cleanup", self.cleanup))

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Called by rclpy."""
        self._guard("deactivate", self.deactivate)
        return _outcome(self._guard("cleanup", self.cleanup))

    def _configure_checked(self) -> None:
        refuse_unknown_parameters(self)
        self.configure()

    def _guard(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except HumeError as error:
            self.get_logger().error(f"cannot {what}: {error}")
            return False
        return True

    def _autostart(self) -> None:
        if self._autostart_timer is not None:
            self.destroy_timer(self._autostart_timer)
            self._autostart_timer = None
        if self._autostart_step(self.trigger_configure()):
            self._autostart_timer = steady_timer(self, _ACTIVATION_PERIOD, self._autostart_activation)

    def _autostart_activation(self) -> None:
        if self._autostart_timer is None or not self.may_activate():
            return
        self.destroy_timer(self._autostart_timer)
        self._autostart_timer = None
        self.activates_itself = True
        self._autostart_step(self.trigger_activate())
        self.activates_itself = False

    def _autostart_step(self, outcome: TransitionCallbackReturn) -> bool:
        """Whether a transition was made. Where it was not, the process may have to end."""
        if outcome == TransitionCallbackReturn.SUCCESS:
            return True
        self.gave_up = self._exit_on_failure
        return False


def _outcome(done: bool) -> TransitionCallbackReturn:
    return TransitionCallbackReturn.SUCCESS if done else TransitionCallbackReturn.FAILURE


def run_process(make: Callable[[], Node], linger: float = 0.0) -> NoReturn:
    """`run_node`, then end the process without shutting down the interpreter, which takes a second with torch."""
    code = run_node(make, linger=linger)
    # Nodes are parts of reference cycles: without this the participant's shared memory stays until the next boot.
    gc.unfreeze()
    gc.collect()
    with suppress(OSError):
        # The terminal may be gone.
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def make_executor() -> Any:
    """The executor that costs least per message: callbacks run one at a time, in the thread that calls `spin_once`."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()


def run_node(make: Callable[[], Node], args: list[str] | None = None, linger: float = 0.0) -> int:
    """Spin a node until SIGINT, SIGTERM, SIGHUP or its parent's end, then stop it in order.

    Args:
        make: builds the node. Nodes in its attribute `extra_nodes`, if it has one, are spun too. A `HumeError` there or
            later ends the process with its message and exit code 2, and so do ROS arguments that cannot be read.
        args: command line. None takes the process's own.
        linger: how much longer a node that plays the robot goes on after its parent's end, s: System 1 notices that at
            the same time, and has to bring the arm to rest.

    Returns:
        Exit code.
    """
    try:
        init_ros(args)
    except HumeError as error:
        return _refuse(error)
    end = ProcessEnding(linger)
    executor = make_executor()
    node: Node | None = None
    try:
        node = _make_or_exit(make)
        if isinstance(node, HumeLifecycleNode):
            node.on_configuring = partial(setattr, end, "stuck")
        # Some nodes stand in for several.
        for each in (node, *getattr(node, "extra_nodes", ())):
            executor.add_node(each)
        while not end.due and rclpy.ok():
            executor.spin_once(timeout_sec=_SPIN_TIMEOUT)
            if isinstance(node, HumeLifecycleNode) and node.gave_up:
                return _FAILED
    except HumeError as error:
        return _refuse(error)
    except ExternalShutdownException:
        pass
    finally:
        _close(node)
        executor.shutdown(timeout_sec=0.5)
        rclpy.try_shutdown()
        end.close()
    return 0


def _make_or_exit(make: Callable[[], Node]) -> Node:
    """The node, or the end of the process: rclpy may crash when a half-built node is torn down with Python."""
    try:
        return make()
    except (HumeError, ParameterException) as error:
        os._exit(_refuse(error))


def _refuse(error: Exception) -> int:
    say(str(error))
    return _FAILED


def _close(node: Node | None) -> None:
    if node is None:
        return
    if isinstance(node, HumeLifecycleNode):
        node.deactivate()
        node.cleanup()
    node.destroy_node()
