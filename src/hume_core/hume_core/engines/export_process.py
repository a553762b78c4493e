"""The process that exports graphs: a file with them in, ONNX files out. See `exported_apart`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from hume_core.engines.onnx_export import exported
from hume_core.errors import HumeError


def main(source: str, *targets: str) -> None:
    """Export the graphs in the file `source`, each to its target."""
    torch.set_num_threads(1)
    try:
        # Its parent wrote the file a moment ago, so what it holds is trusted.
        for graph, target in zip(torch.load(source, weights_only=False), targets, strict=True):
            Path(target).write_bytes(exported(graph))
    except HumeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
