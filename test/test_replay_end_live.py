"""A replay that went well ends as something that went well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros

BAG = Path(__file__).parent / "fixtures" / "bags" / "lift"
ENDED = ("joint states lost", "ROS clock does not advance")


@pytest.mark.parametrize("task", ["lift the red cube", ""])
def test_the_end_of_a_bag_is_no_error(ros_domain: int, checkpoint: Path, task: str) -> None:
    command = [sys.executable, "-m", "hume_tools", "up", "replay", f"bag:={BAG}", f"checkpoint:={checkpoint}"]
    done = subprocess.run(
        [*command, f"task:={task}"], capture_output=True, text=True, timeout=280, check=False, start_new_session=True
    )
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert done.returncode == 0, "\n".join(lines)
    assert [line for line in lines if "[ERROR]" in line and any(reason in line for reason in ENDED)] == []
    said = [line for line in lines if line.startswith("hume replay: ")]
    assert any("the bag has ended" in line for line in said)
    expected = f"chunks for '{task}'" if task else "System 2 chose no chunk"
    assert any(expected in line for line in said), "\n".join(lines)
    assert any(f"./hume regress {BAG}" in line for line in said)
