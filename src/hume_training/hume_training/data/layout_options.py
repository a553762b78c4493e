"""What a training's configuration says of a dataset's numbers, where the names do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hume_core.errors import DatasetError
from hume_core.robot import RobotProfile
from hume_core.state.parts import StatePart
from hume_core.texts import listed
from hume_training.data.row_layout import GripperColumn, Rows

ARM = "arm"
"""Name of the only arm of a row, as in the layout of a robot profile."""


@dataclass(frozen=True)
class LayoutOptions:
    """What the configuration says. Everything may be left out.

    Attributes:
        rows: what the arms' numbers of an action row are.
        arms: name of each arm and its joints, in policy order.
        grippers: in the order of their numbers. `action` is not looked at. None: from the names.
        row: names of arms and grippers in the order of a row's numbers.
        state: parts of the state in order. Empty: from the names.
        unit: "rad" or "deg", of joints.
        profile: the robot that was recorded.
    """

    rows: Rows | None = None
    arms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    grippers: tuple[GripperColumn, ...] | None = None
    row: tuple[str, ...] = ()
    state: tuple[StatePart, ...] = ()
    unit: str = ""
    profile: RobotProfile | None = field(default=None, repr=False)


def not_said(what: str, names: Sequence[str], size: int, problem: str, lines: Sequence[str]) -> DatasetError:
    """The error of a dataset whose numbers nobody has told.

    Args:
        what: "action" or "observation.state".
        names: as the dataset lists them.
        size: how many numbers there are.
        problem: what is wrong with them.
        lines: what to write in the training's configuration.
    """
    found = f"its {size} numbers are called {listed(names)}" if names else f"its {size} numbers have no names"
    return DatasetError(f"the dataset's '{what}': {found}; {problem}. Write in the training's configuration:" + "".join(
        f"\n  {line}" for line in lines
    ))  # fmt: skip
