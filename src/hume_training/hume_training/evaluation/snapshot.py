"""A moment of an episode that others go on from."""

from __future__ import annotations

from dataclasses import dataclass

from hume_session.commanding import CommandStage
from hume_sim.world import WorldState


@dataclass(frozen=True)
class Snapshot:
    """A moment of an episode: the world, and the command process with all that it is about to do."""

    world: WorldState
    commands: CommandStage
