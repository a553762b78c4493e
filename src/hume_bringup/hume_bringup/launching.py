"""Turns the description into launch actions. Needs the packages launch and launch_ros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launch import Action, Event, EventHandler, LaunchContext, LaunchDescription
from launch.actions import EmitEvent, ExecuteProcess, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage

from hume_bringup.description import graph
from hume_bringup.environment import default_environment
from hume_bringup.launch_arguments import declarations, read_options
from hume_bringup.node_spec import REFUSED, NodeSpec, OnExit
from hume_bringup.supervisor import RESPAWN_DELAY
from hume_core.errors import HumeError


def launch_description(graph_name: str) -> LaunchDescription:
    """Launch description of a named set of nodes, with every launch argument declared.

    Args:
        graph_name: a key of `hume_bringup.description.GRAPHS`.
    """
    description = LaunchDescription(declarations())
    description.add_action(OpaqueFunction(function=_actions, args=[graph_name, description]))
    return description


class _Failure(Event):
    """A process without which nothing works has failed.

    Args:
        why: a sentence.
    """

    name = "hume_bringup.Failure"

    def __init__(self, why: str) -> None:
        self.why = why


def _actions(context: LaunchContext, graph_name: str, description: LaunchDescription) -> list[Action]:
    """The processes. Raises `HumeError` before any is there, and launch then prints it and returns 1."""
    specs = graph(graph_name, read_options(context, description))
    # Of each process alone: what is set in the context would reach the processes of other launch files too.
    environment = default_environment()
    on_failure = EventHandler(matcher=_is_failure, entities=[OpaqueFunction(function=_fail)])
    actions: list[Action] = [RegisterEventHandler(on_failure)]
    for spec in specs:
        process = _process(spec, environment)
        handler = OnProcessExit(target_action=process, on_exit=_on_exit(spec))
        actions += [RegisterEventHandler(handler), process]
    return actions


def _process(spec: NodeSpec, environment: Mapping[str, str]) -> ExecuteProcess:
    respawn = {"respawn": spec.on_exit is OnExit.RESPAWN, "respawn_delay": RESPAWN_DELAY}
    shared = {"output": "screen", "additional_env": {**environment, **spec.environment}, **respawn}
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
    """launch_ros reads plain strings as YAML. A task called "no" has to stay a string."""
    return ParameterValue(value, value_type=str) if isinstance(value, str) else value


def _on_exit(spec: NodeSpec) -> Callable[[ProcessExited, LaunchContext], Sequence[Action]]:
    def react(event: ProcessExited, context: LaunchContext) -> Sequence[Action]:
        refused = event.returncode == REFUSED and spec.on_exit is not OnExit.IGNORE
        if context.is_shutdown or not (refused or spec.on_exit is OnExit.STOP):
            return []
        why = "could not start. Its message is above" if refused else f"ended with exit code {event.returncode}"
        reason = f"{spec.name} {why}"
        # As an event of its own, so that everyone else's handlers of this process's end are called first.
        return [EmitEvent(event=_Failure(reason)) if event.returncode else Shutdown(reason=reason)]

    return react


def _is_failure(event: Event) -> bool:
    return isinstance(event, _Failure)


def _fail(context: LaunchContext) -> None:
    """Shut down with a return code other than 0: launch has it only where a handler raises.

    Raises:
        HumeError: with the reason, which launch prints.
    """
    if not context.is_shutdown:
        raise HumeError(context.locals.event.why)
