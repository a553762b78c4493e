"""System 2 and System 1 for an arm whose driver and cameras run already."""

from launch import LaunchDescription

from hume_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """Called by launch."""
    return launch_description("robot")
