"""What to type so that ros2_control's manager loads, configures or switches controllers. No ROS."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def interface_joint(interface: str, controllers: Collection[str]) -> str:
    """The joint of a command interface such as `elbow/position`.

    Args:
        interface: as the manager names it. In a chain it begins with the controller it leads through.
        controllers: names of the loaded controllers.
    """
    first, _, rest = interface.partition("/")
    chained = "/" in rest and first in controllers
    return (rest if chained else interface).rpartition("/")[0]


def switch_controllers(manager: str, activate: Sequence[str], deactivate: Sequence[str] = ()) -> str:
    """The command that stops and starts controllers at once.

    Args:
        manager: full name of its node.
        activate: controllers to start.
        deactivate: controllers to stop.
    """
    start = f" --activate {' '.join(activate)}" if activate else ""
    stop = f" --deactivate {' '.join(deactivate)}" if deactivate else ""
    return f"ros2 control switch_controllers{start}{stop} -c {manager}"


def load_controller(manager: str, name: str, *, inactive: bool = False) -> str:
    """The command that loads a controller and makes it active, or leaves it inactive."""
    return f"ros2 run controller_manager spawner {name} -c {manager}" + (" --inactive" if inactive else "")


def configure_controller(manager: str, name: str) -> str:
    """The command that makes an unconfigured controller inactive."""
    return f"ros2 control set_controller_state {name} inactive -c {manager}"
