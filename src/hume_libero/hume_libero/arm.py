"""A session and LIBERO's arm, coupled: joint states and pictures in, joint commands out, physics in between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import RobotProfileError
from hume_core.robot import RobotProfile
from hume_libero.world import JointCommand, LiberoReading, LiberoWorld
from hume_session.schedule import NS, Waits
from hume_session.session import Session
from hume_sim.robots import camera_names
from hume_sim.sensors import JOINT_STATES, Header, JointReading, Stamp
from hume_training.evaluation.arm import EPOCH_START

CAMERAS = {"scene": "agentview", "wrist": "robot0_eye_in_hand"}
"""Name in the topic camera/NAME/image_raw -> camera of LIBERO."""

_JOINT_STATES_EVERY = NS // 100
_PICTURES_EVERY = NS // 20


@dataclass(frozen=True, eq=False)
class LiberoPicture:
    """As `sensor_msgs/Image`. The pixels are drawn on first use, in the other process."""

    header: Header
    camera: str
    world: LiberoWorld
    positions: NDArray[np.float64]
    encoding: str = "rgb8"

    @property
    def height(self) -> int:
        """Rows, pixels."""
        return self.world.picture_size

    @property
    def width(self) -> int:
        """Columns, pixels."""
        return self.world.picture_size

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return 3 * self.width

    @cached_property
    def data(self) -> NDArray[np.uint8]:
        """The pixels, row by row."""
        return self.world.picture(self.camera, self.positions).reshape(-1)


def libero_cameras(profile: RobotProfile) -> dict[str, str]:
    """Policy key -> camera of LIBERO.

    Raises:
        RobotProfileError: LIBERO has no such camera.
    """
    names = camera_names(profile)
    for key, name in names.items():
        if name not in CAMERAS:
            raise RobotProfileError(
                f"camera '{key}' of robot '{profile.name}' has the topic '{profile.cameras[key].topic}'. LIBERO has "
                f"{', '.join(f'camera/{known}/image_raw' for known in CAMERAS)}"
            )
    return {key: CAMERAS[name] for key, name in names.items()}


class LiberoArm:
    """Steps a world under the commands of a session.

    Args:
        world: reset. Its owner is the caller.
        session: drives it.
        profile: names joints and cameras.
    """

    def __init__(self, world: LiberoWorld, session: Session, profile: RobotProfile) -> None:
        self._world, self._session = world, session
        self._cameras = libero_cameras(profile)
        gripper = profile.gripper
        self._names = (*profile.joint_names, *(() if gripper is None else (gripper.joint,)))
        self._gripper = 0.0 if gripper is None else gripper.open
        self._position = world.reading.joints.copy()
        self._velocity = np.zeros(len(self._position))
        self._timestep = round(world.task.timestep * NS)
        self._next_joints = self._next_pictures = self._begin = self._now
        self._taken = -1

    @property
    def _now(self) -> int:
        """ROS time of the world's present state, ns."""
        return EPOCH_START + round(self._world.elapsed * NS)

    def begin(self) -> None:
        """The session begins with the world's present state."""
        self._session.begin(self._begin)
        self._sense()

    def step(self) -> Waits:
        """Physics up to the next message of a driver. No command before it depends on it."""
        now, end = self._now, min(self._next_joints, self._next_pictures)
        end = now + max(1, -(-(end - now) // self._timestep)) * self._timestep
        commands = []
        while now < end:
            yield from self._session.command_until(now)
            self._take()
            # A command holds from the first physics step that begins after its tick.
            until = min(max(self._session.commands.next_tick + 1, now + 1), end)
            steps = -(-(until - now) // self._timestep)
            commands.append(JointCommand(self._position, self._velocity, self._gripper, steps))
            now += steps * self._timestep
            self._position = self._position + self._velocity * (steps * self._timestep / NS)
        self._world.follow(commands)
        yield from self._session.advance(self._now)
        self._sense()

    def _take(self) -> None:
        """The newest command of the core, if there is a newer one."""
        commands = self._session.commands
        if commands.next_tick == self._taken:
            return
        self._taken, command = commands.next_tick, commands.command
        self._velocity = np.zeros(len(self._position))
        if command.publish:
            self._position, self._velocity = command.position.copy(), command.velocity.copy()
            if not np.isnan(command.gripper):
                self._gripper = command.gripper

    def _sense(self) -> None:
        """Hand over what the drivers publish now."""
        now, reading = self._now, self._world.reading
        header = Header(Stamp(now // NS, now % NS))
        if now >= self._next_joints:
            self._next_joints += _JOINT_STATES_EVERY * (1 + (now - self._next_joints) // _JOINT_STATES_EVERY)
            self._session.receive(JOINT_STATES, self._joint_reading(header, reading))
        if now >= self._next_pictures:
            self._next_pictures += _PICTURES_EVERY * (1 + (now - self._next_pictures) // _PICTURES_EVERY)
            for key, camera in self._cameras.items():
                self._session.receive(key, LiberoPicture(header, camera, self._world, reading.positions))

    def _joint_reading(self, header: Header, reading: LiberoReading) -> JointReading:
        fingers = [float(reading.fingers[0])] * (len(self._names) - len(reading.joints))
        position = [*reading.joints.tolist(), *fingers]
        still = [0.0] * len(fingers)
        return JointReading(
            header, self._names, position, [*reading.velocities.tolist(), *still], [*reading.efforts.tolist(), *still]
        )
