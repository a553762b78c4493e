"""Where rerun shows to, and which settings of the views are refused."""

from __future__ import annotations

from typing import Any

import pytest

from hume_core.errors import ConfigError
from hume_views.rerun_target import RerunTarget
from hume_views.settings import MarkerSettings, RerunSettings


@pytest.mark.parametrize("to", ["", "browser", "lift.bag", "serve.txt"])
def test_a_wrong_target_is_named(to: str) -> None:
    with pytest.raises(ConfigError, match=f"rerun cannot show to '{to}'. Valid: window, serve, or a file"):
        RerunSettings(to=to)


@pytest.mark.parametrize("fields", [{"rate": 0.0}, {"rate": 99.0}, {"trail": -1.0}])
def test_rates_have_bounds(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"(?i)Valid: a number from"):
        MarkerSettings(**fields)


class _Recording:
    def __init__(self) -> None:
        self.saved = ""
        self.closed = False

    def save(self, path: str) -> None:
        if path.startswith("/nowhere"):
            raise OSError("no such folder")
        self.saved = path

    def flush(self) -> None:
        """Nothing to write."""

    def disconnect(self) -> None:
        self.closed = True


def test_a_file_is_written_and_closed() -> None:
    recording = _Recording()
    target = RerunTarget(recording, "lift.rrd")
    assert recording.saved == "lift.rrd"
    assert not target.gone
    target.close()
    assert recording.closed


def test_a_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'/nowhere/lift\.rrd' cannot be written: no such folder"):
        RerunTarget(_Recording(), "/nowhere/lift.rrd")


def test_a_window_needs_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"no screen for a window of rerun. Take rerun:=serve or rerun:=FILE.rrd"):
        RerunTarget(_Recording(), "window")
