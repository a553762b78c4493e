"""`hume collect --policy`: rollouts of a policy, failures included, as a dataset for the value head."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hume_core.errors import DatasetError
from hume_core.robot import RobotProfile
from hume_sim.scene import CUBES
from hume_sim.world import TabletopWorld
from hume_training.collect.recorder import (
    RATE,
    RecorderOptions,
    camera_images,
    demonstration_features,
    gripper_opening,
)
from hume_training.data.layout import ACTION, ENVIRONMENT, IMAGE_PREFIX, INFO, PERTURBED, STATE, SUCCESS
from hume_training.data.writer import Episode, finish, stage_shard, staged_shards
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.rollout import Rollout, with_action_space
from hume_training.evaluation.suites import find_suite
from hume_training.evaluation.variants import find_variant

_FIRST_SEED = 20_000_000
_PART = 10
_context: dict[str, Any] = {}


@dataclass(frozen=True)
class RolloutOptions:
    """Which rollouts to record.

    Attributes:
        folder: of the dataset.
        checkpoint: folder or hub name.
        episodes: how many.
        suite, variant: see `SUITES` and `VARIANTS`.
        seed: moves every random choice.
        action_space, robot: as in `EvaluateOptions`.
        workers: processes.
    """

    folder: Path
    checkpoint: str
    episodes: int = 300
    suite: str = "nominal"
    variant: str = "n1_no_system1"
    seed: int = 0
    action_space: str = "joint_delta"
    robot: str = "wx250s_sim"
    workers: int = 1


class EpisodeRecorder:
    """Notes what the robot saw and was told, at the dataset's rate."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._due = 0.0

    def __call__(self, world: TabletopWorld) -> None:
        """Called after each command."""
        if self.rows:
            self.rows[-1][SUCCESS] = world.success()
        if world.elapsed + 1e-9 < self._due:
            return
        self._due += 1.0 / RATE
        images = camera_images(world, RecorderOptions().image_size)
        target = world.target
        self.rows.append(
            {
                **{f"{IMAGE_PREFIX}{key}": image for key, image in images.items()},
                STATE: world.joint_state().position.astype(np.float32),
                ENVIRONMENT: np.concatenate([world.cube_pose(cube)[:3] for cube in CUBES]).astype(np.float32),
                ACTION: np.array([*target[:-1], gripper_opening(target[-1])], dtype=np.float32),
                PERTURBED: False,
                SUCCESS: False,
            }
        )

    def episode(self, world: TabletopWorld, seed: int) -> Episode:
        """What was noted."""
        self.rows[-1][SUCCESS] = world.success()
        columns = {key: np.stack([row[key] for row in self.rows]) for key in self.rows[0]}
        return Episode(columns, world.instruction, seed, world.success())


def run_collect_rollouts(options: RolloutOptions) -> int:
    """Record what is not recorded yet and finish the dataset; returns 0.

    Raises:
        DatasetError: the folder is a finished dataset.
    """
    root = options.folder
    if (root / INFO).is_file():
        raise DatasetError(f"{root} is a finished dataset; name another folder")
    parts = [range(i, min(i + _PART, options.episodes)) for i in range(0, options.episodes, _PART)]
    done = staged_shards(root)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.workers, context, _start_worker, (options,)) as pool,
    ):
        bar = progress.add_task("rollouts", total=options.episodes, completed=sum(len(parts[i]) for i in done))
        futures = {pool.submit(_record, i, part): len(part) for i, part in enumerate(parts) if i not in done}
        for future in as_completed(futures):
            future.result()
            progress.advance(bar, futures[future])
    kept = finish(root, demonstration_features(RecorderOptions()), RATE, options.robot)
    Console(stderr=True).print(f"{kept} rollouts are in {root}")
    return 0


def _start_worker(options: RolloutOptions) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    profile = with_action_space(RobotProfile.load(options.robot), options.action_space)
    _context.update(policy=Policy.load(options.checkpoint), profile=profile, options=options)


def _record(number: int, episodes: Sequence[int]) -> None:
    options = _context["options"]
    suite = find_suite(options.suite)
    runner = Rollout(_context["policy"], _context["profile"], suite, find_variant(options.variant), options.seed)
    scenes = [(_FIRST_SEED + 100_000 * options.seed + k, suite.tasks[k % len(suite.tasks)]) for k in episodes]
    recorders = [EpisodeRecorder() for _ in scenes]
    runner.run_many(scenes, recorders)
    recorded = [
        recorder.episode(world, seed)
        for recorder, world, (seed, _) in zip(recorders, runner.worlds(len(scenes)), scenes, strict=True)
    ]
    runner.close()
    stage_shard(options.folder, number, recorded, demonstration_features(RecorderOptions()))
