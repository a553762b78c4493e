"""The process that exports one graph: a file with it in, an ONNX file out. See `exported_apart`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from hume_core.engines.onnx_export import exported
from hume_core.errors import HumeError


def main(source: str, target: str) -> None:
    """Export the graph in the file `source` to `target`."""
    torch.set_num_threads(1)
    try:
        # Its parent wrote the file a moment ago, so what it holds is trusted.
        Path(target).write_bytes(exported(torch.load(source, weights_only=False)))
    except HumeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
