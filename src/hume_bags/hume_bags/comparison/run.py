"""A run: what became of the recorded episodes of one checkpoint on one robot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hume_bags.bag_files import is_bag
from hume_bags.episodes import RecordedEpisode, find_episodes
from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_training.evaluation.intervals import wilson

_SAME_FOR_A_RUN = ("robot", "checkpoint", "variant")
"""What the provenance of all bags of a run must agree in. Evaluations without ROS note a variant."""
_SHOWN_ID = 12


@dataclass(frozen=True)
class Tally:
    """What became of episodes.

    Attributes:
        outcomes: success of each in the order of recording. None: unknown. Those that were discarded are not in it.
        discarded: how many an operator left out.
    """

    outcomes: tuple[bool | None, ...] = ()
    discarded: int = 0

    @property
    def success(self) -> int:
        """How many succeeded."""
        return sum(outcome is True for outcome in self.outcomes)

    @property
    def failure(self) -> int:
        """How many failed."""
        return sum(outcome is False for outcome in self.outcomes)

    @property
    def unknown(self) -> int:
        """How many nobody judged."""
        return sum(outcome is None for outcome in self.outcomes)

    @property
    def judged(self) -> int:
        """Successes and failures."""
        return self.success + self.failure

    @property
    def rate(self) -> float | None:
        """Share of the judged episodes that succeeded. None where none was judged."""
        return self.success / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the rate (Wilson). None where none was judged."""
        return wilson(self.success, self.judged) if self.judged else None

    def plus(self, episode: RecordedEpisode) -> Tally:
        """With one episode more."""
        if episode.discarded:
            return replace(self, discarded=self.discarded + 1)
        return replace(self, outcomes=(*self.outcomes, episode.success))


@dataclass(frozen=True)
class Run:
    """Episodes that are judged together.

    Attributes:
        name: in reports.
        path: of the bag, or of the folder of bags.
        bags: how many were read.
        robot, checkpoint: of all of them. Empty: no bag says so.
        checkpoint_id: of the checkpoint's content. Empty: unknown.
        tallies: by instruction.
        notes: what does not count, and why.
    """

    name: str
    path: Path
    bags: int
    robot: str
    checkpoint: str
    checkpoint_id: str
    tallies: dict[str, Tally]
    notes: tuple[str, ...] = ()

    def over(self, instructions: Sequence[str]) -> Tally:
        """The episodes of several instructions together."""
        chosen = [self.tallies[text] for text in instructions]
        outcomes = tuple(outcome for tally in chosen for outcome in tally.outcomes)
        return Tally(outcomes, sum(tally.discarded for tally in chosen))

    @property
    def whole(self) -> Tally:
        """All episodes together."""
        return self.over(list(self.tallies))


@dataclass
class _Found:
    """What the bags of a run hold."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    origins: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, path: Path) -> None:
        reader = BagReader(path)
        try:
            episodes = find_episodes(reader)
            self.origins.append((path.name, reader.provenance))
        finally:
            reader.close()
        if not episodes:
            self.notes.append(f"bag '{path.name}' holds no episode")
        for episode in episodes:
            text = episode.instruction.strip()
            self.tallies[text] = self.tallies.get(text, Tally()).plus(episode)


def read_run(path: Path, name: str = "") -> Run:
    """Read the episodes of a bag, or of all bags in a folder, in the order of their names.

    Args:
        path: a bag, or a folder of bags.
        name: in reports. Empty: that of the path.

    Raises:
        BagError: there is no bag or no episode in it, or its bags are of several robots or checkpoints.
    """
    found = _Found()
    bags = bags_in(path)
    for bag in bags:
        found.add(bag)
    if not found.tallies:
        raise BagError(f"run '{path}' holds no episode. Its bags have no goal in 'hume/epoch' and no 'sim/episode'")
    origins = _with_content(found.origins)
    common = {key: _only(path, key, origins) for key in _SAME_FOR_A_RUN}
    identity = next((str(origin["checkpoint_id"]) for _, origin in origins if origin.get("checkpoint_id")), "")
    nameless = sum(not origin.get("checkpoint") for _, origin in origins)
    if nameless and common["checkpoint"]:
        found.notes.append(f"{nameless} of {len(bags)} bags of '{path}' do not name their checkpoint")
    name, notes = name or path.resolve().name, tuple(found.notes)
    return Run(name, path, len(bags), common["robot"], common["checkpoint"], identity, found.tallies, notes)


def bags_in(path: Path) -> list[Path]:
    """The path itself where it is a bag, else the bags in that folder. `run_2` comes before `run_10`.

    Raises:
        BagError: there is none.
    """
    if path.is_file() or is_bag(path):
        return [path]
    found = [folder for folder in path.iterdir() if is_bag(folder)] if path.is_dir() else []
    if not found:
        raise BagError(
            f"'{path}' is no bag and holds none. A run is a bag or a folder of bags, recorded with ./hume record or "
            "with record:=FOLDER of ./hume up"
        )
    return sorted(found, key=lambda bag: [part.zfill(12) for part in re.split(r"(\d+)", bag.name)])


def _with_content(origins: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Checkpoints named by their content too, where that is known: the same path may hold another one later."""
    known = {origin.get("checkpoint"): origin["checkpoint_id"] for _, origin in origins if origin.get("checkpoint_id")}
    return [
        (bag, {**origin, "checkpoint_id": origin.get("checkpoint_id") or known.get(origin.get("checkpoint"), "")})
        for bag, origin in origins
    ]


def _only(path: Path, key: str, origins: list[tuple[str, dict[str, Any]]]) -> str:
    """The one value that the bags of a run have. Empty where none has any.

    Raises:
        BagError: there are several.
    """
    groups: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for bag, origin in origins:
        value = str(origin.get(key) or "")
        if value:
            identity = str(origin["checkpoint_id"] or value) if key == "checkpoint" else value
            groups.setdefault(identity, []).append(bag)
            names.setdefault(identity, value)
    if len(groups) > 1:
        told = ", ".join(_told(names[identity], identity, bags) for identity, bags in groups.items())
        raise BagError(f"run '{path}' mixes {key}s: {told}. Put the bags of each into a folder of its own")
    return next(iter(names.values()), "")


def _told(name: str, identity: str, bags: list[str]) -> str:
    content = "" if identity == name else f" with content {identity[:_SHOWN_ID]}"
    return f"'{name}'{content} ({len(bags)} {'bags' if len(bags) > 1 else 'bag'}, first '{bags[0]}')"
