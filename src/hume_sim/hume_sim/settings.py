"""Settings of the simulator node and of the stand-in for a robot."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node

from hume_core.node_settings import ModelSettings
from hume_core.settings import find, same_as, setting
from hume_ros.parameters import declare_settings


@dataclass(frozen=True)
class SimParameters:
    """Of the simulator."""

    joint_state_rate: float = setting(100.0, "Rate of joint_states.", unit="Hz", low=1.0, high=500.0)
    camera_rate: float = setting(30.0, "Rate of every camera.", unit="Hz", low=0.1, high=120.0)
    image_height: int = setting(96, "Rows of the camera images.", unit="pixels", low=16, high=1280)
    image_width: int = setting(96, "Columns of the camera images.", unit="pixels", low=16, high=1280)
    video_rate: float = setting(
        0.0, "Rate of camera/video/image_raw, a view for people. 0: none.", unit="Hz", low=0.0, high=60.0
    )
    video_size: int = setting(480, "Rows and columns of camera/video/image_raw.", unit="pixels", low=16, high=1280)
    seed: int = setting(0, "Seed of the first episode.", low=0, high=2**63 - 1)
    task: str = setting("", "Task of the first episode: lift, lift red, stack, stack red on blue. Empty: any.")
    pair: bool = setting(False, "Two arms at the table, whose names begin with left_ and right_, in place of one.")
    suite: str = setting("", "Suite of hume evaluate whose tasks are set and whose disturbances happen. Empty: none.")
    interpolate_from_desired_state: bool = setting(
        False, "The parameter of that name of the simulated joint_trajectory_controller."
    )
    publish_clock: bool = setting(False, "Publish /clock and stamp messages with simulated time.")
    lie_offset: float = setting(
        0.3, "What the fault lie_joint_states adds to each arm position.", unit="rad", low=-3.0, high=3.0
    )
    priority: int = setting(
        40,
        "SCHED_FIFO priority of the physics thread, if allowed. Other threads get SCHED_RR below it. "
        "0: ordinary scheduling.",
        low=0,
        high=99,
    )


@dataclass(frozen=True)
class MockParameters:
    """Of the stand-in. It draws and simulates nothing, so it can be faster and larger than the simulator."""

    robot: str = same_as(find(ModelSettings, "robot"))
    prefix: str = same_as(find(ModelSettings, "prefix"))
    prefix_controllers: bool = same_as(find(ModelSettings, "prefix_controllers"))
    joint_state_rate: float = same_as(find(SimParameters, "joint_state_rate"), high=1000.0)
    camera_rate: float = same_as(find(SimParameters, "camera_rate"))
    image_height: int = same_as(find(SimParameters, "image_height"), help="Rows of made-up images.", high=2160)
    image_width: int = same_as(find(SimParameters, "image_width"), help="Columns of made-up images.", high=3840)
    servo_lag: float = setting(0.0, "Time constant with which the joints follow.", unit="s", low=0.0, high=1.0)
    enforce_command_limits: bool = setting(
        True, "Follow no command faster than the velocity limit, as controller_manager does by the parameter so named."
    )
    interpolate_from_desired_state: bool = same_as(find(SimParameters, "interpolate_from_desired_state"))
    separate_joint_states: bool = setting(
        False, "Publish joint_states of each arm and each gripper on its own, as robots with several drivers do."
    )
    silent_parts: str = setting(
        "",
        "Arms and grippers that are left out of joint_states, as if their driver had failed: arms.left, grippers.left. "
        "May be set at any time.",
        read_only=False,
    )
    wrap_continuous: bool = setting(False, "Report the angles of continuous joints within pi of zero.")
    bag: str = setting("", "rosbag2 bag with images of the profile's cameras. Empty: made-up images.")
    publish_clock: bool = setting(False, "Publish /clock, which starts at zero.")
    gripper_action: str = setting(
        "ParallelGripperCommand",
        "Type of the gripper's action, where the profile has one.",
        choices=("ParallelGripperCommand", "GripperCommand"),
    )
    gripper_refuses: bool = setting(False, "Refuse goals while the gripper moves, as some drivers do.")
    priority: int = setting(30, "SCHED_RR priority of the process, if allowed. 0: ordinary scheduling.", low=0, high=99)


def declare_parameters(node: Node) -> SimParameters:
    """Declare all parameters of the simulator and read them.

    Raises:
        ConfigError: a value is not valid.
    """
    return declare_settings(node, SimParameters)
