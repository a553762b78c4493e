"""Where the live rerun view goes: a window, a browser on this machine, or a file."""

from __future__ import annotations

import os
import subprocess
from typing import Any
from urllib.parse import quote

from hume_core.errors import ConfigError
from hume_views.rerun_viewer import recording_address, start_viewer
from hume_views.settings import SERVE, WINDOW, check_target

GRPC_PORT, WEB_PORT = 9876, 9090
WEB_ADDRESS = f"http://127.0.0.1:{WEB_PORT}/?url={quote(recording_address(GRPC_PORT), safe='')}"


class RerunTarget:
    """Connects a recording. Close it at the end.

    Args:
        recording: a `rerun.RecordingStream`.
        to: `window`, `serve` or the path of a file.

    Raises:
        ConfigError: it is none of these, there is no screen for a window, or the file cannot be written.
    """

    def __init__(self, recording: Any, to: str) -> None:
        self._recording = recording
        self._viewer: subprocess.Popen[bytes] | None = None
        if check_target(to) in (WINDOW, SERVE):
            self._viewer = _start_viewer(to)
            recording.connect_grpc(recording_address(GRPC_PORT))
            return
        try:
            recording.save(to)
        except Exception as error:  # rerun's own have no common type
            raise ConfigError(f"'{to}' cannot be written: {error}") from error

    @property
    def gone(self) -> bool:
        """The viewer was closed."""
        return self._viewer is not None and self._viewer.poll() is not None

    def close(self) -> None:
        """Write what is left, and end the viewer's process."""
        if not self.gone:
            self._recording.flush()
        self._recording.disconnect()
        if self._viewer is not None:
            self._viewer.terminate()
            self._viewer.wait()


def _start_viewer(to: str) -> subprocess.Popen[bytes]:
    if to == WINDOW and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ConfigError(f"there is no screen for a window of rerun. Take rerun:={SERVE} or rerun:=FILE.rrd")
    served = ["--serve-web", "--web-viewer-port", str(WEB_PORT)] if to == SERVE else []
    return start_viewer(GRPC_PORT, ["--hide-welcome-screen", *served])
