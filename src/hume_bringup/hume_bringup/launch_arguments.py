"""Launch arguments as the real launch knows them. It ignores a misspelt one silently."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

from hume_bringup.launch_options import LaunchOptions
from hume_core.settings import Setting, declared

_logger = get_logger("hume_bringup")
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
    texts = {name: LaunchConfiguration(name).perform(context) for name in known}
    includes = list(_includes())
    own = next((include for include in includes if description in include.get_sub_entities()), None)
    undeclared = _given(context, own).keys() - _declared(description)
    options = LaunchOptions.from_text({**texts, **dict.fromkeys(undeclared, "")})
    _warn_of_the_ignored(context, includes[-1:], known)
    return options


def _given(context: LaunchContext, include: IncludeLaunchDescription | None) -> Mapping[str, Any]:
    """What `ros2 launch` or another launch file passes by name.

    `ros2 launch` includes a file with the arguments of the command line, as another launch file does with its own.
    The configurations of the context tell nothing: those of all files stand there side by side.
    """
    pairs = () if include is None else include.launch_arguments
    return {perform_substitutions(context, normalize_to_list_of_substitutions(name)): value for name, value in pairs}


def _declared(description: LaunchDescription) -> set[str]:
    return {*_OF_LAUNCH, *(item.name for item in description.get_launch_arguments())}


def _includes() -> Iterator[IncludeLaunchDescription]:
    """The includes in which launch is at work, the innermost first.

    Launch visits depth first, so they are among the callers' variables. No entity knows its parent.
    """
    frame = inspect.currentframe()
    while frame is not None:
        found = (value for value in frame.f_locals.values() if isinstance(value, IncludeLaunchDescription))
        # A frame may know one by two names.
        yield from dict.fromkeys(found)
        frame = frame.f_back


def _warn_of_the_ignored(
    context: LaunchContext, outermost: Sequence[IncludeLaunchDescription], known: Sequence[str]
) -> None:
    """Report arguments of the command line that no file declares and that look like one of ours.

    No more than that: another file may read an argument that it does not declare.
    """
    everywhere = {name for include in outermost for part in include.get_sub_entities() for name in _declared(part)}
    for name in (text.partition(":=")[0] for text in context.argv):
        near = get_close_matches(name, known, n=1) if name not in everywhere else []
        if near:
            _logger.warning(f"no launch file declares the argument '{name}'. Did you mean '{near[0]}'?")
