"""How good the values are: candidates of one thought, each rolled out from the same state of the simulator.

Whole episodes show besides how the value develops until success or failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from hume_core.plot_file import short_name
from hume_core.robot import RobotProfile
from hume_sim.suites import FIRST_SEED, Suite, find_suite, scene
from hume_training.evaluation.episode import Runner
from hume_training.evaluation.episode_values import plot_values, summarise_values
from hume_training.evaluation.outcome import EpisodeOutcome
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.ranks import rank_correlation
from hume_training.evaluation.report import write_report
from hume_training.evaluation.robot import checked_robot
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.snapshot import Snapshot
from hume_training.evaluation.variants import find_variant

_OFFSET = 50_000

_MOST_EPISODES = 60
_SIDE_BY_SIDE = 20


@dataclass(frozen=True)
class ValueQualityOptions:
    """What is measured.

    Attributes:
        checkpoint: folder or hub name.
        suite: scenes and timing.
        states: how many thoughts are judged. So many whole episodes are played besides, at most 60.
        candidates: N of each thought.
        draws: rollouts per candidate, which differ in the noise of later thoughts.
        earliest, latest: when the thought is taken, s into the episode.
        seed: moves every random choice.
        action_space, robot, contract: as in `EvaluateOptions`.
        timing: changes to the suite's rates and latencies.
        json_file, plot: where to write the figures, and a picture of the values along the episodes.
    """

    checkpoint: str
    suite: str = "nominal"
    states: int = 60
    candidates: int = 5
    draws: int = 1
    earliest: float = 0.2
    latest: float = 2.5
    seed: int = 0
    action_space: str = ""
    robot: str = "wx250s_sim"
    timing: Mapping[str, float] = field(default_factory=dict)
    json_file: Path | None = None
    plot: Path | None = None
    contract: str = ""


class MomentWatch:
    """Keeps a moment of an episode."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self.snapshot: Snapshot | None = None

    def __call__(self, runner: Runner) -> None:
        if self.snapshot is None and runner.world.elapsed >= self._moment:
            self.snapshot = runner.snapshot()


def run_value_quality(options: ValueQualityOptions) -> int:
    """Measure and print rank correlation, what the best possible choice would reach, and values along episodes.

    Returns:
        0.

    Raises:
        HumeError: an unknown name, or the checkpoint cannot be loaded or is not for the robot.
    """
    torch.set_num_threads(1)
    suite = find_suite(options.suite, **options.timing)
    profile = checked_robot(options.checkpoint, options.robot, options.action_space, options.contract)
    policy = Policy.load(options.checkpoint)
    values, rates = measure(options, policy, profile, suite)
    outcomes = play(options, policy, profile, suite)
    report = summarise(values, rates) | {"along_episodes": summarise_values(outcomes)}
    Console().print(report)
    if options.json_file is not None:
        write_report(options.json_file, report | _origins(options, suite, values, rates, outcomes))
    if options.plot is not None:
        plot_values(outcomes, suite, options.plot, f"checkpoint {short_name(options.checkpoint)}, seed {options.seed}")
    return 0


def _origins(
    options: ValueQualityOptions,
    suite: Suite,
    values: NDArray[np.float64],
    rates: NDArray[np.float64],
    outcomes: list[EpisodeOutcome],
) -> dict[str, Any]:
    """What the figures come from, for JSON."""
    return {
        "checkpoint": options.checkpoint,
        "suite": asdict(suite),
        "seed": options.seed,
        "values": values.tolist(),
        "success": rates.tolist(),
        "episodes": [asdict(outcome) for outcome in outcomes],
    }


def play(options: ValueQualityOptions, policy: Policy, profile: RobotProfile, suite: Suite) -> list[EpisodeOutcome]:
    """Whole episodes of both systems, the first scenes of `hume evaluate`."""
    scenes = [scene(options.seed, k, suite) for k in range(min(options.states, _MOST_EPISODES))]
    rollout = Rollout(policy, profile, suite, find_variant("full"), options.seed)
    outcomes: list[EpisodeOutcome] = []
    parts = range(0, len(scenes), _SIDE_BY_SIDE)
    for first in track(parts, description="episodes", console=Console(stderr=True)):
        outcomes += rollout.run_many(scenes[first : first + _SIDE_BY_SIDE])
    rollout.close()
    return outcomes


def measure(
    options: ValueQualityOptions, policy: Policy, profile: RobotProfile, suite: Suite
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and success rates of candidates (states, N)."""
    many = replace(find_variant("full"), candidates=options.candidates, refine=False)
    runner = Rollout(policy, profile, suite, many, options.seed)
    later = Rollout(policy, profile, suite, find_variant("n1_no_system1"), options.seed)
    rng = np.random.default_rng([options.seed, 6])
    values, rates = [], []
    for k in track(range(options.states), description="states", console=Console(stderr=True)):
        watch = MomentWatch(rng.uniform(options.earliest, options.latest))
        seed = FIRST_SEED + _OFFSET + 100_000 * options.seed + k
        later.run(seed, suite.tasks[k % len(suite.tasks)], watch)
        if watch.snapshot is None:
            continue
        thought = runner.think_at(watch.snapshot)
        chunks = [chunk.numpy() for chunk in thought.candidates[0]]
        outcomes = [[end.success for end in later.branch(watch.snapshot, chunks, k)] for k in range(options.draws)]
        values.append(thought.values[0].double().numpy())
        rates.append(np.mean(outcomes, axis=0))
    runner.close()
    later.close()
    return np.array(values), np.array(rates)


def summarise(values: NDArray[np.float64], rates: NDArray[np.float64]) -> dict[str, Any]:
    """Rank correlations, and success of the first, the best-valued and the truly best candidate."""
    mixed = [i for i in range(len(rates)) if len(set(rates[i].tolist())) > 1]
    within = [rank_correlation(values[i], rates[i]) for i in mixed]
    return {
        "states": len(values),
        "states_where_candidates_differ": len(mixed),
        "rank_correlation": rank_correlation(values.ravel(), rates.ravel()),
        "rank_correlation_within_states": float(np.mean(within)) if within else float("nan"),
        "success_of_first": float(rates[:, 0].mean()),
        "success_of_highest_value": float(rates[np.arange(len(rates)), values.argmax(axis=1)].mean()),
        "success_of_best": float(rates.max(axis=1).mean()),
    }
