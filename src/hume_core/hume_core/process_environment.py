"""What a process needs from its surroundings, however it was started: a place for logs, open files."""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from hume_core.console import say
from hume_core.errors import ConfigError

_FILES_NEEDED = 256
_FILES_WANTED = 4096


def prepare_environment() -> None:
    """Make sure that this process and its children can log and open files.

    Raises:
        ConfigError: there is no writable folder for logs, or the process may open too few files. Says what to set.
    """
    _allow_files()
    folder = _log_folder()
    if folder is not None and _writable(folder):
        return
    fallback = Path(os.environ.get("TMPDIR") or "/tmp") / f"hume_log_{os.getuid()}"
    where = "there is no home" if folder is None else f"{folder} cannot be written"
    # Its name can be guessed, so somebody else may have made it.
    if not _writable(fallback) or fallback.stat().st_uid != os.getuid():
        raise ConfigError(f"logs have no place: {where}. Set ROS_LOG_DIR to a folder that can be written")
    say(f"{where}, so logs go to {fallback}. Set ROS_LOG_DIR to choose")
    os.environ["ROS_LOG_DIR"] = str(fallback)


def _log_folder() -> Path | None:
    """Where ROS puts its logs. None: it does not know. As rcl_logging_interface has it."""
    variables = os.environ
    if variables.get("ROS_LOG_DIR"):
        return Path(variables["ROS_LOG_DIR"]).expanduser() if variables.get("HOME") else Path(variables["ROS_LOG_DIR"])
    if variables.get("ROS_HOME"):
        return Path(variables["ROS_HOME"]) / "log"
    return Path(variables["HOME"]) / ".ros" / "log" if variables.get("HOME") else None


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _allow_files() -> None:
    """Raise the limit of open files as far as it may be.

    Raises:
        ConfigError: that is too few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    if ceiling < _FILES_NEEDED:
        raise ConfigError(
            f"this process may open {ceiling} files and needs {_FILES_NEEDED}. Set ulimit -n 1024, "
            "or LimitNOFILE=1024 in the systemd unit"
        )
