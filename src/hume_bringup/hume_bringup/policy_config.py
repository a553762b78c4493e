"""Policy files: settings of the two systems, apart from robots and from ROS parameter files.

system2: {candidates: 5, time_temp: [0.9, 1.0]}
system1: {refine: true, chunk_switch: at_once}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hume_core.errors import ConfigError
from hume_core.yaml_file import read_yaml

_BOTH = {"device": "text", "dtype": "text", "compile": "true or false", "threads": "a whole number"}
FIELDS: dict[str, dict[str, str]] = {
    "system2": {
        **_BOTH,
        "candidates": "a whole number",
        "time_temp": "two numbers",
        "noise_temp": "two numbers",
        "seed": "a whole number",
        "done_value": "a number",
        "done_thoughts": "a whole number",
    },
    "system1": {
        **_BOTH,
        "refine": "true or false",
        "chunk_switch": "text",
        "chunk_age": "a number",
        "segment_age": "a number",
        "observation_age": "a number",
        "blend": "a number",
    },
}
"""Section -> parameter of that system's node -> what it takes."""


def load_policy_config(path: str) -> dict[str, dict[str, Any]]:
    """Parameters of each system from a policy file; empty sections without one.

    Raises:
        ConfigError: the file cannot be read, or a field is unknown or of the wrong kind.
    """
    if not path:
        return {section: {} for section in FIELDS}
    if not Path(path).is_file():
        raise ConfigError(f"policy file '{path}' does not exist")
    data = read_yaml(path, "policy file")
    sections = _checked(path, "", {} if data is None else data, list(FIELDS))
    return {
        section: {
            name: _value(path, f"{section}.{name}", value, kinds[name])
            for name, value in _checked(path, section, sections.get(section) or {}, list(kinds)).items()
        }
        for section, kinds in FIELDS.items()
    }


def _checked(path: str, section: str, data: Any, valid: list[str]) -> dict[str, Any]:
    where = f"section '{section}'" if section else "the file"
    if not isinstance(data, dict):
        raise ConfigError(f"policy file '{path}': {where} must be a mapping; valid fields: {', '.join(valid)}")
    for name in data:
        if name not in valid:
            raise ConfigError(f"policy file '{path}': field '{name}' in {where} is unknown; valid: {', '.join(valid)}")
    return data


def _value(path: str, field: str, value: Any, kind: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "true or false" and isinstance(value, bool):
        return value
    if kind == "a whole number" and number and isinstance(value, int):
        return value
    if kind == "a number" and number:
        return float(value)
    if kind == "two numbers" and isinstance(value, list) and len(value) == 2:
        return [_value(path, field, part, "a number") for part in value]
    raise ConfigError(f"policy file '{path}': field '{field}' is {value!r}; valid: {kind}")
