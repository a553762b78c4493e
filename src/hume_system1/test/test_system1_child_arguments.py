"""Which ROS arguments of System 1's process reach the denoiser's."""

from __future__ import annotations

import shlex

import pytest

from hume_system1.child_arguments import inherited_arguments

PARENT = "/left/hume_system1"
CHILD = "hume_system1_denoiser"


def inherited(text: str, parent: str = PARENT) -> str:
    return shlex.join(inherited_arguments(shlex.split(text), parent, CHILD))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("a:=b", ""),
        ("-r a:=b", ""),
        ("--ros-args -r a:=b", "--remap a:=b"),
        ("--ros-args --remap a:=b", "--remap a:=b"),
        ("--ros-args -r joint_states:=/arm/joint_states", "--remap joint_states:=/arm/joint_states"),
        ("--ros-args -r rostopic:=b", "--remap rostopic:=b"),
        ("--ros-args -r rostopic://a:=b", "--remap rostopic://a:=b"),
        ("--ros-args -r rosservice:///a/b:=/c", "--remap rosservice:///a/b:=/c"),
        ("--ros-args -r a:=b -- -r c:=d", "--remap a:=b"),
        ("--ros-args -r a:=b -- x --ros-args -r c:=d", "--remap a:=b --remap c:=d"),
        ("x --ros-args -r a:=b --ros-args --remap c:=d", "--remap a:=b --remap c:=d"),
        ("--ros-args -r a:=b --", "--remap a:=b"),
        ("--ros-args -r", ""),
    ],
)
def test_remapping_rules_are_found_wherever_they_stand(given: str, expected: str) -> None:
    assert inherited(given) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("hume_system1:a:=b", f"{CHILD}:a:=b"),
        ("hume_system1:rostopic://a:=b", f"{CHILD}:rostopic://a:=b"),
        (f"{CHILD}:a:=b", f"{CHILD}:a:=b"),
        ("hume_system2:a:=b", ""),
        ("hume_system:a:=b", ""),
        ("camera_driver:rostopic://a:=b", ""),
    ],
)
def test_a_rule_for_one_node_holds_for_the_whole_of_it_and_for_no_other(rule: str, expected: str) -> None:
    assert inherited(f"--ros-args -r {rule}") == (f"--remap {expected}" if expected else "")


def test_the_name_that_counts_is_the_one_the_parent_was_given() -> None:
    text = "--ros-args -r __node:=arm -r arm:a:=b -r hume_system1:c:=d"
    assert inherited(text, "/arm") == f"--remap {CHILD}:a:=b"


@pytest.mark.parametrize("node", ["", "hume_system1:", f"{CHILD}:", "other:"])
@pytest.mark.parametrize("name", ["__node", "__name", "__ns"])
def test_the_child_keeps_its_name_and_gets_its_namespace(name: str, node: str) -> None:
    assert inherited(f"--ros-args -r {node}{name}:=/x -r a:=b") == "--remap a:=b"


def test_private_names_stay_those_of_the_parent() -> None:
    assert inherited("--ros-args -r '~/estop:=/stop' -r 'rosservice://~/reset:=/reset'") == ""
    assert inherited("--ros-args -r 'image:=~/image'") == f"--remap image:={PARENT}/image"
    assert inherited(f"--ros-args -r '{CHILD}:image:=~/image'") == f"--remap '{CHILD}:image:=~/image'"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--log-level debug", "--log-level debug"),
        ("--log-level hume_system1:=debug", f"--log-level {CHILD}:=debug"),
        ("--log-level left.hume_system1:=warn", f"--log-level left.{CHILD}:=warn"),
        ("--log-level rmw_fastrtps_cpp:=error", "--log-level rmw_fastrtps_cpp:=error"),
        ("--log-config-file log.conf", "--log-config-file log.conf"),
        ("--disable-rosout-logs", "--disable-rosout-logs"),
        ("--enable-external-lib-logs --disable-stdout-logs", "--enable-external-lib-logs --disable-stdout-logs"),
        ("--params-file 'my params.yaml'", "--params-file 'my params.yaml'"),
        ("-p threads:=2", "--param threads:=2"),
        ("-p qos_overrides./tf.publisher.depth:=2", "--param qos_overrides./tf.publisher.depth:=2"),
        (f"-p {CHILD}:threads:=2", f"--param {CHILD}:threads:=2"),
        ("-p hume_system1:threads:=2", ""),
        ("-p hume_system2:threads:=2", ""),
        ("--param task:=a:=b", "--param task:=a:=b"),
        ("--enclave /hume/hume_system1", ""),
        ("-e /hume/hume_system1", ""),
        ("--log-file-name system1", ""),
    ],
)
def test_of_the_other_arguments_those_that_matter_are_kept(given: str, expected: str) -> None:
    assert inherited(f"--ros-args {given} -r a:=b") == f"{expected} --remap a:=b".strip()


def test_what_launch_gives_the_node_of_one_system_names_no_other() -> None:
    """As launch_ros writes it with SetRemap, a parameter file of the user's and its own."""
    text = (
        "--ros-args --log-level hume_system1:=info --enclave /hume/hume_system1 --ros-args -r __node:=hume_system1 "
        "-r __ns:=/left --params-file user.yaml --params-file /tmp/launch_params_1 -r image:=/left/image"
    )
    assert inherited(text) == (
        f"--log-level {CHILD}:=info --params-file user.yaml --params-file /tmp/launch_params_1 "
        "--remap image:=/left/image"
    )
