"""A session and a simulated arm, coupled: sensors in, commands out, physics in between."""

from __future__ import annotations

from collections.abc import Callable

from hume_core.robot import RobotProfile
from hume_session.schedule import NS, Waits
from hume_session.session import Session
from hume_sim.sensors import PictureMaker, SimulatedSensors
from hume_sim.suites import Suite
from hume_sim.world import TabletopWorld

EPOCH_START = 1_000_000_000
"""ROS time at the start of an episode, ns: a stamp of zero would mean that there is none."""


def suite_profile(profile: RobotProfile, suite: Suite) -> RobotProfile:
    """The robot with the suite's rates of both systems."""
    rates = profile.rates.model_copy(update={"system1": suite.system1_rate, "system2": suite.system2_rate})
    return profile.model_copy(update={"rates": rates})


def ros_time(world: TabletopWorld) -> int:
    """ROS time of a world's present state, ns."""
    return EPOCH_START + round(world.elapsed * NS)


class SimulatedArm:
    """Steps a world under the commands of a session.

    Args:
        world: its owner is the caller.
        session: drives it.
        cameras: policy key -> camera of the scene.
        maker: draws the images.
    """

    def __init__(self, world: TabletopWorld, session: Session, cameras: dict[str, str], maker: PictureMaker) -> None:
        self._world, self._session = world, session
        self._sensors = SimulatedSensors(world, maker, cameras)
        self._begin = ros_time(world)
        self._followed_until = -1

    def begin(self) -> None:
        """The session begins with the world's present state."""
        self._session.begin(self._begin)
        self.sense()

    def step(self, before: Callable[[], None] | None = None) -> Waits:
        """One physics step under the newest command. `before` is called once that is set."""
        now = ros_time(self._world)
        yield from self._session.command_until(now)
        self.follow()
        if before is not None:
            before()
        self._world.step()
        now = ros_time(self._world)
        yield from self._session.advance(now)
        self.sense()

    def follow(self) -> None:
        """Set the targets of the servos to the newest command, if there is a newer one."""
        commands = self._session.commands
        if commands.next_tick == self._followed_until:
            return
        self._followed_until, command = commands.next_tick, commands.command
        if command.publish:
            self._world.set_arm_target(command.position)
            if command.gripper == command.gripper:
                self._world.set_gripper_target(command.gripper)

    def sense(self) -> None:
        """Hand over what the drivers publish now."""
        now = ros_time(self._world)
        for source, reading in self._sensors.due(now - self._begin, now):
            self._session.receive(source, reading)
