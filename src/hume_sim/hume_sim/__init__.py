"""A MuJoCo arm on a table that speaks the topics of a real arm under ros2_control."""

import ctypes.util
import os

# MuJoCo reads this once, on import. Without it, it looks for a window system.
if "MUJOCO_GL" not in os.environ:
    os.environ["MUJOCO_GL"] = "egl" if ctypes.util.find_library("EGL") else "osmesa"
