"""The command process locks all that it imports into memory, so it imports what it needs and no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch", "transformers", "tokenizers", "safetensors", "onnx", "onnxruntime", "cv2", "PIL", "scipy", "pandas",
    "pyarrow", "matplotlib", "mujoco", "pinocchio", "rich", "typer", "psutil", "hume_training", "hume_sim",
    "hume_system2",
)  # fmt: skip


@pytest.mark.parametrize("robot", ["wx250s_sim", "franka_fr3", "so101"])
def test_command_process_imports_nothing_heavy(robot: str) -> None:
    program = f"""
import sys
from hume_core.robot import RobotProfile
from hume_system1.control.command_loop import CommandLoop
from hume_system1.control.core import ControlCore
from hume_system1.node import System1Node
from hume_system1.robot_settings import control_settings, gripper_settings
from hume_system1.settings import System1Settings
from hume_system1.sinks import make_sinks

profile = RobotProfile.load("{robot}")
core = ControlCore(
    profile.motion_limits(), control_settings(profile, System1Settings().control), gripper_settings(profile)
)
print(*sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == []
