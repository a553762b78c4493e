"""`hume collect --branches`: what comes of each of many chunks, from the states that a policy gets into.

Candidates are carried out in copies of the simulator, and the expert goes on from where each leads. So are chunks that
nobody should take: of another cube, of another scene, with the gripper closed or open. A critic then sees, in one and
the same state, actions that matter and what they are worth.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hume_core.action_spaces import GripperGroup
from hume_core.errors import ConfigError, DatasetError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_sim.scene import CUBES
from hume_sim.suites import Suite, find_suite
from hume_sim.tasks import task_of
from hume_system2.model.thought import Thought
from hume_training.data.branches import INFO, Branches, Kind, joined, save_part, saved_parts
from hume_training.evaluation.oracle import Decider, Oracle, rows_of
from hume_training.evaluation.policy import Policy, ThoughtRequest
from hume_training.evaluation.pool import finished
from hume_training.evaluation.recording import FIRST_SEED, RolloutOptions
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.variants import Variant, find_variant

OTHERS = 2
"""Chunks of each kind that nobody should take."""

SHARE = 0.5
"""Of the thoughts of an episode that are branched, by chance."""

_PART = 5
_context: dict[str, Any] = {}


@dataclass(frozen=True)
class _Chunks:
    """Chunks to carry out from one state (K, H, A), and their kinds."""

    rows: list[NDArray[np.float32]]
    kinds: list[Kind]


class Counterfactuals:
    """Chunks that nobody should take in a state.

    Args:
        policy: proposes for other instructions, and normalises.
        profile: says which number of a row is the gripper's.
        time_temp: lowest and highest start time of its candidates.
    """

    def __init__(self, policy: Policy, profile: RobotProfile, time_temp: tuple[float, float]) -> None:
        self._policy, self._profile, self._time_temp = policy, profile, time_temp
        self._elsewhere: deque[tuple[int, NDArray[np.float32]]] = deque(maxlen=8 * OTHERS)

    def make(
        self, observation: Observation, candidates: Sequence[NDArray[np.float32]], rng: np.random.Generator, scene: int
    ) -> _Chunks | None:
        """Of every kind `OTHERS`. None as long as no other scene is known. Remembers the candidates of this one.

        Args:
            observation: of the state.
            candidates: what System 2 proposes there, (H, A) each.
            rng: of the draws.
            scene: seed of the scene.
        """
        elsewhere = [rows for seed, rows in self._elsewhere if seed != scene]
        self._elsewhere.extend((scene, rows) for rows in candidates[:OTHERS])
        if len(elsewhere) < OTHERS:
            return None
        picked = rng.choice(len(elsewhere), OTHERS, replace=False)
        swapped, altered = self._other_cube(observation, rng), self._gripper(candidates[0])
        return _Chunks(
            [*swapped, *altered, *(elsewhere[i] for i in picked)],
            [kind for kind in (Kind.OTHER_CUBE, Kind.GRIPPER, Kind.OTHER_SCENE) for _ in range(OTHERS)],
        )

    def _other_cube(self, observation: Observation, rng: np.random.Generator) -> list[NDArray[np.float32]]:
        instruction = other_cube(observation.task[0])
        config = self._policy.system2.config
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        noise = torch.randn((OTHERS, 1, config.s2_chunk_size, config.max_action_dim), generator=generator)
        request = ThoughtRequest(replace(observation, task=[instruction]), noise)
        (thought,) = self._policy.think([request], self._time_temp)
        return rows_of(thought)

    def _gripper(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The chunk with the gripper closed throughout, and open."""
        gripper, layout, normalizer = (
            self._profile.gripper,
            self._profile.action_layout(),
            self._policy.system2.normalizer,
        )
        assert gripper is not None
        (part,) = (
            part for group, part in zip(layout.groups, layout.slices, strict=True) if isinstance(group, GripperGroup)
        )
        found = []
        for opening in (gripper.policy_closed, gripper.policy_open):
            real = normalizer.unnormalise(torch.from_numpy(rows)).clone()
            real[:, part] = opening
            altered = rows.copy()
            altered[:, part] = normalizer.action(real).numpy()[:, part]
            found.append(altered)
        return found


class BranchRecorder:
    """Notes what comes of the chunks of some thoughts of an episode, and takes a candidate at random.

    Args:
        oracle: carries chunks out.
        counterfactuals: makes those that nobody should take.
        seed: moves every random choice.
    """

    def __init__(self, oracle: Oracle, counterfactuals: Counterfactuals, seed: int) -> None:
        self._oracle, self._counterfactuals = oracle, counterfactuals
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
        seconds = self._oracle.times(moment, rows, self._oracle.anchor(observation))
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


def other_cube(instruction: str) -> str:
    """The instruction with the cube that it does not name in place of the one to pick.

    Raises:
        ConfigError: it is none of the simulated tasks.
    """
    task = task_of(instruction)
    if task is None:
        raise ConfigError(f"'{instruction}' is none of the simulated tasks. Branches can be recorded of those alone")
    other = next(cube for cube in CUBES if cube not in task.cubes)
    return instruction.replace(task.cube, other, 1)


def run_collect_branches(options: RolloutOptions, candidates: int) -> int:
    """Record what is not recorded yet. Returns 0.

    Args:
        options: which episodes. The policy takes a candidate at random, whatever the variant.
        candidates: N of each thought.

    Raises:
        DatasetError: the folder is finished.
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    root = options.folder
    if (root / INFO).is_file():
        raise DatasetError(f"{root} holds finished branches. Name another folder")
    find_suite(options.suite, **options.timing)
    profile = checked_robot(options.checkpoint, options.robot, options.action_space, options.contract)
    done = saved_parts(root)
    parts = [range(i, min(i + _PART, options.episodes)) for i in range(0, options.episodes, _PART)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(options.workers, context, _start_worker, (options, profile, candidates)) as pool,
    ):
        bar = progress.add_task("branches", total=options.episodes, completed=sum(len(parts[i]) for i in done))
        futures = {pool.submit(_record, i, part): len(part) for i, part in enumerate(parts) if i not in done}
        for future in finished(pool, futures):
            progress.advance(bar, futures[future])
    info = {"checkpoint": options.checkpoint, "suite": options.suite, "seed": options.seed, "candidates": candidates}
    (root / INFO).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    return 0


def _start_worker(options: RolloutOptions, profile: RobotProfile, candidates: int) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    _context.update(options=options, profile=profile, candidates=candidates)


def _record(number: int, episodes: Sequence[int]) -> None:
    options, profile = _context["options"], _context["profile"]
    suite = find_suite(options.suite, **options.timing)
    policy = _context["policy"] = _context.get("policy") or Policy.load(options.checkpoint)
    variant = replace(find_variant("random_pick"), candidates=_context["candidates"])
    scenes = [(FIRST_SEED + 100_000 * options.seed + k, suite.tasks[k % len(suite.tasks)]) for k in episodes]
    found = record_branches(policy, profile, suite, variant, scenes, options.seed + number)
    if not found:
        raise DatasetError(f"episodes {episodes[0]} to {episodes[-1]} had no thought that could be branched")
    save_part(options.folder, number, joined(found))


def record_branches(
    policy: Policy, profile: RobotProfile, suite: Suite, variant: Variant, scenes: Sequence[tuple[int, str]], seed: int
) -> list[Branches]:
    """Branches of the episodes of some scenes, one state each.

    Args:
        policy: acts.
        profile: the robot.
        suite: its timing.
        variant: how many candidates there are.
        scenes: seed and task of each episode.
        seed: moves every random choice.
    """
    counterfactuals = Counterfactuals(policy, profile, variant.time_temp)
    recorders: list[BranchRecorder] = []

    def decide(oracle: Oracle) -> Decider:
        recorders.append(BranchRecorder(oracle, counterfactuals, 1000 * seed + len(recorders)))
        return recorders[-1]

    rollout = Rollout(policy, profile, suite, variant, seed, decide)
    try:
        rollout.run_many(scenes)
    finally:
        rollout.close()
    return [branches for recorder in recorders for branches in recorder.found]
