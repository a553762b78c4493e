"""Launch arguments take type, range, choices and help from the nodes' settings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hume_bringup.launch_options import LaunchOptions
from hume_core.errors import ConfigError
from hume_core.node_settings import LifecycleSettings
from hume_core.settings import Setting, declared, find
from hume_system1.settings import System1Settings
from hume_system2.settings import System2Settings

NODES = {
    "robot": System2Settings,
    "prefix": System2Settings,
    "prefix_controllers": System2Settings,
    "checkpoint": System2Settings,
    "contract": System2Settings,
    "task": System2Settings,
    "limits_file": System1Settings,
    "autostart": LifecycleSettings,
    "dry_run": System1Settings,
    "activate_controllers": System1Settings,
    "refine": System1Settings,
    "candidates": System2Settings,
    "device": System2Settings,
    "dtype": System2Settings,
    "seed": System2Settings,
}


def shape(item: Setting) -> tuple[object, ...]:
    return item.kind, item.unit, item.low, item.high, item.choices


@pytest.mark.parametrize("name", NODES)
def test_an_argument_takes_what_the_node_takes(name: str) -> None:
    assert shape(find(LaunchOptions, name)) == shape(find(NODES[name], name))


def test_no_other_argument_shares_its_name_with_a_setting_of_a_system() -> None:
    of_systems = {item.name for cls in (System1Settings, System2Settings) for item in declared(cls)}
    assert {item.name for item in declared(LaunchOptions)} & of_systems <= set(NODES)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("candidates", "65", "launch argument 'candidates' is 65. Valid: a whole number from 0 to 64"),
        ("dtype", "float16", "launch argument 'dtype' is 'float16'. Valid: float32 or bfloat16"),
        ("refine", "perhaps", "launch argument 'refine' is 'perhaps'. Valid: true or false"),
        ("rate", "fast", "launch argument 'rate' is 'fast'. Valid: a number"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_valid(name: str, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        LaunchOptions.from_text({name: text})


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("limit_file", "limits_file"), ("dryrun", "dry_run"), ("robots", "robot"), ("name_space", "namespace"),
        ("Checkpoint", "checkpoint"), ("system_1", "system1"),
    ],
)  # fmt: skip
def test_a_misspelt_argument_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{name}' is unknown\. Did you mean '{near}'"):
        LaunchOptions.from_text({"robot": "so101", name: "x"})


def test_an_argument_like_no_other_is_refused_with_what_is_valid() -> None:
    with pytest.raises(ConfigError, match=r"'zzz' is unknown\. Valid: robot, prefix, prefix_controllers, checkpoint"):
        LaunchOptions.from_text({"zzz": "x"})


@pytest.mark.parametrize("namespace", ["left arm", "left-arm", "1st", "a//b", "~", "left/{x}"])
def test_a_namespace_that_ros_does_not_take_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigError, match=r"launch argument 'namespace' is .*such as left or cell/left"):
        LaunchOptions(namespace=namespace)


@pytest.mark.parametrize("namespace", ["left", "/left", "cell_2/left/", "/", ""])
def test_a_namespace_may_have_slashes_around_it(namespace: str) -> None:
    assert LaunchOptions(namespace=namespace).namespace == namespace


def test_launching_imports_neither_torch_nor_rclpy() -> None:
    program = "import sys, hume_bringup.description\nassert not {'torch', 'rclpy'} & set(sys.modules), 'heavy import'"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
