"""Plots as files: one style for all of them, and the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hume_core.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#d55e00", "#009e73", "#cc3311", "#8c8c8c"
"""Told apart by people who are colour-blind (Okabe and Ito, 2008), and in print."""

_WIDTH = 8.0  # inches, as wide as a README on GitHub at 100 dots per inch
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.facecolor": "white",  # pages may be dark
    "font.size": 10.0,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    # Text stays text, and names of clip paths do not change from run to run.
    "svg.fonttype": "none",
    "svg.hashsalt": "hume",
}
_METADATA: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".png": {"Software": None}}


def check_plot_file(path: Path | None) -> Path | None:
    """The path as it came, once it is known that a plot can be written to it.

    Raises:
        ConfigError: unknown suffix.
    """
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"plot file '{path}' must end in one of: {', '.join(SUFFIXES)}")
    return path


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour such as `BLUE`."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def short_name(checkpoint: str) -> str:
    """A checkpoint in a title: the last folder of an absolute path, else as it was typed. Empty: unknown."""
    if not checkpoint:
        return "unknown"
    path = Path(checkpoint)
    return path.name if path.is_absolute() else checkpoint


@contextmanager
def plot_file(path: Path, height: float, width: float = _WIDTH) -> Iterator[Figure]:
    """A figure to draw into, saved when the block ends.

    The figure belongs to no window and no global state. Matplotlib is imported here, not with the module: what drives
    an arm has no use for it.

    Args:
        path: .svg or .png file. Its folder is made.
        height, width: inches.

    Raises:
        ConfigError: unknown suffix.
    """
    check_plot_file(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata=_METADATA[path.suffix.lower()])
