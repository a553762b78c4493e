"""The command `hume regress`, and its benchmark."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_core.command_line import option
from hume_system1.denoiser_settings import DenoiserSettings
from hume_system2.settings import System2Settings

_File = Optional[Path]  # noqa: UP045
_Text = Optional[str]  # noqa: UP045
_Number = Optional[int]  # noqa: UP045
_Seconds = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(min=0.0, max=60.0, help="Constant latency, s. Left out: as measured in the bag."),
]


def regress(
    bag: Annotated[Path, typer.Argument(help="Recorded session: a rosbag2 folder or one .mcap file.")],
    golden: Annotated[
        _File, typer.Option(help="Command stream to compare with. The word recorded: the commands in the bag.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="Checkpoint folder or hub name. Empty: the recorded one.")] = "",
    contract: Annotated[str, option(System2Settings, "contract")] = "",
    write: Annotated[_File, typer.Option(help="Write the command stream, such as for --golden.")] = None,
    json_file: Annotated[_File, typer.Option("--json", help="Write the report as JSON.")] = None,
    html: Annotated[_File, typer.Option(help="Write the report as one HTML page.")] = None,
    robot: Annotated[str, typer.Option(help="Robot profile. Empty: the recorded one.")] = "",
    limits_file: Annotated[str, typer.Option(help="Limits file on top of the profile. Empty: the recorded one.")] = "",
    namespace: Annotated[_Text, typer.Option(help="Namespace of the recorded nodes.")] = None,
    task: Annotated[str, typer.Option(help="Instruction in place of the recorded ones.")] = "",
    candidates: Annotated[_Number, option(System2Settings, "candidates")] = None,
    chooser: Annotated[_Text, option(System2Settings, "chooser")] = None,
    seed: Annotated[_Number, option(System2Settings, "seed", low=0, help="Seed of the noise.")] = None,
    dtype: Annotated[_Text, option(System2Settings, "dtype")] = None,
    refine: Annotated[Optional[bool], option(DenoiserSettings, "refine")] = None,  # noqa: UP045
    chunk_switch: Annotated[_Text, option(DenoiserSettings, "chunk_switch")] = None,
    think_latency: _Seconds = None,
    denoise_latency: _Seconds = None,
    tolerance: Annotated[float, typer.Option(min=0.0, help="Between different machines: rad.")] = 1e-4,
) -> None:
    """Step a recorded session through both systems and compare the commands: 0 same, 1 differs, 2 bad input.

    What is left out is as recorded, else as the nodes' defaults.
    """
    from hume_bags.regress.findings import Tolerance
    from hume_bags.regress.regress_settings import RegressOptions
    from hume_bags.regress.run import run_regress

    options = RegressOptions(
        bag=bag,
        golden=golden,
        checkpoint=checkpoint,
        contract=contract,
        robot=robot,
        limits_file=limits_file,
        namespace=namespace,
        task=task,
        candidates=candidates,
        chooser=chooser,
        seed=seed,
        dtype=dtype,
        refine=refine,
        chunk_switch=chunk_switch,
        think_latency=think_latency,
        denoise_latency=denoise_latency,
        tolerance=Tolerance(position=tolerance),
        write=write,
        json_file=json_file,
        html=html,
        command=shlex.join(["./hume", *sys.argv[1:]]),
    )
    raise typer.Exit(run_regress(options))


def bench_regress(
    bag: Annotated[Path, typer.Argument(help="Recorded session.")],
    checkpoint: Annotated[str, typer.Option(help="Checkpoint folder or hub name. Empty: the recorded one.")] = "",
    json_file: Annotated[_File, typer.Option("--json", help="Write the figures to this file.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs. The fastest counts.")] = 3,
) -> None:
    """Measure how much faster than real time a session is stepped."""
    from hume_bags.regress.bench import run_bench

    raise typer.Exit(run_bench(bag, checkpoint, json_file, repeats))


def add_regress(app: typer.Typer, bench: typer.Typer) -> None:
    """Add `regress` and `bench regress`."""
    app.command()(regress)
    bench.command("regress")(bench_regress)
