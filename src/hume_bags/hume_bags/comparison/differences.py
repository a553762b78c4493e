"""How far the success rates of runs are apart, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hume_bags.comparison.run import Run, Tally
from hume_bags.errors import BagError
from hume_training.evaluation.intervals import episodes_needed, newcombe, newcombe_paired

UNPAIRED, PAIRED = "newcombe", "newcombe_paired"


@dataclass(frozen=True)
class RateDifference:
    """Success rate of one run minus that of another.

    Attributes:
        run, minus: names of the runs.
        instruction: which episodes are compared. Empty: those of all instructions that both runs have.
        difference: of the rates, -1 to 1.
        interval: 95 %.
        method: of the interval: `newcombe`, or `newcombe_paired` for pairs.
        pairs: how many pairs were compared. 0: the runs are not paired.
        needed: episodes of each run that would tell rates as measured apart. 0: the rates are equal.
    """

    run: str
    minus: str
    instruction: str
    difference: float
    interval: tuple[float, float]
    method: str
    pairs: int
    needed: int

    @property
    def contains_zero(self) -> bool:
        """Whether the episodes do not tell the runs apart."""
        return self.interval[0] <= 0.0 <= self.interval[1]


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other.

    Attributes:
        runs: at least two. The others are compared with the first.
        differences: for each other run all instructions together, and then each, where there are several.
        notes: what does not count, and why.
    """

    runs: list[Run]
    differences: list[RateDifference]
    notes: list[str]


def compare_runs(runs: Sequence[Run], paired: bool = False) -> Comparison:
    """Compare each run with the first.

    Args:
        runs: at least two.
        paired: the k-th episodes of an instruction were played in the same scene.

    Raises:
        BagError: there are fewer than two, nothing can be compared, or paired runs differ in their episodes.
    """
    if len(runs) < 2:
        raise BagError("one run is nothing to compare. Name two or more: hume compare RUN_A RUN_B")
    first = runs[0]
    notes = [f"{run.name}: {note}" for run in runs for note in run.notes]
    notes += [
        f"{run.name}: {run.whole.unknown} of {len(run.whole.outcomes)} episodes are unknown and do not count. "
        "Label each one right after it: hume label success"
        for run in runs
        if run.whole.unknown
    ]
    differences = []
    for run in runs[1:]:
        shared = _shared(first, run)
        notes += _notes(first, run, shared)
        groups = [("", shared), *((text, [text]) for text in shared if len(shared) > 1)]
        if len(shared) == 1:
            groups = [(shared[0], shared)]
        differences += [_difference(first, run, name, texts, paired) for name, texts in groups]
    return Comparison(list(runs), differences, notes)


def _shared(first: Run, other: Run) -> list[str]:
    """Instructions of which both runs have judged episodes."""
    for run in (first, other):
        if not run.whole.judged:
            raise BagError(
                f"run '{run.path}' has no judged episode of {len(run.whole.outcomes)}. "
                "Label each one right after it, while the recorder runs: hume label success"
            )
    shared = [text for text, tally in first.tallies.items() if tally.judged and _judged(other, text)]
    if not shared:
        raise BagError(
            f"runs '{first.path}' and '{other.path}' have no instruction in common. The first has: "
            f"{', '.join(first.tallies)}. The other has: {', '.join(other.tallies)}"
        )
    return shared


def _judged(run: Run, instruction: str) -> int:
    return run.tallies.get(instruction, Tally()).judged


def _notes(first: Run, other: Run, shared: Sequence[str]) -> list[str]:
    notes = []
    if first.robot != other.robot:
        notes.append(f"the robots differ: {first.name} is of '{first.robot}', {other.name} of '{other.robot}'")
    if first.checkpoint_id and first.checkpoint_id == other.checkpoint_id:
        notes.append(f"{first.name} and {other.name} are of the same checkpoint")
    for one, rest in ((first, other), (other, first)):
        notes += [
            f"'{text}' is not compared with {rest.name}, which has no judged episode of it"
            for text in one.tallies
            if not _judged(rest, text) and _judged(one, text)
        ]
    shares = [[_judged(run, text) / run.over(shared).judged for text in shared] for run in (first, other)]
    if max(abs(a - b) for a, b in zip(*shares, strict=True)) > 1e-9:
        notes.append(
            f"{first.name} and {other.name} have the instructions in other shares. Look at each instruction, not at all"
        )
    return notes


def _difference(first: Run, other: Run, name: str, texts: Sequence[str], paired: bool) -> RateDifference:
    pairs = [pair for text in texts for pair in _pairs(first, other, text)] if paired else []
    if pairs:
        counts = [(sum(pair[side] for pair in pairs), len(pairs)) for side in (0, 1)]
        interval = newcombe_paired(pairs)
    else:
        tallies = [run.over(texts) for run in (other, first)]
        counts = [(tally.success, tally.judged) for tally in tallies]
        interval = newcombe(counts[0], counts[1])
    rates = [success / episodes for success, episodes in counts]
    needed = episodes_needed(*rates) if counts[0][0] * counts[1][1] != counts[1][0] * counts[0][1] else 0
    method = PAIRED if pairs else UNPAIRED
    return RateDifference(other.name, first.name, name, rates[0] - rates[1], interval, method, len(pairs), needed)


def _pairs(first: Run, other: Run, instruction: str) -> list[tuple[bool, bool]]:
    """Success of the other run and of the first in each scene. Pairs with an unknown one are left out."""
    before, after = first.tallies[instruction].outcomes, other.tallies[instruction].outcomes
    if len(before) != len(after):
        raise BagError(
            f"paired runs need the same episodes: {first.name} has {len(before)} of '{instruction}', {other.name} has "
            f"{len(after)}. Discarded ones are not counted. Leave out --paired, or play what is missing"
        )
    pairs = [(b, a) for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    if not pairs:
        raise BagError(
            f"no pair of '{instruction}' is judged in both {first.name} and {other.name}. Leave out --paired"
        )
    return pairs
