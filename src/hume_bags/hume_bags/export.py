"""`hume export`: bags as a LeRobot dataset, one episode per goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from hume_bags.commands import Commands, measured
from hume_bags.dataset_features import dataset_features, frame_rate
from hume_bags.episodes import RecordedEpisode, find_episodes
from hume_bags.errors import BagError
from hume_bags.interventions import Interventions, status_topics
from hume_bags.observations import BagObservations
from hume_bags.reader import BagReader
from hume_bags.recorded_robot import profile_for
from hume_bags.topics import recorded_namespace
from hume_bags.tracks import Track
from hume_core.durations import FirstUnits
from hume_core.errors import DatasetError, HumeError
from hume_core.json_report import json_text
from hume_core.policy_contract import named_contract
from hume_core.robot import RobotProfile
from hume_ros.observation_buffer import SensorFrame
from hume_training.data.hub import check_name, push_dataset
from hume_training.data.layout import ACTION, IMAGE_PREFIX, INFO, INTERVENTION, STATE, SUCCESS, Feature
from hume_training.data.writer import EpisodeData, finish, stage_shard

ACTIONS = ("commands", "states")
SOURCES = "meta/hume_sources.json"
_FEWEST_FRAMES = 2
_TIE = 1e-4
"""An observation that is this much late, s, still belongs to a step: stamps in seconds are rounded."""


@dataclass(frozen=True)
class ExportOptions:
    """What `hume export` was asked for. See its help."""

    bags: tuple[Path, ...]
    folder: Path
    robot: str = ""
    namespace: str | None = None
    task: str = ""
    success: bool | None = None
    actions: str = "commands"
    image_size: int | None = None
    max_age: float | None = None
    contract: str = ""
    images: bool = False
    push_to_hub: str = ""


@dataclass(frozen=True)
class _Plan:
    """A bag that will be exported."""

    reader: BagReader
    profile: RobotProfile
    episodes: list[RecordedEpisode]


def run_export(options: ExportOptions) -> int:
    """Write the dataset. Returns 0.

    Raises:
        BagError: nothing could be exported, the bags differ in kind, or the folder is taken.
    """
    if (options.folder / INFO).exists():
        raise BagError(f"'{options.folder}' holds a dataset already. Name another folder")
    if options.actions not in ACTIONS:
        raise BagError(f"--actions is '{options.actions}'. Valid: {', '.join(ACTIONS)}")
    if options.push_to_hub:
        check_name(options.push_to_hub)
    plans = [_plan(path, options) for path in options.bags]
    _check_same_robot(plans)
    skipped: list[str] = []
    kept = [episode for plan in plans for episode in plan.episodes if not episode.discarded]
    labelled = all(episode.success is not None for episode in kept)
    if not labelled:
        skipped.append(
            f"column '{SUCCESS}': nothing says how every episode ended. Use hume label, --success or --failure"
        )
    flags = [
        *([INTERVENTION] if any(status_topics(plan.reader) for plan in plans) else []),
        *([SUCCESS] if labelled else []),
    ]
    features: dict[str, Feature] = {}
    rest = FirstUnits(len(kept), "episodes")
    sources: list[dict[str, Any]] = []
    for plan in plans:
        for recorded, episode in export_bag(plan.reader, plan.profile, plan.episodes, options, skipped):
            features = features or dataset_features(plan.profile, episode.columns, flags, options.images)
            try:
                stage_shard(options.folder, len(sources), [episode], features)
            except DatasetError as error:
                skipped.append(f"{plan.reader.path}: '{recorded.instruction}' at {recorded.start:.2f} s: {error}")
                continue
            rest.done()
            sources.append({"bag": str(plan.reader.path), "frames": episode.length, **asdict(recorded)})
    if not sources:
        raise BagError("no episode could be exported: " + ("; ".join(skipped) or "no bag was named"))
    finish(options.folder, features, frame_rate(plans[0].profile), plans[0].profile.name)
    provenance = {str(plan.reader.path): plan.reader.provenance for plan in plans}
    content = {"episodes": sources, "skipped": skipped, "provenance": provenance}
    (options.folder / SOURCES).write_text(json_text(content, indent=1), encoding="utf-8")
    _report(options.folder, sources, skipped)
    if options.push_to_hub:
        Console(stderr=True).print(f"published: {push_dataset(options.folder, options.push_to_hub)}", markup=False)
    return 0


def export_bag(
    reader: BagReader,
    profile: RobotProfile,
    episodes: Sequence[RecordedEpisode],
    options: ExportOptions,
    skipped: list[str],
) -> Iterator[tuple[RecordedEpisode, EpisodeData]]:
    """The episodes of one bag, one in memory at a time. What is skipped, and why, is appended to `skipped`."""
    if not episodes:
        skipped.append(f"{reader.path}: no goal and no scene was recorded. Name the instruction with --task")
        return
    namespace = recorded_namespace(reader.recorded, profile, options.namespace)
    observations = BagObservations(reader, profile, namespace=namespace)
    commands = Commands(reader, profile, namespace)
    track = commands.track() if options.actions == "commands" else measured(reader, profile, namespace)
    takeovers = Interventions(reader)
    kept = [episode for episode in episodes if not episode.discarded]
    for episode in episodes:
        if episode.discarded:
            skipped.append(f"{reader.path}: '{episode.instruction}' at {episode.start:.2f} s: labelled discard")
    for recorded, frames in _frames_by_episode(observations, profile, kept, options.image_size):
        try:
            columns = _columns(frames, track, profile, recorded, options, takeovers)
        except HumeError as error:
            skipped.append(f"{reader.path}: '{recorded.instruction}' at {recorded.start:.2f} s: {error}")
            continue
        yield recorded, EpisodeData(columns, recorded.instruction, recorded.seed, bool(recorded.success))
    problems = commands.problems + observations.problems
    skipped += [f"{reader.path}: {count} times: {what}" for what, count in problems.items()]
    skipped += [f"{reader.path}: {problem}" for problem in reader.problems]


def _plan(path: Path, options: ExportOptions) -> _Plan:
    reader = BagReader(path)
    episodes = find_episodes(reader, options.task)
    if options.success is not None:
        episodes = [replace(episode, success=options.success) for episode in episodes]
    profile = profile_for(reader, options.robot)
    return _Plan(reader, _seen(profile, options.contract) if options.contract else profile, episodes)


def _seen(profile: RobotProfile, name: str) -> RobotProfile:
    """The robot with the state and the pictures that a contract wants.

    Raises:
        BagError: it cannot give them.
    """
    contract = named_contract(name)
    problems = contract.observation_problems(profile)
    if problems:
        raise BagError(f"contract '{name}' does not fit robot '{profile.name}': {'; '.join(problems)}")
    return contract.seen_by(profile)


def _check_same_robot(plans: Sequence[_Plan]) -> None:
    first = plans[0].profile
    frame_rate(first)
    for plan in plans:
        if (plan.profile.name, plan.profile.joint_names) != (first.name, first.joint_names):
            raise BagError(
                f"{plan.reader.path} is of robot '{plan.profile.name}', the first bag of '{first.name}'. "
                "Export them into datasets of their own"
            )


def _frames_by_episode(
    observations: BagObservations, profile: RobotProfile, episodes: Sequence[RecordedEpisode], size: int | None
) -> Iterator[tuple[RecordedEpisode, list[SensorFrame]]]:
    """Each episode with the frames stamped within it, or just before it."""
    waiting = sorted(episodes, key=lambda episode: episode.start)
    frames: list[SensorFrame] = []
    for item in observations.frames():
        while waiting and item.frame.stamp > waiting[0].end:
            yield waiting.pop(0), frames
            frames = frames[-1:]
        if waiting and item.frame.stamp >= waiting[0].start - profile.observation.max_age:
            images = {key: _resized(image[0], size)[None] for key, image in item.frame.images.items()}
            frames.append(replace(item.frame, images=images))
    for episode in waiting:
        yield episode, frames
        frames = []


def grid(start: float, end: float, dt: float) -> NDArray[np.float64]:
    """Times from start to end, dt apart, s (N,)."""
    steps = max(0, int(np.floor((end - start) / dt + 1e-9)) + 1)
    return start + dt * np.arange(steps, dtype=np.float64)


def _columns(
    frames: Sequence[SensorFrame],
    track: Track,
    profile: RobotProfile,
    episode: RecordedEpisode,
    options: ExportOptions,
    takeovers: Interventions,
) -> dict[str, NDArray[Any]]:
    """One row per action step: the newest observation at its time, and the command at its time."""
    frames = sorted(frames, key=lambda frame: frame.stamp)
    stamps = np.array([frame.stamp for frame in frames])
    ahead = profile.action.dt if options.actions == "states" else 0.0
    known = stamps[stamps >= episode.start]
    if not len(known):
        raise BagError("cameras and joint states never match in it")
    start = max(episode.start, known[0], track.start - ahead)
    times = grid(start, min(episode.end, track.end - ahead), profile.action.dt)
    if len(times) < _FEWEST_FRAMES:
        raise BagError(
            f"it has less than {_FEWEST_FRAMES} steps of {profile.action.dt} s with observations and actions"
        )
    newest = np.searchsorted(stamps, times + _TIE, side="right") - 1
    ages = times - stamps[newest]
    allowed = profile.observation.max_age if options.max_age is None else options.max_age
    if ages.max() > allowed:
        worst = int(ages.argmax())
        raise BagError(
            f"at {times[worst] - episode.start:.2f} s the newest observation is {ages[worst]:.2f} s old. At most "
            f"{allowed} s is allowed (observation.max_age of the robot profile, or --max-age)"
        )
    picked = [frames[k] for k in newest]
    columns: dict[str, NDArray[Any]] = {
        f"{IMAGE_PREFIX}{key}": np.stack([frame.images[key][0] for frame in picked]) for key in profile.cameras
    }
    columns[STATE] = np.stack([frame.states[-1] for frame in picked])
    columns[ACTION] = track.at(times + ahead).astype(np.float32)
    columns[INTERVENTION] = takeovers.at(times)
    if episode.success is not None:
        columns[SUCCESS] = np.zeros(len(times), dtype=bool)
        columns[SUCCESS][-1] = episode.success
    return columns


def _resized(image: NDArray[np.uint8], size: int | None) -> NDArray[np.uint8]:
    if size is None:
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _report(folder: Path, sources: Sequence[Mapping[str, Any]], skipped: Sequence[str]) -> None:
    console = Console(stderr=True)
    frames = sum(source["frames"] for source in sources)
    console.print(f"{len(sources)} episodes, {frames} frames in {folder}", markup=False)
    for problem in skipped:
        console.print(f"skipped: {problem}", markup=False)
