"""The command `hume compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_core.plot_file import check_plot_file

_File = Optional[Path]  # noqa: UP045


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two runs or more: each a bag, or a folder of bags.")],
    paired: Annotated[
        bool, typer.Option("--paired", help="The k-th episodes of an instruction were played in the same scene.")
    ] = False,
    json_file: Annotated[_File, typer.Option("--json", help="Write the figures to this file.")] = None,
    plot: Annotated[
        _File, typer.Option("--plot", help="Draw the figures to this file, .svg or .png.", callback=check_plot_file)
    ] = None,
) -> None:
    """Compare the success of labelled runs: rates with 95 % intervals, and whether they differ."""
    raise typer.Exit(run_compare(runs, paired, json_file, plot))


def run_compare(paths: Sequence[Path], paired: bool = False, json_file: _File = None, plot: _File = None) -> int:
    """Read the runs, compare, print, write JSON and a plot. Returns 0.

    Raises:
        BagError: a run cannot be used, or nothing can be compared.
    """
    from hume_bags.comparison.differences import compare_runs
    from hume_bags.comparison.report import print_report, summary
    from hume_bags.comparison.run import read_run
    from hume_bags.errors import BagError
    from hume_core.json_report import write_json

    if len({path.resolve() for path in paths}) < len(paths):
        raise BagError("a run is named twice. Name each one once")
    names = [path.resolve().name for path in paths]
    short = len(set(names)) == len(names)
    found = compare_runs([read_run(path, "" if short else str(path)) for path in paths], paired)
    print_report(found)
    if json_file is not None:
        write_json(json_file, summary(found))
    if plot is not None:
        from hume_bags.comparison.plot import plot_comparison

        plot_comparison(found, plot)
    return 0


def add_compare(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(compare)
