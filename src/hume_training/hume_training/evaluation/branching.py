"""`hume collect --branches`: what comes of each of many chunks, from the states that a policy gets into.

Candidates are carried out in copies of the simulator, and the expert goes on from where each leads. So are chunks that
nobody should take: of another cube, of another scene, with the gripper closed or open. A critic then sees, in one and
the same state, actions that matter and what they are worth.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hume_core.errors import ConfigError, DatasetError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_sim.suites import Suite, find_suite
from hume_system2.model.thought import Thought
from hume_training.data.branches import INFO, Branches, Kind, joined, save_part, saved_parts
from hume_training.evaluation.counterfactuals import Counterfactuals
from hume_training.evaluation.oracle import Decider, Oracle, rows_of
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.pool import finished
from hume_training.evaluation.recording import FIRST_SEED, RolloutOptions
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.variants import Variant, find_variant

EXPERT, POLICY = "expert", "policy"
FINISHERS = (EXPERT, POLICY)
"""Who may go on after a chunk."""

SHARE = 0.5
"""Of the thoughts of an episode that are branched, by chance."""

_PART, _FEWEST = 5, 2
_context: dict[str, Any] = {}


class Finisher(Protocol):
    """Carries chunks out from a moment and goes on from there. `Oracle` is one: the expert goes on."""

    def times(
        self, snapshot: Snapshot, chunks: Sequence[NDArray[np.float32]], anchor: NDArray[np.float64]
    ) -> list[float]:
        """How long after the observation success comes after each chunk (H, A), s. Infinite: it does not."""


class PolicyFinisher:
    """The policy goes on: what it makes of a chunk, and not what an expert could. Takes much longer.

    Args:
        rollout: plays the policy, in the suite of the branches.
    """

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout

    def times(
        self, snapshot: Snapshot, chunks: Sequence[NDArray[np.float32]], anchor: NDArray[np.float64]
    ) -> list[float]:
        """See `Finisher`."""
        self._rollout.world.set_state(snapshot.world)
        begin = self._rollout.world.elapsed
        outcomes = self._rollout.branch(snapshot, chunks)
        return [outcome.duration - begin if outcome.success else math.inf for outcome in outcomes]


class BranchRecorder:
    """Notes what comes of the chunks of some thoughts of an episode, and takes a candidate at random.

    Args:
        finisher: carries chunks out.
        counterfactuals: makes those that nobody should take.
        seed: moves every random choice.
    """

    def __init__(self, finisher: Finisher, counterfactuals: Counterfactuals, seed: int) -> None:
        self._finisher, self._counterfactuals = finisher, counterfactuals
        self._rng = np.random.default_rng([seed, 9])
        self.found: list[Branches] = []

    def __call__(self, moment: Snapshot, observation: Observation, thought: Thought) -> int:
        """See `Decider`."""
        candidates = rows_of(thought)
        if self._rng.random() < SHARE:
            self._note(moment, observation, candidates)
        return int(self._rng.integers(len(candidates)))

    def _note(self, moment: Snapshot, observation: Observation, candidates: list[NDArray[np.float32]]) -> None:
        scene = moment.world.seed
        others = self._counterfactuals.make(observation, candidates, self._rng, scene)
        if others is None:
            return
        rows = [*candidates, *others.rows]
        seconds = self._finisher.times(moment, rows, self._counterfactuals.anchor(observation))
        kinds = [*[Kind.CANDIDATE] * len(candidates), *others.kinds]
        self.found.append(
            Branches(
                {key: np.asarray(pixels) for key, pixels in observation.images.items()},
                np.asarray(observation.state[:, -1], dtype=np.float32),
                list(observation.task),
                np.array([scene]),
                np.stack(rows)[None].astype(np.float32),
                np.array([seconds], dtype=np.float32),
                np.array([kinds], dtype=np.int8),
            )
        )


def run_collect_branches(options: RolloutOptions, candidates: int, finish: str = EXPERT) -> int:
    """Record what is not recorded yet. Returns 0.

    Args:
        options: which episodes. The policy takes a candidate at random, whatever the variant.
        candidates: N of each thought.
        finish: who goes on after a chunk, one of `FINISHERS`.

    Raises:
        ConfigError: nobody is called that, or there are too few episodes.
        DatasetError: the folder is finished.
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    root = options.folder
    if (root / INFO).is_file():
        raise DatasetError(f"{root} holds finished branches. Name another folder")
    if options.episodes < _FEWEST:
        raise ConfigError(f"branches of {options.episodes} episodes are wanted. At least {_FEWEST} are needed")
    if finish not in FINISHERS:
        raise ConfigError(f"nobody called '{finish}' can go on after a chunk. Valid: {', '.join(FINISHERS)}")
    find_suite(options.suite, **options.timing)
    profile = checked_robot(options.checkpoint, options.robot, options.action_space, options.contract)
    done = saved_parts(root)
    # None with a single episode: each needs chunks of another scene.
    parts = np.array_split(np.arange(options.episodes), max(1, options.episodes // _PART))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.workers, context, _start_worker, (options, profile, candidates, finish)) as pool,
    ):
        bar = progress.add_task("branches", total=options.episodes, completed=sum(len(parts[i]) for i in done))
        futures = {pool.submit(_record, i, part): len(part) for i, part in enumerate(parts) if i not in done}
        for future in finished(pool, futures):
            progress.advance(bar, futures[future])
    info = {"checkpoint": options.checkpoint, "suite": options.suite, "seed": options.seed}
    info |= {"candidates": candidates, "finish": finish}
    (root / INFO).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    return 0


def _start_worker(options: RolloutOptions, profile: RobotProfile, candidates: int, finish: str) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    _context.update(options=options, profile=profile, candidates=candidates, finish=finish)


def _record(number: int, episodes: NDArray[np.int64]) -> None:
    options, profile = _context["options"], _context["profile"]
    suite = find_suite(options.suite, **options.timing)
    policy = _context["policy"] = _context.get("policy") or Policy.load(options.checkpoint)
    variant = replace(find_variant("random_pick"), candidates=_context["candidates"])
    scenes = [(FIRST_SEED + 100_000 * options.seed + int(k), suite.tasks[k % len(suite.tasks)]) for k in episodes]
    found = record_branches(policy, profile, suite, variant, scenes, options.seed + number, _context["finish"])
    if not found:
        raise DatasetError(f"episodes {episodes[0]} to {episodes[-1]} had no thought that could be branched")
    save_part(options.folder, number, joined(found))


def record_branches(
    policy: Policy,
    profile: RobotProfile,
    suite: Suite,
    variant: Variant,
    scenes: Sequence[tuple[int, str]],
    seed: int,
    finish: str = EXPERT,
) -> list[Branches]:
    """Branches of the episodes of some scenes, one state each.

    Args:
        policy: acts.
        profile: the robot.
        suite: its timing.
        variant: how many candidates there are.
        scenes: seed and task of each episode.
        seed: moves every random choice.
        finish: who goes on after a chunk, one of `FINISHERS`.
    """
    later = Rollout(policy, profile, suite, find_variant("n1"), seed) if finish == POLICY else None
    counterfactuals = Counterfactuals(policy, profile, variant)
    recorders: list[BranchRecorder] = []

    def decide(oracle: Oracle) -> Decider:
        finisher = oracle if later is None else PolicyFinisher(later)
        recorders.append(BranchRecorder(finisher, counterfactuals, 1000 * seed + len(recorders)))
        return recorders[-1]

    rollout = Rollout(policy, profile, suite, variant, seed, decide)
    try:
        rollout.run_many(scenes)
    finally:
        rollout.close()
        if later is not None:
            later.close()
    return [branches for recorder in recorders for branches in recorder.found]
