"""How an episode ends, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hume_session import Listener
from hume_system1.control.command import Command
from hume_system1.control.core import ControlCore
from hume_system1.control.states import Mode

_STOPPED = (Mode.FAULT, Mode.ESTOP)


@dataclass(frozen=True)
class EpisodeOutcome:
    """How an episode ended.

    Attributes:
        seed: of the scene.
        task: short form.
        success: the task was fulfilled within the time limit.
        duration: simulated time, s.
        wrong_cube: another cube than the named one ended up lifted.
        values: value of what each thought chose.
        fault: why the control core stopped and did not resume, which ends the episode. Empty: it did not.
        held: time in HOLD, s.
        failure: why the scene's rule ended the episode. Empty: it did not. See `hume_sim.rules`.
    """

    seed: int
    task: str
    success: bool
    duration: float
    wrong_cube: bool
    values: tuple[float, ...]
    fault: str = ""
    held: float = 0.0
    failure: str = ""


class ModeWatch(Listener):
    """Notes faults and holds.

    Attributes:
        fault: why the core stopped and did not resume. Empty: it did not.
        held: ticks in HOLD.
    """

    def __init__(self) -> None:
        self.fault = ""
        self.held = 0

    def command(self, time: int, command: Command, core: ControlCore) -> None:
        """See `Listener`."""
        if command.mode is Mode.HOLD:
            self.held += 1
        elif command.mode in _STOPPED and not self.fault:
            self.fault = str(core.state)


class RecordedEpisode(ModeWatch):
    """A listener that writes down an episode."""

    def close(self, outcome: EpisodeOutcome) -> Any:
        """The episode is over."""
