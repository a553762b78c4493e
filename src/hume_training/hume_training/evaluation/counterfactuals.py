"""Chunks that nobody should take in a state: a critic that never sees any says what it likes of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from hume_core.action_spaces import GripperGroup
from hume_core.errors import ConfigError
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_sim.scene import CUBES
from hume_sim.tasks import task_of
from hume_training.data.branches import Kind
from hume_training.evaluation.oracle import joints_at, rows_of
from hume_training.evaluation.policy import Policy, ThoughtRequest
from hume_training.evaluation.variants import Variant

OTHERS = 2
"""Chunks of each kind."""


@dataclass(frozen=True)
class Chunks:
    """Chunks of one state, (H, A) each, normalised and padded, and their kinds."""

    rows: list[NDArray[np.float32]]
    kinds: list[Kind]


class Counterfactuals:
    """Chunks that nobody should take in a state.

    Args:
        policy: proposes for other instructions, and normalises.
        profile: says which number of a row is the gripper's.
        variant: how it thinks.
    """

    def __init__(self, policy: Policy, profile: RobotProfile, variant: Variant) -> None:
        self._policy, self._profile, self._variant = policy, profile, variant
        self._elsewhere: deque[tuple[int, NDArray[np.float32]]] = deque(maxlen=8 * OTHERS)

    def make(
        self, observation: Observation, candidates: Sequence[NDArray[np.float32]], rng: np.random.Generator, scene: int
    ) -> Chunks | None:
        """Of every kind `OTHERS`. None as long as no other scene is known. Remembers the candidates of this one.

        Args:
            observation: of the state.
            candidates: what System 2 proposes there, (H, A) each.
            rng: of the draws.
            scene: seed of the scene.
        """
        elsewhere = [rows for seed, rows in self._elsewhere if seed != scene]
        self._elsewhere.extend((scene, rows) for rows in candidates[:OTHERS])
        if len(elsewhere) < OTHERS:
            return None
        picked = rng.choice(len(elsewhere), OTHERS, replace=False)
        swapped, altered = self._other_cube(observation, rng), self._gripper(candidates[0])
        return Chunks(
            [*swapped, *altered, *(elsewhere[i] for i in picked)],
            [kind for kind in (Kind.OTHER_CUBE, Kind.GRIPPER, Kind.OTHER_SCENE) for _ in range(OTHERS)],
        )

    def anchor(self, observation: Observation) -> NDArray[np.float64]:
        """Joint positions (n,) at an observation, rad."""
        return joints_at(observation, self._profile)

    def _other_cube(self, observation: Observation, rng: np.random.Generator) -> list[NDArray[np.float32]]:
        instruction = other_cube(observation.task[0])
        config = self._policy.system2.config
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        noise = torch.randn((OTHERS, 1, config.s2_chunk_size, config.max_action_dim), generator=generator)
        request = ThoughtRequest(replace(observation, task=[instruction]), noise)
        (thought,) = self._policy.think([request], self._variant)
        return rows_of(thought)

    def _gripper(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The chunk with the gripper closed throughout, and open."""
        gripper, layout, normalizer = (
            self._profile.gripper,
            self._profile.action_layout(),
            self._policy.system2.normalizer,
        )
        assert gripper is not None
        (part,) = (
            part for group, part in zip(layout.groups, layout.slices, strict=True) if isinstance(group, GripperGroup)
        )
        found = []
        for opening in (gripper.policy_closed, gripper.policy_open):
            real = normalizer.unnormalise(torch.from_numpy(rows)).clone()
            real[:, part] = opening
            altered = rows.copy()
            altered[:, part] = normalizer.action(real).numpy()[:, part]
            found.append(altered)
        return found


def other_cube(instruction: str) -> str:
    """The instruction with the cube that it does not name in place of the one to pick.

    Raises:
        ConfigError: it is none of the simulated tasks.
    """
    task = task_of(instruction)
    if task is None:
        raise ConfigError(f"'{instruction}' is none of the simulated tasks. Branches can be recorded of those alone")
    other = next(cube for cube in CUBES if cube not in task.cubes)
    return instruction.replace(task.cube, other, 1)
