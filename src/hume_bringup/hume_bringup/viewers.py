"""What people watch and record with: rviz, Foxglove, rerun, markers, bags."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hume_bringup.launch_options import LaunchOptions, contract_path, robot_of, robot_parameters
from hume_bringup.node_spec import NodeSpec, OnExit
from hume_bringup.robot_description import expand
from hume_core.errors import ConfigError
from hume_core.robot import find_profile
from hume_views.rviz import write_rviz_config
from hume_views.settings import SERVE, WINDOW, check_target
from hume_views.shown import Shown

_FOXGLOVE_PORT = 8765


def viewers(options: LaunchOptions) -> list[NodeSpec]:
    """rviz, Foxglove's bridge, markers and rerun, as far as they are wanted.

    Raises:
        ConfigError: rerun is wanted and not installed, or cannot show to what was named.
        RobotProfileError: unknown robot.
    """
    shared: dict[str, Any] = {"namespace": options.namespace, "log_level": options.log_level, "on_exit": OnExit.IGNORE}
    nodes = []
    if options.rviz:
        config = write_rviz_config(Shown(robot_of(options), options.namespace))
        clock = {"use_sim_time": options.use_sim_time}
        nodes.append(NodeSpec("rviz2", "rviz2", "rviz2", clock, arguments=("-d", str(config)), **shared))
    if options.foxglove:
        # Nothing listens beyond this machine by default.
        parameters = {"use_sim_time": options.use_sim_time, "address": "127.0.0.1", "port": _FOXGLOVE_PORT}
        nodes.append(NodeSpec("foxglove_bridge", "foxglove_bridge", "foxglove_bridge", parameters, **shared))
    # It does nothing until somebody looks.
    if options.markers or (options.markers is None and (options.rviz or options.foxglove)):
        nodes.append(_view(options, "marker_node", "hume_markers"))
    target = rerun_target(options.rerun)
    if target:
        nodes.append(_view(options, "rerun_node", "hume_rerun", to=target))
    return nodes


def rerun_target(text: str) -> str:
    """Where the launch argument `rerun` wants to be shown. Empty: nowhere.

    Raises:
        ConfigError: it is no place, or rerun is not installed.
    """
    if text.lower() in ("", "false", "off"):
        return ""
    target = WINDOW if text.lower() in ("true", "on") else text
    try:
        check_target(target)
    except ConfigError as error:
        raise ConfigError(
            f"launch argument 'rerun' is '{text}'. Valid: true, false, {SERVE}, or a file that ends in .rrd"
        ) from error
    if find_spec("rerun") is None:
        raise ConfigError(
            "launch argument 'rerun' needs rerun, which is large and not installed. "
            "Type: pip install -r setup/requirements-rerun.txt"
        )
    return target if target in (WINDOW, SERVE) else str(Path(target).resolve())


def _view(options: LaunchOptions, executable: str, name: str, **own: Any) -> NodeSpec:
    """A node of hume_views."""
    known = {"checkpoint": options.checkpoint, "contract": contract_path(options)}
    parameters = {
        "use_sim_time": options.use_sim_time,
        **robot_parameters(options),
        **{name: value for name, value in known.items() if value},
        **own,
    }
    return NodeSpec(
        "hume_views",
        executable,
        name,
        parameters,
        options.params_file,
        options.namespace,
        options.log_level,
        on_exit=OnExit.IGNORE,
    )


def state_publisher(options: LaunchOptions) -> NodeSpec:
    """Link frames and `/robot_description` of the simulated arm."""
    return NodeSpec(
        "robot_state_publisher",
        "robot_state_publisher",
        "robot_state_publisher",
        {"use_sim_time": options.use_sim_time, "robot_description": expand("wx250s.urdf.xacro")},
        namespace=options.namespace,
        log_level=options.log_level,
    )


def recorder(options: LaunchOptions) -> list[NodeSpec]:
    """`hume record` into the folder that `record` names."""
    if not options.record:
        return []
    arguments = ["--robot", str(find_profile(options.robot)), "--output", options.record]
    for name in ("prefix", "namespace"):
        if value := getattr(options, name):
            arguments += [f"--{name}", value]
    if not options.prefix_controllers:
        arguments += ["--no-prefix-controllers"]
    if options.use_sim_time:
        arguments += ["--use-sim-time"]
    return [NodeSpec("hume_bags", "record", "record", arguments=tuple(arguments), ros=False, on_exit=OnExit.IGNORE)]
