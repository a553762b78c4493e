"""What `hume inspect` prints and writes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hume_bags.inspection import Inspection, TopicFigures, inspect_bag
from hume_bags.reader import BagReader
from hume_core.json_report import write_json

_NARROWEST = 110
_SHOWN = ("robot", "checkpoint", "checkpoint_id", "git_commit", "profile_hash", "host")


def run_inspect(
    bag: Path,
    robot: str = "",
    namespace: str | None = None,
    json_file: Path | None = None,
    rerun_file: Path | None = None,
) -> int:
    """Print the report. Returns 0.

    Raises:
        BagError: the bag cannot be opened, or rerun is not installed.
    """
    reader = BagReader(bag)
    found = inspect_bag(reader, robot, namespace)
    print_report(found, Console(width=max(_NARROWEST, Console().width)))
    if json_file is not None:
        write_json(json_file, asdict(found))
    if rerun_file is not None:
        from hume_bags.rerun_export import export_rerun

        export_rerun(reader, rerun_file, robot, found.namespace)
    return 0


def print_report(found: Inspection, console: Console) -> None:
    """Tables of topics, synchronisation, episodes, and what cannot be used."""
    console.print(_topic_table(found))
    for table in (_facts(found), _episodes(found), _unusable(found)):
        if table is not None:
            console.print(table)
    for problem in found.problems:
        console.print(f"problem: {problem}", markup=False)


def _topic_table(found: Inspection) -> Table:
    table = Table(title=f"{found.bag}: {found.duration:.2f} s")
    columns = ("topic", "messages", "Hz", "longest gap, s (at)", "age, ms (highest)", "")
    for column in columns:
        table.add_column(column, no_wrap=column == "topic")
    for topic, figures in found.topics.items():
        gap = f"{figures.longest_gap:.3f} ({figures.gap_at:.2f})" if figures.count > 1 else ""
        age = ""
        if figures.age_median is not None and figures.age_highest is not None:
            age = f"{1e3 * figures.age_median:.1f} ({1e3 * figures.age_highest:.0f})"
        rate = f"{figures.rate:.1f}" if figures.count > 1 else ""
        table.add_row(topic, str(figures.count), rate, gap, age, _content(figures))
    return table


def _content(figures: TopicFigures) -> str:
    words = list(figures.image_sizes)
    if figures.unsorted_stamps:
        words.append(f"{figures.unsorted_stamps} stamps go back")
    if figures.unstamped:
        words.append(f"{figures.unstamped} carry no stamp")
    if figures.undecodable:
        words.append(f"{figures.undecodable} cannot be decoded")
    return "; ".join([*words, *([figures.problem] if figures.problem else [])])


def _facts(found: Inspection) -> Table:
    table = Table(show_header=False)
    for key in _SHOWN:
        if found.provenance.get(key):
            table.add_row(key, str(found.provenance[key]))
    if found.namespace:
        table.add_row("namespace", found.namespace)
    for topic, figures in found.topics.items():
        for names in figures.joints:
            table.add_row(f"joints of {topic}", ", ".join(names))
    sync = found.sync
    if sync is not None:
        table.add_row("observations", f"{sync.sets} matched sets, {sync.rate:.1f} Hz")
        table.add_row(
            "spread of a set", f"{1e3 * sync.spread_median:.1f} ms, highest {1e3 * sync.spread_highest:.1f} ms"
        )
        table.add_row("age when complete", f"{1e3 * sync.age_median:.1f} ms, highest {1e3 * sync.age_highest:.1f} ms")
        unmatched = ", ".join(f"{key} {100 * share:.1f} %" for key, share in sync.unmatched.items())
        table.add_row("images in no set", unmatched)
    return table


def _episodes(found: Inspection) -> Table | None:
    if not found.episodes:
        return None
    table = Table("from, s", "to, s", "instruction", "ended", "success", title="Episodes")
    for episode in found.episodes:
        first, last = episode.start - found.start, episode.end - found.start
        success = {True: "yes", False: "no", None: "unknown"}[episode.success]
        table.add_row(f"{first:.2f}", f"{last:.2f}", episode.instruction, episode.reason, success)
    return table


def _unusable(found: Inspection) -> Table | None:
    if not found.unusable:
        return None
    table = Table("from, s", "to, s", "why", title="Parts that cannot be used")
    for part in found.unusable:
        table.add_row(f"{part.start:.2f}", f"{part.end:.2f}", part.reason)
    return table
