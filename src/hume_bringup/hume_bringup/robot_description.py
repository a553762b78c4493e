"""Robot descriptions: xacro files of this package as URDF text."""

from __future__ import annotations

from hume_bringup.environment import share_file
from hume_core.errors import ConfigError


def expand(name: str, **arguments: str) -> str:
    """URDF text of `urdf/NAME`.

    Args:
        name: file in the folder `urdf` of this package.
        arguments: xacro arguments.

    Raises:
        ConfigError: xacro or the file is not installed.
    """
    try:
        import xacro
    except ImportError as error:
        raise ConfigError(
            "the robot description needs xacro. Install it (apt install ros-$ROS_DISTRO-xacro, or pip install xacro)"
        ) from error
    path = share_file("..", "urdf", name)
    if path is None:
        raise ConfigError(f"robot description '{name}' is not installed. Build the workspace and source it")
    return str(xacro.process_file(str(path), mappings=arguments).toprettyxml(indent=" "))
