"""The content of the messages that carry a command; pure, so that the nodes only copy it."""

from __future__ import annotations

from dataclasses import dataclass

from hume_system1.control.command import Command


@dataclass(frozen=True)
class TrajectoryPoint:
    """One point for `joint_trajectory_controller`.

    Attributes:
        positions: rad.
        velocities: rad/s.
        time_from_start: s.
    """

    positions: list[float]
    velocities: list[float]
    time_from_start: float


def forward_command(command: Command) -> list[float]:
    """Data for `forward_command_controller` (position interface): positions, rad."""
    positions: list[float] = command.position.tolist()
    return positions


def trajectory_point(command: Command, period: float, lead: float = 2.0) -> TrajectoryPoint:
    """The next point for `joint_trajectory_controller`, extrapolated with the command's own velocity.

    The controller reaches a point `time_from_start` after the message, so the point lies that far ahead: the
    controller then passes through the command on time and the next message, one period later, replaces it before
    it is reached, which keeps the interpolation from ever running dry. A header stamp of 0 means "from now".

    Args:
        command: command of this tick.
        period: nominal tick length, s.
        lead: how many periods ahead the point lies (at least 1).
    """
    ahead = max(lead, 1.0) * period
    positions = (command.position + ahead * command.velocity).tolist()
    return TrajectoryPoint(positions, command.velocity.tolist(), ahead)
