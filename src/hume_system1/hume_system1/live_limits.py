"""Limits that may be tightened while the arm runs, never loosened: writable parameters `limit_scale.*`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.limits import MotionLimits, scaled
from hume_ros.parameters import declare_settings
from hume_system1.control.core import ControlCore
from hume_system1.settings import LIMIT_SCALE, LimitScales


class LiveLimits:
    """Parameters `limit_scale.velocity`, `.acceleration`, `.jerk`: share of the profile's limits, at most 1.

    Set at start they hold from the first command on. Set later they must be lower than before: the arm comes to
    rest, then goes on within the new limits. To loosen them the node has to be configured again.

    Args:
        node: owner of the parameters.
    """

    def __init__(self, node: Node) -> None:
        self._scales: dict[str, float] = asdict(declare_settings(node, LimitScales, LIMIT_SCALE))
        self._base: MotionLimits | None = None
        self._core: ControlCore | None = None
        node.add_on_set_parameters_callback(self._on_set)

    def apply(self, limits: MotionLimits) -> MotionLimits:
        """The profile's limits at the present scales."""
        return scaled(limits, self._scales)

    def connect(self, core: ControlCore | None, base: MotionLimits | None = None) -> None:
        """Changes go to this core from now on. None: to no one, and the scales may be set freely.

        Args:
            core: of the running node.
            base: the profile's limits.
        """
        self._core, self._base = core, base

    def _on_set(self, parameters: Sequence[Parameter[Any]]) -> SetParametersResult:
        wanted = dict(self._scales)
        for parameter in parameters:
            if parameter.name.startswith(LIMIT_SCALE):
                wanted[parameter.name.removeprefix(LIMIT_SCALE)] = float(parameter.value)
        if wanted == self._scales:
            return SetParametersResult(successful=True)
        if self._core is not None and self._base is not None:
            try:
                self._core.tighten(scaled(self._base, wanted))
            except ConfigError as error:
                return SetParametersResult(successful=False, reason=str(error))
        self._scales = wanted
        return SetParametersResult(successful=True)
