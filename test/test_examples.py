"""Every program in examples/ runs as its first lines say, short and without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGEST = 40
"""Lines of an example."""
SAYS = {
    "think_once": r"candidates \(B, N, H, A\): \[1, \d+, \d+, \d+\].*highest value: candidate \d+.*joint_delta, a row",
    "refine_once": r"segment \(B, h, a\): \[1, \d+, \d+\].*first row: \[-?\d",
    "step_bag": r"\d{4} ticks in \d.*running +\d.*fastest command per joint, rad/s: \[",
    "write_chooser": r"best: candidate \d+, value .*gentle: candidate \d+, value ",
    "drive_mock": r"RUNNING: \d+ commands per second.*the arm stands still",
}
"""What each prints, among other things."""


def run(name: str, folder: Path) -> str:
    """Output of an example that is started in another folder, with all downloads refused."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_known_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.ros) if "mock" in name else name for name in SAYS]
)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    assert re.search(SAYS[name], run(name, tmp_path), re.DOTALL)


@pytest.mark.parametrize("name", SAYS)
def test_the_example_is_short_and_says_how_to_run_it(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert f"./hume python examples/{name}.py" in text
