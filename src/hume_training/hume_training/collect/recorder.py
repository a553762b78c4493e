"""One demonstration: the scripted expert, sometimes pushed off its way, and what the robot saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hume_sim.arm import ARM_JOINTS, GRIPPER_CLOSED, GRIPPER_OPEN, JOINT_NAMES
from hume_sim.expert import ScriptedExpert
from hume_sim.hasty import demonstrator
from hume_sim.scene import PLAIN, object_names
from hume_sim.suites import find_suite
from hume_sim.world import TabletopWorld
from hume_training.collect.plan import PlannedEpisode
from hume_training.data.layout import (
    ACTION,
    ENVIRONMENT,
    IMAGE_PREFIX,
    INTERVENTION,
    PERTURBED,
    STATE,
    SUCCESS,
    Feature,
)
from hume_training.data.layout import demonstration_features as _features
from hume_training.data.writer import EpisodeData

CAMERAS = {"image": "scene", "wrist_image": "wrist"}
"""Policy key -> simulated camera."""

RATE = 20
"""Frames per second."""

CAMERA_SIZE = 96
"""Side of the rendered images, pixels: what the simulator's cameras publish."""


@dataclass(frozen=True)
class RecorderOptions:
    """How demonstrations are recorded.

    Attributes:
        image_size: side of the stored images, pixels.
        burst_rate: chance per frame that a push begins.
        burst_frames: shortest and longest push, frames.
        burst_size: standard deviation of each joint's offset per frame of a push, rad.
        hold: frames recorded after the expert is done, so that the end is to stand still.
        timeout: simulated seconds after which an attempt counts as failed.
        suite: whose scenes and demonstrators are recorded. Empty: the plain table and the expert.
        images: store PNG images instead of videos.
    """

    image_size: int = 64
    burst_rate: float = 0.012
    burst_frames: tuple[int, int] = (3, 8)
    burst_size: float = 0.025
    hold: int = 10
    timeout: float = 15.0
    suite: str = ""
    images: bool = False

    @property
    def scene(self) -> str:
        """Kind of the scenes."""
        return find_suite(self.suite).scene if self.suite else PLAIN

    @property
    def tasks(self) -> Sequence[str]:
        """What is demonstrated where nobody says it."""
        return find_suite(self.suite).tasks if self.suite else ("lift", "stack")


def demonstration_features(options: RecorderOptions) -> dict[str, Feature]:
    """Columns of what `Recorder` records."""
    return _features(tuple(CAMERAS), options.image_size, JOINT_NAMES, object_names(options.scene), RATE, options.images)


def gripper_opening(width: float) -> float:
    """Finger position (m) as the policy's opening, 0 closed .. 1 open."""
    return float((width - GRIPPER_CLOSED) / (GRIPPER_OPEN - GRIPPER_CLOSED))


def camera_images(world: TabletopWorld, size: int) -> dict[str, NDArray[np.uint8]]:
    """Images (size, size, 3) by policy key, shrunk from what the simulator's cameras publish."""
    images = {}
    for key, camera in CAMERAS.items():
        full = world.render(camera, CAMERA_SIZE, CAMERA_SIZE)
        images[key] = np.asarray(cv2.resize(full, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return images


class Recorder:
    """Records episodes in one world.

    Args:
        options: how.
    """

    def __init__(self, options: RecorderOptions) -> None:
        self._options = options
        self._suite = find_suite(options.suite) if options.suite else None
        self._world = TabletopWorld(CAMERA_SIZE, CAMERA_SIZE, options.scene)

    def record(self, planned: PlannedEpisode) -> EpisodeData:
        """Let the expert carry out a task. Whether it succeeded is in the result."""
        self._world.reset(planned.seed, planned.task)
        return demonstrate(self._world, demonstrator(self._world, self._suite, RATE), self._options)

    def wants(self, episode: EpisodeData) -> bool:
        """Whether the episode that was just recorded is a demonstration: a success, or what a hasty expert spoils."""
        spoiled = self._suite is not None and self._suite.hasty > 0 and bool(self._world.failure)
        return episode.success or spoiled

    def close(self) -> None:
        """Free the GL contexts."""
        self._world.close()


def demonstrate(
    world: TabletopWorld,
    expert: ScriptedExpert,
    options: RecorderOptions,
    disturb: Callable[[TabletopWorld], None] | None = None,
    intervention: bool = False,
) -> EpisodeData:
    """Record how an expert carries out a world's task from now on.

    Args:
        world: where the expert acts.
        expert: of that world.
        options: how it is pushed, and when it ends.
        disturb: called once per frame.
        intervention: the expert has taken over from a policy.
    """
    steps = round(1.0 / (RATE * world.timestep))
    rng = np.random.default_rng([world.seed, 2])
    rows: list[dict[str, Any]] = []
    push, left, held = np.zeros(len(ARM_JOINTS)), 0, 0
    begin = world.elapsed
    while held < options.hold and world.elapsed - begin < options.timeout:
        if disturb is not None:
            disturb(world)
        row = observe(world, options.image_size)
        command = expert.act()
        if left == 0 and not expert.done and rng.random() < options.burst_rate:
            left = int(rng.integers(options.burst_frames[0], options.burst_frames[1] + 1))
            push = rng.normal(0.0, options.burst_size, len(ARM_JOINTS))
        pushed = left > 0
        world.set_arm_target(command[:-1] + push if pushed else command[:-1])
        world.set_gripper_target(command[-1])
        left -= pushed
        world.step(steps)
        over = expert.done or bool(world.failure)
        row[ACTION] = np.array([*command[:-1], gripper_opening(command[-1])], dtype=np.float32)
        row[PERTURBED], row[INTERVENTION], row[SUCCESS] = pushed, intervention, world.success()
        rows.append(row)
        held += over
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return EpisodeData(columns, world.instruction, world.seed, expert.done and world.success())


def observe(world: TabletopWorld, image_size: int) -> dict[str, Any]:
    """What the robot sees now, and where things stand. By feature key."""
    images = camera_images(world, image_size)
    return {
        **{f"{IMAGE_PREFIX}{key}": image for key, image in images.items()},
        STATE: world.joint_state().position.astype(np.float32),
        ENVIRONMENT: np.concatenate(list(world.objects().values())).astype(np.float32),
    }
