"""Settings classes as node parameters: type, range, choices and text come from the declaration."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from hume_core.errors import ConfigError
from hume_core.settings import Setting, build, check_value, declared, former_name

_Class = TypeVar("_Class")
_INT64 = (-(2**63), 2**63 - 1)


def declare_settings(node: Node, cls: type[_Class], prefix: str = "") -> _Class:
    """Declare one parameter for each setting of a class, and read them.

    Args:
        node: owner.
        cls: settings class. What is given by something else, such as the robot profile, is no parameter.
        prefix: of every parameter's name.

    Raises:
        ConfigError: a launch file, parameter file or command line set a value that is not valid.
    """
    _take_whole_numbers(node, {prefix + item.name for item in declared(cls) if item.kind is float})
    return build(cls, lambda item: _declare(node, replace(item, name=prefix + item.name)))


def _take_whole_numbers(node: Node, names: Collection[str]) -> None:
    """Let a running node take a 1 where it wants 1.0, as it does at its start. Everything else is checked as before."""

    def convert(parameters: list[Parameter[Any]]) -> list[Parameter[Any]]:
        return [
            Parameter(item.name, Parameter.Type.DOUBLE, float(item.value))
            if item.name in names and item.type_ is Parameter.Type.INTEGER
            else item
            for item in parameters
        ]

    # rclpy of ROS 2 Humble has no such callback, and says that the type is wrong.
    add = getattr(node, "add_pre_set_parameters_callback", None)
    if names and add is not None:
        add(convert)


def _declare(node: Node, item: Setting) -> Any:
    # Read before it is declared: rclpy takes no 2 for a double, and its errors name neither range nor unit.
    override = node._parameter_overrides.get(item.name)
    value = check_value(item, item.default if override is None else override.value, "parameter")
    ros_value = list(value) if isinstance(value, tuple) else value
    node.declare_parameter(item.name, ros_value, _descriptor(item), ignore_override=True)
    return value


def _descriptor(item: Setting) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=f"{item.help} Valid: {item.valid}.", read_only=item.read_only, additional_constraints=item.valid
    )
    bounds = [bound for bound in (item.low, item.high) if bound is not None and math.isfinite(bound)]
    if bounds and item.kind is float:
        low, high = (open_end if x is None else x for x, open_end in ((item.low, -math.inf), (item.high, math.inf)))
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    if bounds and item.kind is int:
        first, last = (int(end if x is None else x) for x, end in zip((item.low, item.high), _INT64, strict=True))
        descriptor.integer_range = [IntegerRange(from_value=first, to_value=last)]
    return descriptor


def refuse_unknown_parameters(node: Node) -> None:
    """Check that every parameter set from outside is one the node has. ROS would ignore a misspelt one silently.

    Args:
        node: with all its parameters declared.

    Raises:
        ConfigError: a launch file, parameter file or command line sets an unknown one.
    """
    for name in node._parameter_overrides:
        if not node.has_parameter(name) and not name.startswith("qos_overrides."):
            known = sorted(node.get_parameters_by_prefix(""))
            near = get_close_matches(name, known, n=1)
            hint = f", did you mean '{near[0]}'?" if near and not former_name(name) else "."
            raise ConfigError(
                f"parameter '{name}' is unknown to {node.get_name()}{hint} {former_name(name)}"
                f"Correct the parameter file or command line. Valid: {', '.join(known)}"
            )
