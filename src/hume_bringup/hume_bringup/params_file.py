"""ROS parameter files, checked before a node meets them: rcl's own message names neither line nor fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_core.errors import ConfigError
from hume_core.texts import shortened
from hume_core.yaml_file import read_yaml

_KEY = "ros__parameters"


def check_params_file(path: str) -> None:
    """Check the form of a parameter file. The nodes check names and values.

    Raises:
        ConfigError: it does not exist, is no YAML, or is no parameter file.
    """
    if not Path(path).is_file():
        raise ConfigError(f"parameter file '{path}' does not exist")
    data = read_yaml(path, "parameter file")
    if not isinstance(data, dict) or not data:
        raise ConfigError(f"parameter file '{path}' must be a mapping such as {{hume_system1: {{{_KEY}: {{...}}}}}}")
    for name, section in data.items():
        if not _has_parameters(section):
            raise ConfigError(
                f"parameter file '{path}': section '{shortened(str(name))}' has no '{_KEY}'. Put the parameters "
                "below it"
            )


def _has_parameters(section: Any) -> bool:
    """Whether every branch of nested namespaces ends in parameters."""
    if not isinstance(section, dict) or not section:
        return False
    if _KEY in section:
        return isinstance(section[_KEY], dict)
    return all(_has_parameters(part) for part in section.values())


def names_parameter(path: str, parameter: str) -> bool:
    """Whether a parameter file that was checked sets a parameter of any node."""
    return _sets(read_yaml(path, "parameter file"), parameter)


def _sets(section: Any, parameter: str) -> bool:
    if not isinstance(section, dict):
        return False
    parameters = section.get(_KEY)
    inner = (part for name, part in section.items() if name != _KEY)
    return (isinstance(parameters, dict) and parameter in parameters) or any(_sets(part, parameter) for part in inner)
