"""Declaring node parameters with type, range, unit and description."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from hume_core.errors import ConfigError


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    read_only: bool = True,
) -> Any:
    """Declare a parameter and return its value.

    Args:
        node: owner.
        name: parameter name.
        default: value where nothing is set; its type is the parameter's type.
        description: what it means, with the unit.
        low, high: inclusive range of a number; both or none.
        read_only: refuse changes at run time.

    Raises:
        ConfigError: a launch file or the command line set a wrong type or a value out of range.
    """
    descriptor = ParameterDescriptor(description=description, read_only=read_only)
    if low is not None and high is not None:
        if isinstance(default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    try:
        return node.declare_parameter(name, default, descriptor).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        valid = f"{type(default).__name__}" + (f" from {low} to {high}" if low is not None else "")
        raise ConfigError(f"parameter '{name}' must be {valid} ({description})") from error


def refuse_unknown_parameters(node: Node) -> None:
    """Check that every parameter set from outside is one the node has; ROS would ignore a misspelt one silently.

    Args:
        node: with all its parameters declared.

    Raises:
        ConfigError: a launch file, parameter file or command line sets an unknown one.
    """
    for name in node._parameter_overrides:
        if not node.has_parameter(name) and not name.startswith("qos_overrides."):
            known = sorted(node.get_parameters_by_prefix(""))
            near = get_close_matches(name, known, n=1)
            hint = f", did you mean '{near[0]}'?" if near else "."
            raise ConfigError(
                f"parameter '{name}' is unknown to {node.get_name()}{hint} Mend the parameter file or command line; "
                f"valid: {', '.join(known)}"
            )
