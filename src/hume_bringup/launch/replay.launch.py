"""The sensors of a bag with System 2 and System 1, which sends no commands.

Arguments: ros2 launch hume_bringup replay.launch.py -s
"""

from launch import LaunchDescription

from hume_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("replay")
