"""A MuJoCo arm on a table that speaks the topics of a real arm under ros2_control."""

import os

# MuJoCo reads this once, on import; without it, it looks for a window system.
os.environ.setdefault("MUJOCO_GL", "egl")
