"""Which topics of a robot are recorded, and which of them are its sensors."""

from __future__ import annotations

from hume_core.robot import GripperControllerType, RobotProfile
from hume_system1.stop_sources import stop_sources

_SYSTEMS = (
    "hume/epoch", "hume/action_chunk", "hume/segment", "hume/status", "hume/system1/heartbeat",
    "hume/execute_task/_action/status", "hume/execute_task/_action/feedback", "hume/label", "sim/episode",
)  # fmt: skip
_GLOBAL = ("/parameter_events", "/diagnostics", "/rosout", "/tf", "/tf_static", "/clock")
THOUGHTS = "hume/thought"


def resolved(topic: str, namespace: str = "") -> str:
    """The fully qualified name of a topic of the stack."""
    if topic.startswith("/"):
        return topic
    prefix = namespace.strip("/")
    return f"/{prefix}/{topic}" if prefix else f"/{topic}"


def sensor_topics(profile: RobotProfile, namespace: str = "") -> list[str]:
    """Joint states, and images and calibration of every camera."""
    topics = [profile.joint_states]
    for camera in profile.cameras.values():
        topics += [camera.topic, camera_info_topic(camera.topic)]
    return [resolved(topic, namespace) for topic in topics]


def command_topics(profile: RobotProfile, namespace: str = "") -> list[str]:
    """Where commands to arm and gripper go, as far as those are topics."""
    topics = [profile.controllers.arm.topic]
    gripper = profile.controllers.gripper
    if gripper is not None and gripper.type is not GripperControllerType.GRIPPER_ACTION:
        topics.append(gripper.topic)
    return [resolved(topic, namespace) for topic in topics]


def recorded_topics(profile: RobotProfile, namespace: str = "", thoughts: bool = True) -> list[str]:
    """Everything that `hume record` takes."""
    own = [*_SYSTEMS, *stop_sources(profile), *([THOUGHTS] if thoughts else [])]
    topics = [
        *sensor_topics(profile, namespace),
        *command_topics(profile, namespace),
        *(resolved(topic, namespace) for topic in own),
        *_GLOBAL,
    ]
    return list(dict.fromkeys(topics))


def camera_info_topic(image_topic: str) -> str:
    """`camera_info` beside an image topic (image_transport's rule)."""
    base = image_topic.removesuffix("/compressed")
    return "/".join([*base.split("/")[:-1], "camera_info"])
