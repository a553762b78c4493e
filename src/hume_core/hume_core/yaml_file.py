"""Reading the YAML files that people write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hume_core.errors import ConfigError


def read_yaml(path: str | Path, what: str) -> Any:
    """Content of a YAML file.

    Args:
        path: of the file.
        what: what to call it in the message, such as "limits file".

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{what} '{path}' cannot be read as YAML: {error}") from error
