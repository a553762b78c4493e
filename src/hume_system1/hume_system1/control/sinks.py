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


def trajectory_points(command: Command, stop: TrajectoryPoint, ahead: float) -> list[TrajectoryPoint]:
    """The points of one message to `joint_trajectory_controller` (header stamp 0: from now on).

    The first is the command, to be reached `ahead` s after the message, so that the controller interpolates all the
    time and the next message replaces this one before it runs out. The second is the standstill reached by braking
    from there: if messages stop coming, the controller itself brings the arm to rest. It also satisfies
    `allow_nonzero_velocity_at_trajectory_end: false`, the controller's default.

    Args:
        command: command of this tick.
        stop: `ControlCore.stop_point()` of the same tick.
        ahead: s; two periods of the stream are sensible.
    """
    first = TrajectoryPoint(command.position.tolist(), command.velocity.tolist(), ahead)
    if stop.time_from_start <= 0.0:
        return [first]
    return [first, TrajectoryPoint(stop.positions, stop.velocities, ahead + stop.time_from_start)]
