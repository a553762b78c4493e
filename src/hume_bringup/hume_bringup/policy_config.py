"""Policy files: settings of the two systems, apart from robots and from ROS parameter files.

system2: {candidates: 5, time_temp: [0.9, 1.0]}
system1: {refine: true, chunk_switch: at_once}
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hume_core.errors import ConfigError
from hume_core.settings import Setting, check_value, declared, former_name
from hume_core.texts import shortened
from hume_core.yaml_file import read_yaml
from hume_system1.settings import System1Settings
from hume_system2.settings import System2Settings

FIELDS: dict[str, dict[str, Setting]] = {
    section: {item.name: item for item in declared(cls) if item.policy}
    for section, cls in (("system2", System2Settings), ("system1", System1Settings))
}
"""Section -> parameter of that system's node -> its declaration."""


def load_policy_config(path: str) -> dict[str, dict[str, Any]]:
    """Parameters of each system from a policy file. Empty sections without one.

    Raises:
        ConfigError: the file cannot be read, or a field is unknown or has no valid value.
    """
    if not path:
        return {section: {} for section in FIELDS}
    if not Path(path).is_file():
        raise ConfigError(f"policy file '{path}' does not exist")
    data = read_yaml(path, "policy file")
    sections = _checked(path, "", {} if data is None else data, list(FIELDS))
    return {
        section: {
            name: _value(path, replace(items[name], name=f"{section}.{name}"), value)
            for name, value in _checked(path, section, sections.get(section) or {}, list(items)).items()
        }
        for section, items in FIELDS.items()
    }


def _checked(path: str, section: str, data: Any, valid: list[str]) -> dict[str, Any]:
    where = f"section '{section}'" if section else "the file"
    if not isinstance(data, dict):
        raise ConfigError(f"policy file '{path}': {where} must be a mapping. Valid fields: {', '.join(valid)}")
    for name in data:
        if name not in valid:
            raise ConfigError(
                f"policy file '{path}': field '{shortened(str(name))}' in {where} is unknown. {former_name(name)}"
                f"Valid: {', '.join(valid)}"
            )
    return data


def _value(path: str, item: Setting, value: Any) -> Any:
    checked = check_value(item, value, f"policy file '{path}': field")
    # ROS parameters are lists.
    return list(checked) if isinstance(checked, tuple) else checked
