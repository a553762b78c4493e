"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from hume_bench.demo.video_format import check_video_file
from hume_core.plot_file import check_plot_file

_File = Optional[Path]  # noqa: UP045

JsonOption = Annotated[_File, typer.Option("--json", help="Write the figures to this file.")]
# A wrong name is refused before anything is measured.
PlotOption = Annotated[
    _File, typer.Option("--plot", help="Draw the figures to this file, .svg or .png.", callback=check_plot_file)
]
VideoOption = Annotated[
    _File, typer.Option(help="Film the scene into this file, .mp4 or .gif.", callback=check_video_file)
]
