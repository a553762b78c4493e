"""Launch arguments as the real launch knows them; it takes a misspelt one without a word."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from hume_bringup.options import LaunchOptions
from hume_core.settings import Setting, declared

_OF_LAUNCH = ("launch-prefix", "launch-prefix-filter")
"""Arguments that launch itself reads for every process."""


def declarations() -> list[DeclareLaunchArgument]:
    """Every launch argument with its default and its help."""
    return [_declaration(item) for item in declared(LaunchOptions)]


def _declaration(item: Setting) -> DeclareLaunchArgument:
    default = "" if item.default is None else str(item.default)
    return DeclareLaunchArgument(
        item.name,
        default_value=default.lower() if isinstance(item.default, bool) else default,
        description=f"{item.help} Valid: {item.valid}.",
    )


def read_options(context: LaunchContext, description: LaunchDescription) -> LaunchOptions:
    """The options from what was given to a launch description.

    Args:
        context: launch is visiting the description in it.
        description: declares the arguments. What is added to it may declare more.

    Raises:
        ConfigError: an argument was given that is not declared, or a value is not valid.
    """
    known = [item.name for item in declared(LaunchOptions)]
    others = {*known, *_OF_LAUNCH, *(item.name for item in description.get_launch_arguments())}
    undeclared = {name: text for name, text in _given(context, description).items() if name not in others}
    texts = {name: LaunchConfiguration(name).perform(context) for name in known}
    return LaunchOptions.from_text({**texts, **undeclared})


def _given(context: LaunchContext, description: LaunchDescription) -> Mapping[str, str]:
    """What `ros2 launch` or another launch file passes to a description by name.

    `ros2 launch` includes the file with the arguments of the command line, as another launch file does with its own.
    The configurations of the context tell nothing: those of all files stand there side by side.
    """
    include = _include_of(description)
    pairs = [] if include is None else include.launch_arguments
    return {_text(context, name): _text(context, value) for name, value in pairs}


def _include_of(description: LaunchDescription) -> IncludeLaunchDescription | None:
    """The action that included a description which is being visited; None: it was not included by itself.

    Launch visits depth first, so the action is among the callers' variables. No entity knows its parent.
    """
    frame = inspect.currentframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, IncludeLaunchDescription) and description in value.get_sub_entities():
                return value
        frame = frame.f_back
    return None


def _text(context: LaunchContext, value: Any) -> str:
    return str(perform_substitutions(context, normalize_to_list_of_substitutions(value)))
