"""Which topics of a robot are recorded, which of them are its sensors, and where those are in a bag."""

from __future__ import annotations

from collections.abc import Collection

from hume_bags.errors import BagError
from hume_core.robot import ArmControllerType, GripperControllerType, RobotProfile
from hume_system1.stop_sources import stop_sources

_SYSTEMS = (
    "hume/epoch", "hume/action_chunk", "hume/segment", "hume/status", "hume/system1/heartbeat",
    "hume/execute_task/_action/status", "hume/execute_task/_action/feedback", "hume/label", "sim/episode",
)  # fmt: skip
_GLOBAL = ("/parameter_events", "/diagnostics", "/rosout", "/tf", "/tf_static", "/clock")
THOUGHTS = "hume/thought"
COMPRESSED = "/compressed"
"""What image_transport appends to the topic of images."""


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


def absolute_sensors(profile: RobotProfile) -> set[str]:
    """Topics of sensors that are outside every namespace."""
    return set(sensor_topics(profile, "a")) & set(sensor_topics(profile, "b"))


def command_topics(profile: RobotProfile, namespace: str = "") -> list[str]:
    """Where commands to arms and grippers go, as far as those are topics."""
    topics = [item.topic for item in profile.controllers if item.type is not GripperControllerType.GRIPPER_ACTION]
    return [resolved(topic, namespace) for topic in topics]


def goal_topics(profile: RobotProfile, namespace: str = "") -> list[str]:
    """Where goals go to the controllers' actions, and what controllers report that they command.

    Programs beside the stack, such as MoveIt, command a robot in this way.
    """
    topics: list[str] = []
    for controller in profile.controllers:
        if controller.type is GripperControllerType.GRIPPER_ACTION:
            topics += [goal_events(controller.topic), goal_status(controller.topic)]
        elif controller.type in (ArmControllerType.JOINT_TRAJECTORY, GripperControllerType.JOINT_TRAJECTORY):
            action = trajectory_action(controller.topic)
            topics += [goal_events(action), goal_status(action), controller_state(controller.topic)]
    return [resolved(topic, namespace) for topic in dict.fromkeys(topics)]


def trajectory_action(topic: str) -> str:
    """Name of the action of the `joint_trajectory_controller` with this command topic."""
    return _beside(topic, "follow_joint_trajectory")


def controller_state(topic: str) -> str:
    """Where the `joint_trajectory_controller` with this command topic says what it does."""
    return _beside(topic, "controller_state")


def goal_events(action: str) -> str:
    """Where the goals of an action are, while service introspection is on."""
    return f"{action}/_action/send_goal/_service_event"


def goal_status(action: str) -> str:
    """Where an action says what has become of its goals."""
    return f"{action}/_action/status"


def _beside(topic: str, name: str) -> str:
    return "/".join([*topic.split("/")[:-1], name])


def recorded_topics(profile: RobotProfile, namespace: str = "", thoughts: bool = True) -> list[str]:
    """Everything that `hume record` takes."""
    own = [*_SYSTEMS, *stop_sources(profile), *([THOUGHTS] if thoughts else [])]
    topics = [
        *sensor_topics(profile, namespace),
        *command_topics(profile, namespace),
        *goal_topics(profile, namespace),
        *(resolved(topic, namespace) for topic in own),
        *_GLOBAL,
    ]
    return list(dict.fromkeys(topics))


def camera_info_topic(image_topic: str) -> str:
    """`camera_info` beside an image topic (image_transport's rule)."""
    return _beside(image_topic.removesuffix(COMPRESSED), "camera_info")


def recorded_image_topic(recorded: Collection[str], topic: str) -> str:
    """The topic of a camera's images in a bag: where they were recorded compressed or raw only, that one.

    Args:
        recorded: topics with messages.
        topic: of the profile, fully qualified.
    """
    raw = topic.removesuffix(COMPRESSED)
    return next((name for name in (topic, raw, raw + COMPRESSED) if name in recorded), topic)


def recorded_namespace(recorded: Collection[str], profile: RobotProfile, given: str | None = None) -> str:
    """The namespace of a robot's topics in a bag: where most of its sensors are. Empty for none.

    Args:
        recorded: topics with messages.
        profile: the robot's.
        given: by the user. None: to be found.

    Raises:
        BagError: several namespaces have as many of them.
    """
    if given is not None:
        return given
    names = [profile.joint_states, *(camera.topic for camera in profile.cameras.values())]
    relative = [name for name in names if not name.startswith("/")]
    spaces = {
        topic.removesuffix(ending).rstrip("/")
        for name in relative
        for ending in {name, name.removesuffix(COMPRESSED), name + COMPRESSED}
        for topic in recorded
        if topic.endswith("/" + ending)
    }
    found = {space: sum(_has_sensor(recorded, name, space) for name in relative) for space in spaces}
    best = [space for space, count in found.items() if count == max(found.values())]
    if len(best) > 1 and "" not in best:
        raise BagError(
            f"several namespaces have the topics of robot '{profile.name}': {', '.join(sorted(best))}. Choose with "
            "--namespace"
        )
    return best[0] if len(best) == 1 else ""


def _has_sensor(recorded: Collection[str], name: str, namespace: str) -> bool:
    topic = resolved(name, namespace)
    return recorded_image_topic(recorded, topic) in recorded
