"""Which nodes run with which parameters: the one description behind the launch files and `hume up`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hume_bringup.gazebo import gazebo_nodes
from hume_bringup.launch_options import LaunchOptions, contract_path, robot_of, robot_parameters
from hume_bringup.node_spec import NodeSpec, OnExit
from hume_bringup.params_file import check_params_file, names_parameter
from hume_bringup.policy_config import load_policy_config
from hume_bringup.viewers import recorder, state_publisher, viewers
from hume_core.errors import ConfigError
from hume_core.limits_file import tightened
from hume_core.robot import RobotProfile
from hume_sim.robots import other_than_simulated, unheard_topic

__all__ = ["GRAPHS", "NodeSpec", "OnExit", "graph", "systems"]

_VIDEO_RATE = 15.0


def _given(**values: Any) -> dict[str, Any]:
    """Only the values that were chosen. The rest stays with parameter files and defaults."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _node(options: LaunchOptions, package: str, name: str, parameters: Mapping[str, Any], **more: Any) -> NodeSpec:
    more.setdefault("executable", name)
    return NodeSpec(
        package=package,
        name=name,
        parameters={"use_sim_time": options.use_sim_time, **parameters},
        params_file=options.params_file,
        namespace=options.namespace,
        log_level=options.log_level,
        **more,
    )


def systems(options: LaunchOptions) -> list[NodeSpec]:
    """System 2 and System 1, as far as they are wanted here.

    Raises:
        ConfigError: no checkpoint was named, or a policy or limits file is wrong.
        RobotProfileError: the robot is unknown, or its profile is wrong.
    """
    if not _checkpoint_is_known(options):
        raise ConfigError("launch argument 'checkpoint' is empty. Give a checkpoint folder or a hub name")
    # One message here instead of one from each node.
    tightened(robot_of(options), options.limits_file)
    policy = load_policy_config(options.policy_config)
    shared = _given(
        **robot_parameters(options),
        checkpoint=options.checkpoint,
        contract=contract_path(options) or None,
        autostart=options.autostart,
        # A launch must not go on as if nothing were wrong when a node refuses to be configured.
        exit_on_failure=options.autostart,
        device=options.device,
        dtype=options.dtype,
    )
    return [
        *([_system2(options, {**policy["system2"], **shared})] if options.system2 else []),
        *([_system1(options, {**policy["system1"], **shared})] if options.system1 else []),
    ]


def _checkpoint_is_known(options: LaunchOptions) -> bool:
    """Whether a checkpoint is named, or none is needed here."""
    if options.checkpoint or not (options.system1 or options.system2):
        return True
    return bool(options.params_file) and names_parameter(options.params_file, "checkpoint")


def _with_default_checkpoint(options: LaunchOptions) -> LaunchOptions:
    """With the default checkpoint where none is named. For sets in which no real arm moves."""
    if _checkpoint_is_known(options):
        return options
    # Late, because most launches name a checkpoint, and a small one is made with torch.
    from hume_training.default_checkpoint import default_checkpoint

    return replace(options, checkpoint=str(default_checkpoint(options.robot, options.suite)))


def _system2(options: LaunchOptions, parameters: Mapping[str, Any]) -> NodeSpec:
    own = _given(task=options.task, candidates=options.candidates, seed=options.seed)
    order = {"activate_after_system1": options.autostart and options.system1}
    return _node(
        options,
        "hume_system2",
        "hume_system2",
        {**parameters, **own, **order},
        executable="system2_node",
        lifecycle=True,
        # System 1 holds the arm meanwhile, and takes the new one's chunks.
        on_exit=OnExit.RESPAWN,
    )


def _system1(options: LaunchOptions, parameters: Mapping[str, Any]) -> NodeSpec:
    limits_file = str(Path(options.limits_file).resolve()) if options.limits_file else None
    own = _given(
        dry_run=options.dry_run,
        activate_controllers=options.activate_controllers,
        refine=options.refine,
        limits_file=limits_file,
    )
    return _node(
        options, "hume_system1", "hume_system1", {**parameters, **own}, executable="system1_node", lifecycle=True
    )


def robot_graph(options: LaunchOptions) -> list[NodeSpec]:
    """Both systems for an arm whose driver and cameras run already."""
    return [*systems(options), *viewers(options), *recorder(options)]


def sim_graph(options: LaunchOptions) -> list[NodeSpec]:
    """The simulated arm or arms, and both systems.

    Raises:
        ConfigError: the robot has a prefix, or several arms that are not those of the table.
    """
    profile = robot_of(options)
    if profile.prefix:
        raise ConfigError(
            f"the names of the simulated arm have no prefix, and this robot has '{profile.prefix}'. Leave it out. "
            f"A stand-in without a scene has the names of every robot: hume up mock robot:={options.robot}"
        )
    pair = _is_simulated_pair(profile, options.robot)
    own = _given(seed=options.seed, suite=options.suite, video_rate=_VIDEO_RATE if options.video else None)
    if pair:
        own["pair"] = True
    own["publish_clock"] = options.use_sim_time
    simulator = _node(options, "hume_sim", "hume_sim", own, stops_last=True)
    options = _with_default_checkpoint(options)
    # The link frames are those of the arm that is alone.
    described = [state_publisher(options)] if (options.rviz or options.foxglove) and not pair else []
    return [simulator, *systems(options), *described, *viewers(options), *recorder(options)]


def _is_simulated_pair(profile: RobotProfile, robot: str) -> bool:
    """Whether the robot is the one of two arms at the simulated table. False: it has one arm."""
    if len(profile.arms) == 1:
        return False
    problem = other_than_simulated(profile) or unheard_topic(profile)
    if problem:
        raise ConfigError(
            f"launch argument 'robot' is '{robot}', whose {len(profile.arms)} arms are not those of the "
            f"simulated table: {problem}. The table has one arm (wx250s_sim) or two (wx250s_pair_sim). A stand-in "
            f"without a scene has all arms: hume up mock robot:={robot}"
        )
    return True


def mock_graph(options: LaunchOptions) -> list[NodeSpec]:
    """A stand-in for the robot of any profile, and both systems: sensors publish, commands are followed exactly."""
    own = _given(**robot_parameters(options), bag=options.bag, publish_clock=options.use_sim_time)
    mock = _node(options, "hume_sim", "hume_mock", own, stops_last=True)
    options = _with_default_checkpoint(options)
    return [mock, *systems(options), *viewers(options), *recorder(options)]


def replay_graph(options: LaunchOptions) -> list[NodeSpec]:
    """A bag's sensors at its own time, and both systems. System 1 sends no commands. The end of the bag ends all.

    Raises:
        ConfigError: no bag was named.
    """
    if not options.bag:
        raise ConfigError("launch argument 'bag' is empty. Give the folder of a rosbag2 bag")
    options = replace(options, use_sim_time=True, dry_run=True)
    given = ["--rate", f"{options.rate:g}"] if options.rate is not None else []
    given += ["--namespace", options.namespace] if options.namespace else []
    player = NodeSpec(
        package="hume_bags",
        executable="replay",
        name="replay",
        arguments=(options.bag, "--wait", *given, *(["--loop"] if options.loop else [])),
        ros=False,
    )
    options = _with_default_checkpoint(options)
    return [player, *systems(options), *viewers(options), *recorder(options)]


def gazebo_graph(options: LaunchOptions) -> list[NodeSpec]:
    """Gazebo with arm, table and cubes, its bridge and controllers, and both systems.

    Raises:
        ConfigError: a namespace was asked for, or another robot than the one in the world.
    """
    options = _with_default_checkpoint(replace(options, use_sim_time=True))
    return [*gazebo_nodes(options), *systems(options), *viewers(options), *recorder(options)]


def viz_graph(options: LaunchOptions) -> list[NodeSpec]:
    """Only the viewers, for a stack that runs elsewhere."""
    return [*viewers(replace(options, rviz=options.rviz is not False)), *recorder(options)]


GRAPHS: dict[str, Callable[[LaunchOptions], list[NodeSpec]]] = {
    "sim": sim_graph,
    "robot": robot_graph,
    "mock": mock_graph,
    "replay": replay_graph,
    "gazebo": gazebo_graph,
    "viz": viz_graph,
}


def graph(name: str, options: LaunchOptions) -> list[NodeSpec]:
    """The nodes of a named set.

    Raises:
        ConfigError: unknown set, missing file or missing checkpoint.
        RobotProfileError: unknown robot.
    """
    if name not in GRAPHS:
        raise ConfigError(f"'{name}' is no set of nodes. Valid: {', '.join(GRAPHS)}")
    if options.params_file:
        check_params_file(options.params_file)
    return GRAPHS[name](options)
