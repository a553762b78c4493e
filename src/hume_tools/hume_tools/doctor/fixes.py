"""What to type or to write so that a controller becomes as the profile needs it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import yaml

from hume_core.controller_commands import configure_controller, load_controller, switch_controllers
from hume_tools.doctor.graph import Controller, Manager


def yaml_line(node: str, **parameters: Any) -> str:
    """One line of a parameter file.

    Args:
        node: full name. The leading slash is left out where there is no namespace.
        parameters: name -> value. Values may be mappings.
    """
    name = node.lstrip("/") if node.count("/") == 1 else node
    text = yaml.safe_dump({"ros__parameters": parameters}, default_flow_style=True, sort_keys=False, width=10**6)
    return f"{name}: {text.strip()}"


def set_and_restart(node: str, **parameters: Any) -> str:
    """To set parameters that a controller reads when it is configured."""
    return f"in the controllers' parameter file: {yaml_line(node, **parameters)}. Then restart the controllers"


def blockers(manager: Manager, name: str, joints: Collection[str]) -> list[str]:
    """Active controllers that have command interfaces of some of the joints. `name` itself does not count."""
    return [
        other.name
        for other in manager.controllers or ()
        if other.name != name
        and other.state == "active"
        and any(manager.joint(interface) in joints for interface in other.claimed)
    ]


def start_command(manager: Manager, controller: Controller, joints: Collection[str]) -> str:
    """The command that makes a loaded controller active, whatever holds its joints now.

    Args:
        manager: its manager.
        controller: not active.
        joints: of the profile, in case the controller does not report its own.
    """
    own = {manager.joint(interface) for interface in controller.interfaces} or joints
    switch = switch_command(manager, controller.name, own)
    if controller.state == "inactive":
        return switch
    if controller.state == "unconfigured":
        return f"{configure_controller(manager.name, controller.name)} && {switch}"
    unload = f"ros2 control unload_controller {controller.name} -c {manager.name}"
    return f"{unload} && {load_command(manager, controller.name, own)}"


def load_command(manager: Manager, name: str, joints: Collection[str]) -> str:
    """The command that loads a controller and makes it active."""
    if not blockers(manager, name, joints):
        return load_controller(manager.name, name)
    return f"{load_controller(manager.name, name, inactive=True)} && {switch_command(manager, name, joints)}"


def switch_command(manager: Manager, name: str, joints: Collection[str]) -> str:
    """The command that starts a controller and stops those that have its joints."""
    return switch_controllers(manager.name, [name], blockers(manager, name, joints))
