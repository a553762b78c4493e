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
    """The command, to be reached `lead` periods after the message (header stamp 0: from now on).

    With two periods the controller interpolates all the time, and the next message replaces this one before it runs
    out.

    Args:
        command: command of this tick.
        period: of the stream, s.
        lead: periods, at least 1.
    """
    return TrajectoryPoint(command.position.tolist(), command.velocity.tolist(), max(lead, 1.0) * period)


def trajectory_points(command: Command, stop: TrajectoryPoint, period: float) -> list[TrajectoryPoint]:
    """All points of one message to `joint_trajectory_controller`.

    After the command comes the standstill that braking from it leads to: if messages stop coming, the controller
    itself brings the arm to rest. It also satisfies the controller's rule that the last point has no velocity
    (`allow_nonzero_velocity_at_trajectory_end: false`).

    Args:
        command: command of this tick.
        stop: `ControlCore.stop_point()` of the same tick.
        period: of the stream, s.
    """
    first = trajectory_point(command, period)
    if stop.time_from_start <= 0.0:
        return [first]
    end = first.time_from_start + stop.time_from_start
    return [first, TrajectoryPoint(stop.positions, stop.velocities, end)]
