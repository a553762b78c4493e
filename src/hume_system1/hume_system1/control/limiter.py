"""All joints' commands within their limits. See `joint_limiter` for what that means and how it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from hume_core.errors import ConfigError
from hume_core.limits import MotionLimits
from hume_system1.control.joint_limiter import JointLimiter
from hume_system1.control.tracking_law import tracking_gains

Rows = Sequence[Sequence[float]]


def check_tighter(old: MotionLimits, new: MotionLimits) -> None:
    """Limits may be tightened while running, never loosened.

    Raises:
        ConfigError: the joints or which of them are continuous differ, or a limit of `new` allows what `old` does not.
    """
    if new.names != old.names:
        raise ConfigError(f"limits are for joints {', '.join(new.names)}. This arm has: {', '.join(old.names)}")
    changed = new.continuous != old.continuous
    if changed.any():
        name = new.names[int(changed.argmax())]
        raise ConfigError(f"joint '{name}' cannot become or cease to be continuous while running. Restart for that")
    for field in ("lower", "upper", "velocity", "acceleration", "jerk", "tracking"):
        before, after = getattr(old, field), getattr(new, field)
        looser = after < before if field == "lower" else after > before
        if looser.any():
            name = new.names[int(looser.argmax())]
            raise ConfigError(f"limit '{field}' of joint '{name}' would be loosened. Restart to loosen limits")


class Limiter:
    """The commanded state of n joints.

    Args:
        limits: per joint.
        bandwidth: of the tracking law, rad/s.

    Attributes:
        joints: one limiter per joint, in command order.
        positions: (n,) commanded, rad. A new list after every change, so it may be kept.
        velocities: (n,) rad/s.
        accelerations: (n,) rad/s^2.
        at_rest: every command has velocity and acceleration 0.
        ticks: ticks since the start.
        limited: per joint, ticks in which the reference could not be followed.
    """

    def __init__(self, limits: MotionLimits, bandwidth: float) -> None:
        self._bandwidth = bandwidth
        self.positions: list[float] = []
        self.velocities: list[float] = []
        self.accelerations: list[float] = []
        self.at_rest = True
        self._set(limits)
        self.ticks = 0
        self.limited = [0] * limits.size
        self._top_speeds = [0.0] * limits.size
        self._reported = (0, [0] * limits.size)

    def tighten(self, limits: MotionLimits) -> None:
        """Go on within new limits from where the command rests."""
        # A moving state that is viable under the old limits need not be under narrower ones. One at rest always is.
        places = [joint.p for joint in self.joints]
        self._set(limits)
        self.start(places)

    def start(self, positions: Sequence[float]) -> None:
        """Begin a new stream at rest at the given positions (n,), rad."""
        for joint, p in zip(self.joints, positions, strict=True):
            joint.start(p)
        self._look()

    def follow(self, dt: float, reference: Rows, measured: Sequence[float]) -> None:
        """Advance dt s towards a reference.

        Args:
            dt: tick length, s.
            reference: (4, n): position, velocity, acceleration, jerk at the end of the tick.
            measured: (n,) newest measured positions, rad.
        """
        gains = tracking_gains(self._bandwidth, dt)
        limited, (positions, velocities, accelerations, jerks) = self.limited, reference
        points = zip(positions, velocities, accelerations, jerks, strict=True)
        each = zip(self.joints, points, measured, self._tracking, strict=True)
        for i, (joint, point, place, bound) in enumerate(each):
            # |command - measured| <= bound, written as the way the command may still go down and up.
            error = joint.p - place
            joint.follow(dt, gains, point, (bound + error, bound - error))
            if joint.limited:
                limited[i] += 1
        self._count()

    def brake(self, dt: float) -> None:
        """Advance dt s along every joint's time-optimal stop."""
        for joint in self.joints:
            joint.brake(dt)
        self._count()

    @property
    def max_velocity_ratio(self) -> float:
        """Largest |velocity| / limit of any command so far."""
        return max(top / speed for top, speed in zip(self._top_speeds, self._speeds, strict=True))

    def tracking_ratio(self, measured: Sequence[float]) -> float:
        """Largest |command - measured| as a multiple of its limit."""
        worst = 0.0
        tracking = self._tracking
        for i, p in enumerate(self.positions):
            ratio = abs(p - measured[i]) / tracking[i]
            if ratio > worst:
                worst = ratio
        return worst

    def activity(self) -> tuple[float, ...]:
        """Part of the ticks since the last call in which each joint was limited, 0 to 1."""
        ticks, counts = self._reported
        self._reported = (self.ticks, list(self.limited))
        elapsed = max(self._reported[0] - ticks, 1)
        return tuple((new - old) / elapsed for new, old in zip(self._reported[1], counts, strict=True))

    def _set(self, limits: MotionLimits) -> None:
        self.joints = [
            JointLimiter(*(float(x) for x in row))
            for row in zip(limits.lower, limits.upper, limits.velocity, limits.acceleration, limits.jerk, strict=True)
        ]
        self._speeds = [float(x) for x in limits.velocity]
        self._tracking = [float(x) for x in limits.tracking]
        self._look()

    def _look(self) -> None:
        """Read the joints once for all who ask for their state until it changes."""
        joints = self.joints
        self.positions = [joint.p for joint in joints]
        self.velocities = velocities = [joint.v for joint in joints]
        self.accelerations = accelerations = [joint.a for joint in joints]
        self.at_rest = not (any(velocities) or any(accelerations))

    def _count(self) -> None:
        self._look()
        self.ticks += 1
        top_speeds = self._top_speeds
        for i, v in enumerate(self.velocities):
            if abs(v) > top_speeds[i]:
                top_speeds[i] = abs(v)
