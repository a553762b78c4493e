"""The one description of the nodes: arguments, parameters, and what reaches the processes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from hume_bringup.description import GRAPHS, NodeSpec, OnExit, graph, systems
from hume_bringup.gazebo import CONTROLLERS
from hume_bringup.launch_options import LaunchOptions
from hume_bringup.policy_config import load_policy_config
from hume_core.errors import ConfigError, RobotProfileError
from hume_core.limits_file import tightened
from hume_core.robot import RobotProfile, find_profile, known_profiles
from hume_training.default_checkpoint import default_checkpoint

LAUNCH = Path(__file__).parents[1] / "launch"


def test_the_simulated_table_has_one_arm_or_the_pair() -> None:
    with pytest.raises(ConfigError, match=r"'aloha', whose 2 arms are not those of .*: its finger goes .*hume up mock"):
        graph("sim", LaunchOptions(robot="aloha", checkpoint="/model"))
    assert graph("mock", LaunchOptions(robot="aloha", checkpoint="/model"))[0].name == "hume_mock"
    pair = graph("sim", LaunchOptions(robot="wx250s_pair_sim", checkpoint="/model", rviz=True))
    assert pair[0].parameters["pair"] is True
    assert "robot_state_publisher" not in [spec.name for spec in pair]
    assert "pair" not in graph("sim", LaunchOptions(checkpoint="/model"))[0].parameters


@pytest.mark.parametrize(
    ("found", "other", "expected"),
    [
        ("left_elbow,", "left_knee,", r"its joints are left_waist, .*left_knee"),
        (
            "topic: left_arm_controller/commands",
            "topic: arm/commands",
            r"arms\.left\.controller\.topic is 'arm/commands'",
        ),
        ("topic: right_gripper_controller/commands", "topic: hand", r"grippers\.right\.controller\.topic is 'hand'"),
        ("camera/left_wrist/image_raw", "camera/wrist/image_raw", "a camera 'wrist'. The scene has scene, left_wrist"),
    ],
)
def test_another_pair_is_refused_with_what_differs(tmp_path: Path, found: str, other: str, expected: str) -> None:
    path = tmp_path / "wx250s_pair_sim.yaml"
    path.write_text(find_profile(path.stem).read_text(encoding="utf-8").replace(found, other), encoding="utf-8")
    with pytest.raises(ConfigError, match=expected):
        graph("sim", LaunchOptions(robot=str(path), checkpoint="/model"))


def test_a_pair_that_plays_trajectories_is_that_of_the_table_too(tmp_path: Path) -> None:
    path = tmp_path / "wx250s_pair_sim.yaml"
    text = find_profile(path.stem).read_text(encoding="utf-8")
    for side in ("left", "right"):
        text = text.replace(f"{side}_arm_controller/commands", f"{side}_arm_controller/joint_trajectory")
    path.write_text(text.replace("forward_command_controller", "joint_trajectory_controller"), encoding="utf-8")
    assert graph("sim", LaunchOptions(robot=str(path), checkpoint="/model"))[0].parameters["pair"] is True


def test_simulation_starts_the_simulator_and_both_systems() -> None:
    specs = graph("sim", LaunchOptions(checkpoint="/model", candidates=3, dry_run=True, task="lift"))
    assert [spec.name for spec in specs] == ["hume_sim", "hume_system2", "hume_system1"]
    simulator, system2, system1 = (spec.parameters for spec in specs)
    assert system2["candidates"] == 3
    assert system2["task"] == "lift"
    assert system1["dry_run"] is True
    assert system1["checkpoint"] == system2["checkpoint"] == "/model"
    assert "checkpoint" not in simulator


def test_an_argument_left_out_keeps_what_the_parameter_file_says() -> None:
    system1 = graph("robot", LaunchOptions(checkpoint="/model"))[1]
    assert not {"refine", "device", "dtype", "task"} & set(system1.parameters)


def test_halves_can_run_on_two_machines() -> None:
    specs = graph("robot", LaunchOptions(checkpoint="/model", system2=False))
    assert [spec.name for spec in specs] == ["hume_system1"]


@pytest.mark.parametrize(
    ("name", "options", "error", "expected"),
    [
        ("moon", LaunchOptions(), ConfigError, "Valid: sim, robot, mock, replay, gazebo, viz"),
        ("robot", LaunchOptions(), ConfigError, "'checkpoint' is empty"),
        ("sim", LaunchOptions(checkpoint="x", robot="wx9000"), RobotProfileError, "unknown robot 'wx9000'"),
        ("sim", LaunchOptions(checkpoint="x", params_file="/absent"), ConfigError, "'/absent' does not exist"),
        ("sim", LaunchOptions(checkpoint="x", policy_config="/absent"), ConfigError, "policy file '/absent' does not"),
        ("sim", LaunchOptions(checkpoint="x", limits_file="/absent"), ConfigError, "limits file '/absent' cannot be"),
        ("replay", LaunchOptions(checkpoint="x"), ConfigError, "'bag' is empty"),
        (
            "sim",
            LaunchOptions(checkpoint="x", robot="wx9000", rviz=True, system1=False, system2=False),
            RobotProfileError,
            "wx9000",
        ),
        ("gazebo", LaunchOptions(checkpoint="x", namespace="left"), ConfigError, "Leave launch argument 'namespace'"),
        ("gazebo", LaunchOptions(checkpoint="x", prefix="b_"), ConfigError, "Leave launch argument 'prefix' empty"),
        ("sim", LaunchOptions(checkpoint="x", prefix="b_"), ConfigError, r"has 'b_'\. .*mock robot:=wx250s_sim"),
        ("mock", LaunchOptions(checkpoint="x", robot="aloha", prefix="b_"), RobotProfileError, "one arm"),
        ("robot", LaunchOptions(checkpoint="x", prefix="b-"), RobotProfileError, "field 'prefix'.*such as left_"),
        ("gazebo", LaunchOptions(checkpoint="x", robot="/my/arm.yaml"), ConfigError, "world has: wx250s_sim"),
    ],
)
def test_mistakes_are_named(name: str, options: LaunchOptions, error: type[Exception], expected: str) -> None:
    with pytest.raises(error, match=expected):
        graph(name, options)


def by_name(name: str, **options: Any) -> dict[str, NodeSpec]:
    return {spec.name: spec for spec in graph(name, LaunchOptions(checkpoint="/model", **options))}


def test_system2_is_activated_after_system1() -> None:
    assert by_name("robot")["hume_system2"].parameters["activate_after_system1"] is True
    assert by_name("robot", system1=False)["hume_system2"].parameters["activate_after_system1"] is False
    manual = by_name("robot", autostart=False)
    assert all(spec.parameters["exit_on_failure"] is False for spec in manual.values())
    assert manual["hume_system2"].parameters["activate_after_system1"] is False


def test_only_what_cannot_move_the_arm_by_itself_is_respawned() -> None:
    rules = {spec.name: spec.on_exit for spec in by_name("sim", rviz=True, record="/bag").values()}
    assert rules["hume_system2"] is OnExit.RESPAWN
    assert rules["hume_system1"] is rules["hume_sim"] is OnExit.STOP
    assert rules["rviz2"] is rules["record"] is OnExit.IGNORE


def test_policy_config_lies_between_parameter_file_and_arguments(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("system2: {candidates: 7, time_temp: [1, 1]}\nsystem1: {refine: false}\n")
    nodes = by_name("robot", policy_config=str(path), candidates=2)
    assert nodes["hume_system2"].parameters["candidates"] == 2
    assert nodes["hume_system2"].parameters["time_temp"] == [1.0, 1.0]
    assert nodes["hume_system1"].parameters["refine"] is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("system3: {}", "field 'system3' in the file is unknown. Valid: system2, system1"),
        ("system2: {candidate: 3}", "field 'candidate' in section 'system2' is unknown. Valid: device"),
        ("system2: {candidates: many}", "field 'system2.candidates' is 'many'. Valid: a whole number from 0 to 64"),
        ("system2: {candidates: 65}", "field 'system2.candidates' is 65. Valid: a whole number from 0 to 64"),
        ("system1: {chunk_age: 0.01}", "'system1.chunk_age' is 0.01. Valid: a number from 0.1 to 60 s"),
        ("system1: {chunk_switch: never}", "'system1.chunk_switch' is 'never'. Valid: boundary or at_once"),
        ("system2: {time_temp: [1]}", "'system2.time_temp' is .*. Valid: two numbers"),
        ("system1: {refine: 1}", "'system1.refine' is 1. Valid: true or false"),
        (
            "system1: {compile: true}",
            "'compile' in section 'system1' is unknown. It is called 'engine' now. Valid: device",
        ),
        ("system2: {engine: quick}", "'system2.engine' is 'quick'. Valid: auto or eager or compile or onnx"),
        ("system1: 3", "section 'system1' must be a mapping"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_mistakes_in_a_policy_file_are_named(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=expected):
        load_policy_config(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hume_system1: {priority: 3}", "section 'hume_system1' has no 'ros__parameters'"),
        ("left: {hume_system1: {priority: 3}}", "section 'left' has no 'ros__parameters'"),
        ("", "must be a mapping such as {hume_system1"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_mistakes_in_a_parameter_file_are_named(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=expected) as caught:
        by_name("robot", params_file=str(path))
    assert "params.yaml" in str(caught.value)


def test_a_wrong_profile_stops_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "arm.yaml"
    text = re.sub(r"jerk: [0-9.]+", "jerk: -1", find_profile("wx250s_sim").read_text(), count=1)
    path.write_text(text)
    with pytest.raises(RobotProfileError, match=r"arm\.yaml: field .*jerk"):
        by_name("robot", robot=str(path))


def test_paths_do_not_depend_on_where_a_node_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.yaml").write_text("scale: {velocity: 0.5}")
    monkeypatch.chdir(tmp_path)
    assert by_name("robot", limits_file="slow.yaml")["hume_system1"].parameters["limits_file"] == str(
        tmp_path / "slow.yaml"
    )


def test_shipped_files_are_valid() -> None:
    config = LAUNCH.parent / "config"
    assert load_policy_config(str(config / "policy.yaml"))["system2"]
    assert tightened(RobotProfile.load("wx250s_sim"), config / "limits" / "first_run.yaml")


def test_a_limits_file_reaches_system1() -> None:
    path = str(LAUNCH.parent / "config" / "limits" / "first_run.yaml")
    assert by_name("robot", limits_file=path)["hume_system1"].parameters["limits_file"] == path


def test_a_replay_moves_nothing_and_takes_the_bags_time() -> None:
    nodes = by_name("replay", bag="/bag", rate=0.5, loop=True)
    assert nodes["replay"].arguments == ("/bag", "--wait", "--rate", "0.5", "--loop")
    assert nodes["hume_system1"].parameters["dry_run"] is True
    assert nodes["hume_system2"].parameters["use_sim_time"] is True


@pytest.mark.parametrize("namespace", ["right", "/cell/right"])
def test_a_replay_moves_a_bags_topics_to_its_stack(namespace: str) -> None:
    nodes = by_name("replay", bag="/bag", namespace=namespace)
    assert nodes["replay"].arguments == ("/bag", "--wait", "--namespace", namespace)
    assert nodes["hume_system1"].namespace == namespace


@pytest.mark.parametrize("name", ["robot", "mock", "replay"])
def test_a_prefix_reaches_everything_that_reads_the_profile(name: str) -> None:
    nodes = by_name(name, bag="/bag", robot="ur5e", prefix="b_", record="/out", markers=True)
    readers = {spec.name for spec in nodes.values() if "robot" in spec.parameters}
    assert readers >= {"hume_system1", "hume_system2", "hume_markers"}
    assert {nodes[node].parameters["prefix"] for node in readers} == {"b_"}
    recorded = nodes["record"].arguments
    assert recorded[recorded.index("--prefix") + 1] == "b_"
    assert not any("prefix_controllers" in spec.parameters for spec in nodes.values())
    bare = by_name(name, bag="/bag", robot="ur5e", prefix="b_", prefix_controllers=False, record="/out")
    assert bare["hume_system1"].parameters["prefix_controllers"] is False
    assert "--no-prefix-controllers" in bare["record"].arguments
    assert not any("prefix" in spec.parameters for spec in by_name(name, bag="/bag", robot="ur5e").values())


def test_a_mock_stands_in_for_any_robot() -> None:
    for robot in known_profiles():
        mock = by_name("mock", robot=robot)["hume_mock"]
        assert Path(mock.parameters["robot"]).stem == robot


def test_a_recording_knows_robot_namespace_and_clock() -> None:
    arguments = by_name("sim", record="/out", namespace="left", use_sim_time=True)["record"].arguments
    assert arguments[0] == "--robot"
    assert Path(arguments[1]).stem == "wx250s_sim"
    assert arguments[2:] == ("--output", "/out", "--namespace", "left", "--use-sim-time")


def test_gazebo_starts_everything_it_needs() -> None:
    nodes = by_name("gazebo", gui=True)
    assert nodes["gazebo"].arguments[:3] == ("sim", "-r", "-s")
    assert all(Path(nodes[name].parameters["config_file"]).is_file() for name in ("gazebo_bridge",))
    assert "<robot" in nodes["robot_state_publisher"].parameters["robot_description"]
    assert nodes["spawn_controllers"].arguments[:3] == CONTROLLERS
    assert nodes["hume_system1"].parameters["use_sim_time"] is True
    assert "gazebo_window" in nodes


def test_on_and_off_are_switches() -> None:
    options = LaunchOptions.from_text({"system1": "off", "system2": "on", "rate": "0.5"})
    assert (options.system1, options.system2, options.rate) == (False, True, 0.5)


def test_texts_become_values_of_the_right_type() -> None:
    options = LaunchOptions.from_text({"candidates": "4", "dry_run": "TRUE", "task": "", "robot": "x", "seed": ""})
    assert (options.candidates, options.dry_run, options.task, options.robot, options.seed) == (4, True, "", "x", None)


def test_every_set_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "launch.md").read_text(encoding="utf-8")
    for path in LAUNCH.glob("*.launch.py"):
        assert f"| `{path.name}` |" in page
    assert all(f"| `{name}` |" in page for name in GRAPHS)


def test_ros_arguments_keep_types() -> None:
    spec = NodeSpec("p", "e", "n", {"text": "true", "flag": True, "number": 2}, "/params.yaml", "left", "warn")
    arguments = spec.ros_arguments()
    assert 'text:="true"' in arguments
    assert "flag:=true" in arguments
    assert "number:=2" in arguments
    assert "__ns:=/left" in arguments
    assert arguments[arguments.index("--params-file") + 1] == "/params.yaml"


def test_launch_files_use_the_description() -> None:
    names = set()
    for path in LAUNCH.glob("*.launch.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names |= {call.args[0].value for call in calls if getattr(call.func, "id", "") == "launch_description"}
    assert names == set(GRAPHS)


@pytest.mark.parametrize("name", ["sim", "mock", "replay"])
def test_where_no_real_arm_moves_no_checkpoint_need_be_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lifecycle = [spec for spec in graph(name, LaunchOptions(bag="/bag")) if spec.lifecycle]
    folders = {str(spec.parameters["checkpoint"]) for spec in lifecycle}
    assert folders == {str(default_checkpoint("wx250s_sim"))}


@pytest.mark.parametrize(
    "text",
    [
        "hume_system1: {ros__parameters: {checkpoint: /model}}",
        "/**: {ros__parameters: {checkpoint: org/name}}",
        "left: {hume_system2: {ros__parameters: {checkpoint: /model}}}",
    ],
)
def test_a_parameter_file_may_name_the_checkpoint(text: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    for name in ("sim", "robot"):
        lifecycle = [spec for spec in graph(name, LaunchOptions(params_file=str(path))) if spec.lifecycle]
        assert [spec.parameters.get("checkpoint", "") for spec in lifecycle] == ["", ""]


def test_a_parameter_file_without_a_checkpoint_is_not_enough_for_a_real_arm(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("hume_system1: {ros__parameters: {threads: 2}}")
    with pytest.raises(ConfigError, match="'checkpoint' is empty"):
        graph("robot", LaunchOptions(params_file=str(path)))
    lifecycle = [spec for spec in graph("sim", LaunchOptions(params_file=str(path))) if spec.lifecycle]
    assert all(Path(spec.parameters["checkpoint"]).is_dir() for spec in lifecycle)


@pytest.mark.parametrize(
    ("namespace", "logger"),
    [("", "hume_system1"), ("left", "left.hume_system1"), ("/cell/left/", "cell.left.hume_system1")],
)
def test_the_log_level_is_that_of_the_nodes_own_logger(namespace: str, logger: str) -> None:
    arguments = by_name("robot", namespace=namespace, log_level="debug")["hume_system1"].ros_arguments()
    assert arguments[arguments.index("--log-level") + 1] == f"{logger}:=debug"


def test_a_contract_reaches_both_systems(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.touch()
    for given, expected in (("libero_goal", "libero_goal"), (str(mine), str(mine)), ("", None)):
        specs = systems(LaunchOptions(robot="franka_panda", checkpoint="org/name", contract=given))
        assert {spec.parameters.get("contract") for spec in specs} == {expected}
