"""Where files that can be made again are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from hume_core.errors import ConfigError


def cache_folder(kind: str) -> Path:
    """Folder of this user for one kind of file, such as "checkpoints". It may not exist yet.

    Raises:
        ConfigError: the user has no home folder and XDG_CACHE_HOME is not set, as in some containers.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "hume" / kind
    try:
        return Path.home() / ".cache" / "hume" / kind
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home folder, so there is no place for cached files. "
            "Set XDG_CACHE_HOME to a folder that this user may write to"
        ) from error
