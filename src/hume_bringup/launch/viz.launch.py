"""rviz or Foxglove for a stack that runs elsewhere.

Arguments: ros2 launch hume_bringup viz.launch.py -s
"""

from launch import LaunchDescription

from hume_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("viz")
