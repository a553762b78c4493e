"""Plot files: valid, the same bytes for the same figures, and refused early under another suffix."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import pytest

from hume_core.errors import ConfigError
from hume_core.plot_file import check_plot_file, plot_file


def draw(path: Path) -> bytes:
    with plot_file(path, height=2.0) as figure:
        axes = figure.subplots()
        axes.plot([0.0, 1.0], [0.0, 2.0], label="speed of the arm")
        axes.legend()
    return path.read_bytes()


def test_an_svg_has_its_text_as_text(tmp_path: Path) -> None:
    root = ElementTree.fromstring(draw(tmp_path / "new" / "a.svg"))
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert "speed of the arm" in texts


def test_a_png_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    assert cv2.imread(str(tmp_path / "a.png")).shape == (300, 1200, 3)


@pytest.mark.parametrize("name", ["a.svg", "a.png", "a.SVG"])
def test_the_same_figures_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    assert draw(tmp_path / name) == draw(tmp_path / "again" / name)


@pytest.mark.parametrize("name", ["a.pdf", "a.gif", "a", "svg", ".svg"])
def test_another_suffix_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"must end in one of: \.svg, \.png"):
        check_plot_file(tmp_path / name)
    with pytest.raises(ConfigError), plot_file(tmp_path / name, height=2.0):
        pytest.fail("nothing may be drawn")
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_fine() -> None:
    assert check_plot_file(None) is None


def test_what_fails_while_drawing_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), plot_file(tmp_path / "a.svg", height=2.0):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_matplotlib_is_imported_when_something_is_drawn_only() -> None:
    program = "import sys, hume_core.plot_file; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
