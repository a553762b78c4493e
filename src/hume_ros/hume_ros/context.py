"""Starting ROS."""

from __future__ import annotations

import re
from collections.abc import Sequence

import rclpy
from rclpy.signals import SignalHandlerOptions

from hume_core.errors import ConfigError
from hume_core.process_environment import prepare_environment

_C_SOURCE = re.compile(r",? at /[^,]*\.c:\d+")
"""Where in rcl's source an error arose."""


def init_ros(args: Sequence[str] | None = ()) -> None:
    """`rclpy.init` without signal handlers, in an environment made ready by `prepare_environment`.

    Args:
        args: ROS command line. None takes the process's own.

    Raises:
        ConfigError: an argument or a parameter file cannot be read, or the process may open too few files.
    """
    prepare_environment()
    try:
        rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        reason = _C_SOURCE.sub("", str(error))
        hint = ". Write the numbers of a list alike, such as [0.9, 1.0]" if "should be of same type" in reason else ""
        raise ConfigError(f"the ROS arguments cannot be read: {reason}{hint}") from error
