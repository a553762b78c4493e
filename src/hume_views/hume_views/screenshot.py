"""`hume views screenshot`: a bag in the rerun viewer, as a picture. Needs no screen, but a Vulkan driver."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.rerun_entities import TIMELINE, import_rerun
from hume_bags.rerun_export import export_rerun
from hume_core.errors import ConfigError, HumeError
from hume_views.rerun_viewer import recording_address, start_viewer

_TIMEOUT = 180.0  # s; a software renderer is slow
_RETRY, _SETTLE = 1.0, 12.0  # s
_SIZE = "1400x860"


def take_screenshot(bag: Path, file: Path, at: float | None = None, robot: str = "", namespace: str = "") -> int:
    """Show a bag in a viewer without a window, and save what it shows. Returns 0.

    Args:
        bag: folder, or .mcap file.
        file: .png.
        at: s since the first message. None: the end.
        robot: profile. Empty: the one that the bag was recorded with.
        namespace: of the recorded topics.

    Raises:
        BagError: the bag cannot be read, or rerun is not installed.
        ConfigError: the file is no .png.
        HumeError: the viewer does not start, or takes no picture.
    """
    if file.suffix.lower() != ".png":
        raise ConfigError(f"'{file}' must end in .png")
    client = _client_class()
    reader = BagReader(bag)
    moment = (reader.end_ns if at is None else reader.start_ns + round(at * 1e9)) * 1e-9
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="hume_views_") as folder:
        recording = Path(folder) / "bag.rrd"
        export_rerun(reader, recording, robot, namespace)
        port = _free_port()
        viewer = start_viewer(port, [str(recording), "--headless", "--window-size", _SIZE])
        try:
            shown = _retried(lambda: client(recording_address(port)), viewer)
            _retried(lambda: shown.set_time(TIMELINE, timestamp=moment, play_state="paused"), viewer)
            time.sleep(_SETTLE)
            _retried(lambda: shown.save_screenshot(str(file.resolve())), viewer)
        finally:
            viewer.terminate()
            viewer.wait()
    return 0


def _client_class() -> Any:
    import_rerun()
    try:
        from rerun.experimental import ViewerClient
    except ImportError as error:
        raise BagError("this version of rerun takes no pictures. Install 0.41 or newer, with Python 3.11") from error
    return ViewerClient


def _retried(action: Callable[[], Any], viewer: subprocess.Popen[bytes]) -> Any:
    """The result of an action that fails until the viewer is ready."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            return action()
        except Exception as error:  # rerun's own have no common type
            if viewer.poll() is not None:
                raise HumeError(
                    "the viewer of rerun has ended. It needs a Vulkan driver: apt-get install mesa-vulkan-drivers"
                ) from error
            if time.monotonic() > deadline:
                raise HumeError(f"the viewer of rerun is not ready within {_TIMEOUT:.0f} s: {error}") from error
        time.sleep(_RETRY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
