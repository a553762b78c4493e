"""The expert through OSC_POSE, and the rows that it wrote through the stack: success, and how far the tool strays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hume_core.kinematics import Kinematics
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_libero.arm import LiberoArm
from hume_libero.expert import Expert
from hume_libero.replay import REST_ROWS, RecordedRows
from hume_libero.suites import LiberoSuite
from hume_libero.world import ROW_PERIOD, LiberoWorld, robosuite_row
from hume_session import Latencies, LatencyModel, PolicyFacts, Session, SessionOptions
from hume_system1.chunk_switch import ChunkSwitch
from hume_training.evaluation.outcome import ModeWatch

ROBOT = "franka_panda"
AFTERWARDS = 20
"""So many rows the arm may rest at the end before a task counts as failed: things have to come to rest."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What the expert did.

    Attributes:
        rows: (T, 7) as a policy emits them.
        tool: (T + 1, 3) where the tool was before each row and at the end, m in the world.
        success: LIBERO says that the task is done.
    """

    rows: NDArray[np.float64]
    tool: NDArray[np.float64]
    success: bool


@dataclass(frozen=True, eq=False)
class Followed:
    """What the stack made of the rows of a demonstration.

    Attributes:
        success: LIBERO says that the task is done.
        deviation: (T + 1,) distance of the tool from where it was in the demonstration at the same row, m.
        path_deviation: (T + 1,) its distance from the way of the demonstration, whenever it was there, m.
        fault: why the control core stopped. Empty: it did not.
    """

    success: bool
    deviation: NDArray[np.float64]
    path_deviation: NDArray[np.float64]
    fault: str


def demonstrate(world: LiberoWorld, suite: LiberoSuite, state: int) -> Demonstration:
    """Let the expert do the open task from an initial state, through OSC_POSE, in the suite's number of steps.

    The rows go on until the hand lets go and leaves, although LIBERO may count a success before.
    """
    world.reset(state)
    expert, success = Expert(world.task), world.reading.success
    rows: list[NDArray[np.float64]] = []
    tool = [world.reading.tool]
    while len(rows) < suite.steps and not expert.left:
        rows.append(expert.row(world.reading))
        tool.append(world.row(robosuite_row(rows[-1])).tool)
        success = success or world.reading.success
    return Demonstration(np.stack(rows), np.stack(tool), success)


class Follower:
    """Sends rows through the stack: action space, inverse kinematics, limits, joint commands.

    Args:
        suite: whose contract says what the rows mean.
        thought_latency, segment_latency: from observation to chunk and to segment, s.
    """

    def __init__(self, suite: LiberoSuite, thought_latency: float = 0.1, segment_latency: float = 0.01) -> None:
        profile = RobotProfile.load(ROBOT)
        fitted = named_contract(suite.contract or "libero_goal").adapt(profile)
        # Recorded rows look at no picture.
        self.profile: RobotProfile = fitted.model_copy(update={"cameras": {}})
        self._kinematics: Kinematics = load_kinematics(self.profile)
        self._latency = LatencyModel(Latencies.constant(thought_latency), Latencies.constant(segment_latency))

    def follow(self, world: LiberoWorld, state: int, demonstration: Demonstration) -> Followed:
        """The rows of a demonstration, from its initial state, asynchronously and with latencies."""
        world.reset(state)
        rows, watch = RecordedRows(demonstration.rows), ModeWatch()
        options = SessionOptions(ChunkSwitch.AT_ONCE, kinematics=self._kinematics)
        facts = PolicyFacts((), 1, rows, "expert")
        session = Session(self.profile, facts, rows, self._latency, options, watch)
        rows.now = lambda: session.schedule.elapsed * 1e-9
        arm = LiberoArm(world, session, self.profile)
        arm.begin()
        session.assign(world.task.instruction)
        times, tool, success = [0.0], [world.reading.tool], False
        while world.elapsed < rows.duration + AFTERWARDS * ROW_PERIOD and not (success or watch.fault):
            for waited in arm.step():
                waited.result()
            times.append(world.elapsed)
            tool.append(world.reading.tool)
            success = world.reading.success
        at = (REST_ROWS + np.arange(len(demonstration.tool))) * ROW_PERIOD
        found = np.stack([np.interp(at, times, np.stack(tool)[:, axis]) for axis in range(3)], axis=1)
        return Followed(
            success,
            np.linalg.norm(found - demonstration.tool, axis=1)[at <= times[-1]],
            distances_to_path(found, demonstration.tool)[at <= times[-1]],
            watch.fault,
        )


def distances_to_path(points: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point (n, 3) from the nearest point of a polyline (m, 3), m at least 2."""
    start, along = path[:-1], np.diff(path, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-18)
    share = np.clip(((points[:, None] - start) * along).sum(axis=2) / length, 0.0, 1.0)
    nearest = start + share[..., None] * along
    return np.asarray(np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1))
