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

from hume_bags.regress.regress_settings import RegressSettings
from hume_bags.regress.stream import WEIGHT_DTYPE
from hume_core.checkpoint import CheckpointReader, resolve_folder
from hume_core.normalization import Normalizer
from hume_core.observation import Observation
from hume_core.policy import PretrainedPolicy
from hume_core.policy_contract import fitted_robot
from hume_core.robot import RobotProfile
from hume_system1.model import ActionUnits, System1
from hume_system1.refiners import PassThroughRefiner, System1Refiner
from hume_system1.segment_planner import Refiner
from hume_system2.model import System2
from hume_system2.motion_in_progress import MotionInProgress
from hume_system2.thinker import Thinker, ThoughtResult

_FILES = ("config.json", "tokenizer.json", "vqh_backbone.json")


class Thinks(Protocol):
    """What the stepper needs of System 2."""

    def think(self, observation: Observation, in_progress: MotionInProgress | None = None) -> ThoughtResult:
        """Choose a chunk while something is being carried out."""

    def enter_thread(self) -> None:
        """Called first in the thread that thinks."""


@dataclass(frozen=True)
class RecordedPolicy:
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
        normalizer: the statistics that the first state is held against. None: it is not.
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
    normalizer: Normalizer | None = None


def content_hash(data: Any) -> int:
    """First 64 bits of BLAKE2b of a buffer."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def load_policy(
    checkpoint: str, profile: RobotProfile, settings: RegressSettings
) -> tuple[RecordedPolicy, RobotProfile]:
    """Load both systems as the nodes do. Torch on one thread.

    Returns:
        The policy, and the robot as it wants to see it.

    Raises:
        CheckpointError: the checkpoint is damaged, does not fit the robot, or has no System 1 to refine with.
    """
    torch.set_num_threads(1)
    given, dtype1 = settings.contract, getattr(torch, settings.dtype1)
    system2 = System2.from_pretrained(checkpoint, dtype=getattr(torch, settings.dtype2), contract=given)
    has_network = settings.refine or system2.config.has_system1
    kind: type[PretrainedPolicy] = System1 if has_network else ActionUnits
    system1 = kind.from_pretrained(checkpoint, dtype=dtype1, contract=given)
    robot = fitted_robot(system2.config, system2.contract, profile, checkpoint)
    folder = resolve_folder(checkpoint)
    names = tuple(sorted({*system2.tensors_read, *system1.tensors_read}))
    thinker = Thinker(system2, settings.thinking)
    policy = RecordedPolicy(
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
        normalizer=system2.normalizer,
    )
    return policy, robot


def _file_hash(path: Path) -> str:
    return f"{content_hash(path.read_bytes()):016x}"


def _fingerprints(reader: CheckpointReader, names: Sequence[str]) -> NDArray[np.void]:
    rows = np.zeros(len(names), WEIGHT_DTYPE)
    for row, name in zip(rows, names, strict=True):
        tensor = reader.read(name).contiguous()
        row["content"] = content_hash(tensor.flatten().view(torch.uint8).numpy().data)
        row["mean_abs"] = float(tensor.double().abs().mean()) if tensor.numel() else 0.0
    return rows
