"""The simulated WidowX-250s with System 2 and System 1. Arguments: ros2 launch hume_bringup sim.launch.py -s"""

from launch import LaunchDescription

from hume_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("sim")
