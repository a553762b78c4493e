"""`hume collect --policy`: rollouts of a policy for the value head, or what the expert does after it.

With `intervention` the policy acts for a while, then the expert carries on: demonstrations from where the policy goes
(as in Ross et al. 2011, DAgger), and of how its mistakes are corrected.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hume_core.errors import DatasetError
from hume_core.robot import RobotProfile
from hume_sim.arm import ARM_JOINTS
from hume_sim.disturbances import Disturbances
from hume_sim.expert import ScriptedExpert
from hume_sim.suites import Suite, find_suite
from hume_sim.world import TabletopWorld
from hume_training.collect.recorder import (
    RATE,
    RecorderOptions,
    demonstrate,
    demonstration_features,
    gripper_opening,
    observe,
)
from hume_training.data.hub import check_name, push_dataset
from hume_training.data.layout import ACTION, INFO, INTERVENTION, PERTURBED, SUCCESS
from hume_training.data.writer import EpisodeData, finish, stage_shard, staged_shards
from hume_training.evaluation.episode import Runner
from hume_training.evaluation.expected_time import expect_episodes
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.pool import finished
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.variants import find_variant

FIRST_SEED = 20_000_000
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
        action_space, robot, contract: as in `EvaluateOptions`.
        workers: processes.
        intervention: longest time after which the expert takes over, s. 0: never.
        timing: changes to the suite's rates and latencies.
        images: store PNG images instead of videos.
        push_to_hub: as in `CollectOptions`.
    """

    folder: Path
    checkpoint: str
    episodes: int = 300
    suite: str = "nominal"
    variant: str = "n1_no_system1"
    seed: int = 0
    action_space: str = ""
    robot: str = "wx250s_sim"
    workers: int = 1
    intervention: float = 0.0
    timing: Mapping[str, float] = field(default_factory=dict)
    contract: str = ""
    images: bool = False
    push_to_hub: str = ""

    @property
    def recorder(self) -> RecorderOptions:
        """How an episode is recorded."""
        return RecorderOptions(suite=self.suite, images=self.images)


class EpisodeRecorder:
    """Notes what the robot saw and was commanded, at the dataset's rate."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._due = 0.0

    def __call__(self, runner: Runner) -> None:
        """Called after each command."""
        world = runner.world
        if world.elapsed + 1e-9 < self._due:
            return
        if self.rows:
            self.rows[-1][SUCCESS] = world.success()
        self._due += 1.0 / RATE
        target = world.target
        action = np.array([*target[:-1], gripper_opening(target[-1])], dtype=np.float32)
        row = observe(world, RecorderOptions().image_size)
        self.rows.append(row | {ACTION: action, PERTURBED: False, INTERVENTION: False, SUCCESS: False})

    def episode(self, world: TabletopWorld, seed: int) -> EpisodeData:
        """What was noted."""
        self.rows[-1][SUCCESS] = world.success()
        columns = {key: np.stack([row[key] for row in self.rows]) for key in self.rows[0]}
        return EpisodeData(columns, world.instruction, seed, world.success())


def run_collect_rollouts(options: RolloutOptions) -> int:
    """Record what is not recorded yet and finish the dataset. Returns 0.

    Raises:
        DatasetError: the folder is a finished dataset.
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    root = options.folder
    if (root / INFO).is_file():
        raise DatasetError(f"{root} is a finished dataset. Name another folder")
    if options.push_to_hub:
        check_name(options.push_to_hub)
    suite = find_suite(options.suite, **options.timing)
    find_variant(options.variant)
    profile = checked_robot(options.checkpoint, options.robot, options.action_space, options.contract)
    parts = [range(i, min(i + _PART, options.episodes)) for i in range(0, options.episodes, _PART)]
    done = staged_shards(root)
    todo = sum(len(part) for i, part in enumerate(parts) if i not in done)
    rest = expect_episodes(todo, suite.time_limit, options.workers, _PART)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.workers, context, _start_worker, (options, profile)) as pool,
    ):
        bar = progress.add_task("rollouts", total=options.episodes, completed=options.episodes - todo)
        futures = {pool.submit(_record, i, part): len(part) for i, part in enumerate(parts) if i not in done}
        for future in finished(pool, futures):
            progress.advance(bar, futures[future])
            rest.done(futures[future])
    kept = finish(root, demonstration_features(options.recorder), RATE, profile.name)
    Console(stderr=True).print(f"{kept} episodes are in {root}")
    if options.push_to_hub:
        Console(stderr=True).print(f"published: {push_dataset(root, options.push_to_hub)}")
    return 0


def _start_worker(options: RolloutOptions, profile: RobotProfile) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    _context.update(profile=profile, options=options)


def _record(number: int, episodes: Sequence[int]) -> None:
    options = _context["options"]
    suite = find_suite(options.suite, **options.timing)
    scenes = [(FIRST_SEED + 100_000 * options.seed + k, suite.tasks[k % len(suite.tasks)]) for k in episodes]
    if options.intervention > 0:
        share = np.random.default_rng([options.seed, number, 8]).random()
        recorded = _taken_over(replace(suite, time_limit=share * options.intervention), scenes)
    else:
        recorded = _rolled_out(suite, scenes)
    stage_shard(options.folder, number, recorded, demonstration_features(options.recorder))


def _rollout(suite: Suite) -> Rollout:
    options = _context["options"]
    # Not when the process starts: an error there would not reach the caller.
    policy = _context["policy"] = _context.get("policy") or Policy.load(options.checkpoint)
    return Rollout(policy, _context["profile"], suite, find_variant(options.variant), options.seed)


def _rolled_out(suite: Suite, scenes: Sequence[tuple[int, str]]) -> list[EpisodeData]:
    """What the policy does, failures included."""
    runner = _rollout(suite)
    recorders = [EpisodeRecorder() for _ in scenes]
    runner.run_many(scenes, recorders)
    worlds = runner.worlds(len(scenes))
    recorded = [
        recorder.episode(world, seed) for recorder, world, (seed, _) in zip(recorders, worlds, scenes, strict=True)
    ]
    runner.close()
    return recorded


def _taken_over(suite: Suite, scenes: Sequence[tuple[int, str]]) -> list[EpisodeData]:
    """What the expert does where the policy was when its time was over. Only where it succeeds."""
    runner = _rollout(suite)
    outcomes = runner.run_many(scenes)
    recorded = []
    for world, outcome in zip(runner.worlds(len(scenes)), outcomes, strict=True):
        if outcome.success or outcome.failure:
            continue
        world.push_arm(np.zeros(len(ARM_JOINTS)))
        disturbances = Disturbances(suite, world.seed)
        disturbances.skip_until(world.elapsed)
        expert = ScriptedExpert(world, RATE)
        expert.resume()
        recorded.append(demonstrate(world, expert, RecorderOptions(), disturbances.apply, intervention=True))
    runner.close()
    return [episode for episode in recorded if episode.success]
