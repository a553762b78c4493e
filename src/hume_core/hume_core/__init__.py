"""ROS-free core of the Hume stack: observations, configuration, checkpoints and shared model parts.

Importing this package never imports torch. The model parts do when they are asked for.
"""

from hume_core.observation import Observation

__all__ = ["Observation"]
