"""`hume collect`: record demonstrations in parallel, resumably."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hume_core.console import say
from hume_core.durations import MEASURED, FirstUnits, Units, estimate
from hume_core.errors import DatasetError
from hume_sim.scene import PLAIN
from hume_training.collect.plan import SHARD_SIZE, PlannedEpisode, plan_episodes, shards
from hume_training.collect.recorder import RATE, Recorder, RecorderOptions, demonstration_features
from hume_training.data.hub import check_name, push_dataset
from hume_training.data.layout import INFO
from hume_training.data.writer import STAGING, finish, stage_shard, staged_shards

ROBOT = "wx250s_sim"
_PLAN = "plan.json"
_LEAST, _LEAST_WITH_A_RULE = 0.95, 0.75
"""Share of the attempts below which the recording is a failure. A push of the arm may break the rule of a scene."""
_DEMONSTRATION_SECONDS = 0.45
"""Of one worker."""
_recorder: Recorder | None = None


@dataclass(frozen=True)
class CollectOptions:
    """What `hume collect` was asked for.

    Attributes:
        folder: of the dataset.
        episodes: attempts per task. Failed ones are left out.
        tasks: short forms, such as "lift" or "stack red on blue".
        seed: moves every random choice.
        paired: record every scene once for each choice of colours.
        workers: processes.
        recorder: how an episode is recorded.
        push_to_hub: name on the Hugging Face hub under which the dataset is published. Empty: not at all.
    """

    folder: Path
    episodes: int = 500
    tasks: Sequence[str] = ("lift", "stack")
    seed: int = 0
    paired: bool = True
    workers: int = 2
    recorder: RecorderOptions = field(default_factory=RecorderOptions)
    push_to_hub: str = ""


def run_collect(options: CollectOptions) -> int:
    """Record what is not recorded yet and finish the dataset. 0 when enough of the attempts are in it, see `_LEAST`.

    Raises:
        DatasetError: the folder holds another dataset, or one recorded with other options.
    """
    root = options.folder
    if (root / INFO).is_file():
        raise DatasetError(f"{root} is a finished dataset. Name another folder")
    if options.push_to_hub:
        check_name(options.push_to_hub)
    _check_plan(options)
    parts = shards(plan_episodes(options.tasks, options.episodes, options.seed, options.paired))
    done = staged_shards(root)
    total, kept = sum(map(len, parts)), 0
    todo = [(i, part) for i, part in enumerate(parts) if i not in done]
    left = sum(len(part) for _, part in todo)
    work = Units(left, "demonstrations", _DEMONSTRATION_SECONDS)
    say(estimate(work, basis=MEASURED, at_once=options.workers))
    rest = FirstUnits(left, "demonstrations", after=SHARD_SIZE * options.workers)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task("recording", total=total, completed=total - left)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.workers, context, _start_worker, (options.recorder,)) as pool:
            futures = {pool.submit(_record_shard, root, i, part, options.recorder): len(part) for i, part in todo}
            for future in as_completed(futures):
                future.result()
                progress.advance(bar, futures[future])
                rest.done(futures[future])
    kept = finish(root, demonstration_features(options.recorder), RATE, ROBOT)
    Console(stderr=True).print(f"{kept} of {total} attempts are in {root}. The others failed")
    if options.push_to_hub:
        Console(stderr=True).print(f"published: {push_dataset(root, options.push_to_hub)}")
    return 0 if kept >= (_LEAST if options.recorder.scene == PLAIN else _LEAST_WITH_A_RULE) * total else 1


def _check_plan(options: CollectOptions) -> None:
    """Refuse to mix shards of different options in one folder."""
    path = options.folder / STAGING / _PLAN
    wanted = json.loads(json.dumps(asdict(options) | {"folder": "", "workers": 0, "push_to_hub": ""}))
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != wanted:
        raise DatasetError(f"{options.folder} was begun with other options. Repeat those, or name another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(wanted), encoding="utf-8")


def _start_worker(options: RecorderOptions) -> None:
    global _recorder
    _recorder = Recorder(options)


def _record_shard(root: Path, number: int, part: list[PlannedEpisode], options: RecorderOptions) -> None:
    assert _recorder is not None
    episodes = [episode for planned in part if _recorder.wants(episode := _recorder.record(planned))]
    stage_shard(root, number, episodes, demonstration_features(options))
