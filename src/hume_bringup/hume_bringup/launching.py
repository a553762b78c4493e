"""Turns the description into launch actions; needs the packages launch and launch_ros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage

from hume_bringup.description import graph
from hume_bringup.environment import default_environment
from hume_bringup.node_spec import REFUSED, NodeSpec, OnExit
from hume_bringup.options import LaunchOptions
from hume_bringup.supervisor import RESPAWN_DELAY
from hume_core.settings import Setting, declared


def launch_description(graph_name: str) -> LaunchDescription:
    """Launch description of a named set of nodes, with every launch argument declared.

    Args:
        graph_name: a key of `hume_bringup.description.GRAPHS`.
    """
    return LaunchDescription(
        [
            *(_declaration(item) for item in declared(LaunchOptions)),
            *(SetEnvironmentVariable(name, value) for name, value in default_environment().items()),
            OpaqueFunction(function=_actions, args=[graph_name]),
        ]
    )


def _declaration(item: Setting) -> DeclareLaunchArgument:
    default = "" if item.default is None else str(item.default)
    return DeclareLaunchArgument(
        item.name,
        default_value=default.lower() if isinstance(item.default, bool) else default,
        description=f"{item.help} Valid: {item.valid}.",
    )


def _actions(context: LaunchContext, graph_name: str) -> list[Any]:
    texts = {item.name: LaunchConfiguration(item.name).perform(context) for item in declared(LaunchOptions)}
    actions: list[Any] = []
    for spec in graph(graph_name, LaunchOptions.from_text(texts)):
        process = _process(spec)
        handler = OnProcessExit(target_action=process, on_exit=_on_exit(spec))
        actions += [RegisterEventHandler(handler), process]
    return actions


def _process(spec: NodeSpec) -> ExecuteProcess:
    respawn = {"respawn": spec.on_exit is OnExit.RESPAWN, "respawn_delay": RESPAWN_DELAY}
    shared = {"output": "screen", "additional_env": dict(spec.environment), **respawn}
    if not spec.package:
        return ExecuteProcess(cmd=[spec.executable, *spec.arguments], name=spec.name, **shared)
    if not spec.ros:
        program = ExecutableInPackage(spec.executable, spec.package)
        return ExecuteProcess(cmd=[program, *spec.arguments], name=spec.name, **shared)
    files = [spec.params_file] if spec.params_file else []
    kind = LifecycleNode if spec.lifecycle else Node
    return kind(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[*files, {name: _value(value) for name, value in spec.parameters.items()}],
        arguments=[*spec.arguments, "--ros-args", *spec.context_arguments()],
        **shared,
    )


def _value(value: Any) -> Any:
    """launch_ros reads plain strings as YAML; a task called "no" has to stay a string."""
    return ParameterValue(value, value_type=str) if isinstance(value, str) else value


def _on_exit(spec: NodeSpec) -> Any:
    def react(event: ProcessExited, context: LaunchContext) -> Sequence[Shutdown]:
        refused = event.returncode == REFUSED and spec.on_exit is not OnExit.IGNORE
        if context.is_shutdown or not (refused or spec.on_exit is OnExit.STOP):
            return []
        why = "could not start; its message is above" if refused else f"ended with exit code {event.returncode}"
        return [Shutdown(reason=f"{spec.name} {why}")]

    return react
