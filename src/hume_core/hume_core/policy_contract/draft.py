"""A draft of a contract: what a checkpoint's files tell, and marks for what somebody has to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.checkpoint import CheckpointReader
from hume_core.config import HumeConfig
from hume_core.policy_contract.contract import MARK, VERSION
from hume_core.robot import RobotProfile

_ALWAYS = 1e-6
"""A standard deviation below is that of a number that never changes."""
_FINGER = 0.1
"""Two numbers of finger positions, m, are smaller."""


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each number, (k,) each. None: the checkpoint does not hold them."""

    mean: NDArray[np.float64] | None = None
    std: NDArray[np.float64] | None = None

    def of(self, first: int, end: int) -> str:
        """Numbers first .. end - 1, in words."""
        if self.mean is None or self.std is None:
            return ""
        each = [f"{i}: mean {self.mean[i]:.4g}, std {self.std[i]:.4g}" for i in range(first, end)]
        return " (" + "; ".join(each) + ")"


def draft_contract(folder: Path, profile: RobotProfile | None = None) -> dict[str, Any]:
    """The content of a `policy_contract.json` that cannot be loaded before its marks are filled in.

    Args:
        folder: of the checkpoint.
        profile: the robot that the checkpoint was made for. Gives names of joints and gripper. None: not known.

    Raises:
        CheckpointError: the folder is no checkpoint.
        ConfigError: its `config.json` is wrong.
        RobotProfileError: the robot has several arms or grippers.
    """
    config, reader = HumeConfig.load(folder / "config.json"), CheckpointReader(folder)
    state = _statistics(reader, "normalize_inputs.buffer_observation_state")
    action = _statistics(reader, "unnormalize_outputs.buffer_action")
    joints = list(profile.arm.joint_names) if profile is not None else [f"{MARK}: names of the arm's joints, one each"]
    gripper = f"{MARK}: name of the gripper's joint"
    if profile is not None and profile.gripper is not None:
        gripper = profile.gripper.joint
    last = config.action_dim - 1
    return {
        "version": VERSION,
        "dt": f"{MARK}: seconds between two rows; 1 / fps of the data set",
        "arms": [
            {
                "name": "arm",
                "joints": joints,
                "space": f"{MARK}: joint_position, joint_delta, ee_delta or ee_pose. For the tool also frame, rotation "
                f"and scale, for joints in degrees unit: deg{action.of(0, last)}",
            }
        ],
        "grippers": [
            {
                "name": gripper,
                "closed": f"{MARK}: the number of a row for a closed gripper{action.of(last, last + 1)}",
                "open": f"{MARK}: the number of a row for an open gripper",
            }
        ],
        "row": ["arm", gripper],
        "state": _state(config.state_dim, state),
        "cameras": {key: _camera(key) for key in config.camera_keys},
    }


def _camera(key: str) -> str:
    return f"{MARK}: {{}} if '{key}' was upright in training, else what makes it so: rotate, flip, crop, size, resize"


def _statistics(reader: CheckpointReader, prefix: str) -> Statistics:
    names = [f"{prefix}.{which}" for which in ("mean", "std")]
    if not set(names) <= set(reader.names):
        return Statistics()
    mean, std = (reader.read(name).double().numpy().reshape(-1) for name in names)
    return Statistics(mean, std)


def _state(size: int, statistics: Statistics) -> list[Any]:
    """What ends like fingers or padding is told by its statistics. What comes before is not: angles look like poses."""
    known: list[tuple[int, Any]] = []
    end = size
    while end and (found := _deduced(end, statistics)) is not None:
        count, part = found
        known.insert(0, (count, part))
        end -= count
    parts = [part for _, part in known]
    return [_question(end, statistics), *parts] if end else parts


def _deduced(end: int, statistics: Statistics) -> tuple[int, Any] | None:
    """The last part of the first `end` numbers with its size, where their statistics leave no doubt."""
    mean, std = statistics.mean, statistics.std
    if mean is None or std is None:
        return None
    if std[end - 1] < _ALWAYS:
        return 1, {"field": "padding", "value": float(mean[end - 1])}
    opposite = end > 1 and abs(mean[end - 1] + mean[end - 2]) < 0.01 and abs(std[end - 1] - std[end - 2]) < 0.01
    if opposite and abs(mean[end - 1]) < _FINGER and -mean[end - 1] > 0.0:
        return 2, {"field": "gripper", "form": "fingers"}
    return None


def _question(end: int, statistics: Statistics) -> str:
    words = "joint_positions, joint_velocities, tool_position, tool_rotation, gripper, padding"
    hint = " Some are too large for rad: joints in degrees have unit deg." if _beyond_radians(end, statistics) else ""
    which = "number 0" if end == 1 else f"numbers 0 to {end - 1}"
    return f"{MARK}: what {which} are, a part each of {words}.{hint}{statistics.of(0, end)}"


def _beyond_radians(end: int, statistics: Statistics) -> bool:
    mean: Sequence[float] = [] if statistics.mean is None else statistics.mean[:end].tolist()
    std: Sequence[float] = [] if statistics.std is None else statistics.std[:end].tolist()
    return any(abs(value) > 2.0 * pi for value in mean) or any(value > pi for value in std)
