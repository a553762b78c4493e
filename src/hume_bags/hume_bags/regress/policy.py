"""The two systems of a checkpoint, ready to be stepped, and what identifies them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from hume_bags.regress.settings import Settings
from hume_bags.regress.stream import WEIGHT_DTYPE
from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_system1.denoiser import Refiner
from hume_system1.model import System1
from hume_system1.refiners import PassThroughRefiner, System1Refiner
from hume_system2.model import System2
from hume_system2.thinker import Thinker, ThoughtResult, check_fits

_FILES = ("config.json", "tokenizer.json", "vqh_backbone.json")


class Thinks(Protocol):
    """What the stepper needs of System 2."""

    def think(self, observation: Observation) -> ThoughtResult:
        """Choose a chunk."""

    def enter_thread(self) -> None:
        """Called first in the thread that thinks."""


@dataclass(frozen=True)
class Policy:
    """What is stepped.

    Attributes:
        thinker: System 2.
        refiner: System 1, or the pass-through.
        cameras: keys, in the policy's order.
        history: number of past states that System 1 wants.
        candidates: N.
        identity: settings and hashes of the small files, for the header.
        tensors: names of the weights.
        weights: one record per tensor, see `WEIGHT_DTYPE`.
        parallel_segments: how many segments the refiner may be asked for at the same time.
    """

    thinker: Thinks
    refiner: Refiner
    cameras: list[str]
    history: int
    candidates: int
    identity: dict[str, Any]
    tensors: Sequence[str]
    weights: NDArray[np.void]
    parallel_segments: int = 1


def content_hash(data: Any) -> int:
    """First 64 bits of BLAKE2b of a buffer."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def load_policy(checkpoint: str, profile: RobotProfile, settings: Settings) -> Policy:
    """Load both systems as the nodes do. Torch on one thread.

    Raises:
        CheckpointError: the checkpoint is damaged or does not fit the robot.
    """
    torch.set_num_threads(1)
    system2 = System2.from_pretrained(checkpoint, dtype=getattr(torch, settings.dtype2))
    system1 = System1.from_pretrained(checkpoint, dtype=getattr(torch, settings.dtype1))
    check_fits(system2, profile)
    folder = resolve_folder(checkpoint)
    names = tuple(sorted({*system2.tensors_read, *system1.tensors_read}))
    thinker = Thinker(system2, settings.thinking)
    return Policy(
        thinker=thinker,
        refiner=System1Refiner(system1) if settings.refine else PassThroughRefiner(system1),
        cameras=thinker.cameras,
        history=int(system1.config.s1_his_state_size),
        candidates=thinker.options.candidates,
        identity={
            "dtype": [settings.dtype2, settings.dtype1],
            "refine": settings.refine,
            **{name: value for name, value in asdict(thinker.options).items() if name != "threads"},
            "files": {name: _file_hash(folder / name) for name in _FILES if (folder / name).is_file()},
        },
        tensors=names,
        weights=_fingerprints(CheckpointReader(folder), names),
    )


def _file_hash(path: Path) -> str:
    return f"{content_hash(path.read_bytes()):016x}"


def _fingerprints(reader: CheckpointReader, names: Sequence[str]) -> NDArray[np.void]:
    rows = np.zeros(len(names), WEIGHT_DTYPE)
    for row, name in zip(rows, names, strict=True):
        tensor = reader.read(name).contiguous()
        row["content"] = content_hash(tensor.flatten().view(torch.uint8).numpy().data)
        row["mean_abs"] = float(tensor.double().abs().mean()) if tensor.numel() else 0.0
    return rows
