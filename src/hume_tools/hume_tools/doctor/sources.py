"""Whether joint states and cameras come as the policy needs them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from hume_core.robot import RobotProfile
from hume_ros.joint_state_merger import wanted_joints
from hume_tools.doctor.graph import Graph, Source
from hume_tools.doctor.installation import Finding

_AHEAD = 0.02
_TOLERANCE = 0.02


def judge_sources(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    """Findings on every topic that the policy reads."""
    timing = profile.observation
    yield from _anything(graph)
    yield from _source("joint states", graph.joint_states, 1.0 / timing.slop, timing.max_age)
    yield from _joints(profile, graph)
    yield from _publishers(profile, graph)
    for key in profile.cameras:
        yield from _source(f"camera {key}", graph.cameras[key], 1.0 / timing.max_age, timing.max_age)
        yield from _one_publisher(f"camera {key}", graph.cameras[key])


def _anything(graph: Graph) -> Iterator[Finding]:
    """Whether the robot is in this domain at all."""
    if any(source.published_types for source in (graph.joint_states, *graph.cameras.values())):
        return
    fix = (
        "start the driver, or give driver and doctor the same ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE (LOCALHOST "
        "hears this machine only, SUBNET others too) and --namespace"
    )
    yield Finding("robot", False, f"nothing of it is in {graph.where}", fix)


def _one_publisher(what: str, source: Source) -> Iterator[Finding]:
    """Images of two cameras on one topic look like one camera of twice the rate."""
    if len(source.publishers) > 1:
        found = f"{', '.join(source.publishers)} publish {source.topic}: their rates add up"
        yield Finding(f"{what}: publishers", False, found, "stop all but one, or give each robot its own namespace")


def _source(what: str, source: Source, rate: float, max_age: float) -> Iterator[Finding]:
    topic = source.topic
    if not source.published_types:
        fix = "start the driver or correct the profile's topic"
        if source.elsewhere:
            fix += f". There is {', '.join(source.elsewhere)}: meant that one? Then correct --namespace or the profile"
        yield Finding(f"{what}: topic", False, f"nobody publishes {topic}", fix)
        return
    good = source.published_types == {source.wanted_type}
    fix = f"the profile wants {source.wanted_type}. Correct topic or transport in the profile"
    yield Finding(f"{what}: topic", good, f"{topic}, {', '.join(sorted(source.published_types))}", fix)
    if source.qos_problems:
        found = ", ".join(f"{node}: {problem}" for node, problem in sorted(source.qos_problems.items()))
        fix = "the stack subscribes best effort, volatile. Set the publisher's QoS to one that fits (qos_overrides)"
        yield Finding(f"{what}: QoS", False, found, fix)
    if not good:
        return
    if source.problem:
        yield Finding(f"{what}: content", False, source.problem, "correct the driver or the profile")
    fix = f"at least {rate:.0f} Hz are needed. Raise the driver's rate (or observation.slop, observation.max_age)"
    yield Finding(f"{what}: rate", source.rate >= rate, f"{source.rate:.1f} Hz", fix)
    if source.unstamped:
        found = f"{source.unstamped} of {len(source.arrivals)} messages carry no time stamp"
        fix = "set header.stamp in the driver: images and states are matched by it"
        yield Finding(f"{what}: stamps", False, found, fix)
    if source.ages:
        age = median(source.ages)
        fix = f"stamps must be 0 to {max_age} s old. Synchronise the clocks (chrony, PTP), or set use_sim_time alike"
        yield Finding(f"{what}: clock", -_AHEAD <= age <= max_age, f"stamps {age * 1e3:.1f} ms old on arrival", fix)


def _joints(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    if not graph.joint_positions:
        return
    wanted = [*profile.joint_names, *profile.gripper_names]
    missing = [name for name in wanted if name not in graph.joint_positions]
    found = f"missing: {', '.join(missing)}" if missing else f"{len(wanted)} of {len(graph.joint_positions)} published"
    fix = f"published are: {', '.join(graph.joint_positions)}. Correct the joint names in the profile"
    yield Finding("joint names", not missing, found, fix)
    others = [name for name in graph.joint_positions if name not in wanted]
    if others and not missing:
        fix = "add those that move the arm to joints of the profile: joints that it lacks are never commanded"
        found = f"published, but not in the profile: {', '.join(others)}"
        yield Finding("joints left out", False, found, fix, optional=True)
    outside = [
        f"{joint.name} at {graph.joint_positions[joint.name]:.3f} of {list(joint.position)}"
        for joint in profile.joints
        if joint.name in graph.joint_positions
        and joint.position is not None
        and not joint.position[0] - _TOLERANCE <= graph.joint_positions[joint.name] <= joint.position[1] + _TOLERANCE
    ]
    fix = "units must be rad. Move the arm inside its limits, or correct position in the profile"
    yield Finding("joint positions", not outside, ", ".join(outside) or "within limits", fix)


def _publishers(profile: RobotProfile, graph: Graph) -> Iterator[Finding]:
    """One joint, one publisher. Velocities are good to have."""
    wanted = wanted_joints(profile)
    several = {name: nodes for name in wanted if len(nodes := graph.joint_publishers.get(name, set())) > 1}
    fix = "stop all but one, such as a joint_state_publisher that was left running: the arm cannot be in two places"
    for name, nodes in list(several.items())[:1]:
        more = f" (and {len(several) - 1} more)" if len(several) > 1 else ""
        yield Finding("joint publishers", False, f"joint '{name}'{more} comes from {', '.join(sorted(nodes))}", fix)
    publishers = graph.joint_states.publishers
    if len(publishers) > 1 and not graph.joint_publishers:
        found = f"{', '.join(publishers)} publish {graph.joint_states.topic}. Which joints each has is not told here"
        yield Finding("joint publishers", False, found, "make sure that no joint comes from two of them", optional=True)
    without = [name for name in profile.joint_names if name in graph.no_velocity]
    if without:
        found = f"not given (nan) for {', '.join(without)}. Differences of positions are used"
        fix = "export a velocity state interface in the hardware if it measures one"
        yield Finding("joint velocities", False, found, fix, optional=True)
