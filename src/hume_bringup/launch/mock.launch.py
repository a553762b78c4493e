"""A stand-in for the robot of any profile with System 2 and System 1.

Arguments: ros2 launch hume_bringup mock.launch.py -s
"""

from launch import LaunchDescription

from hume_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("mock")
