"""Servos between the commands of a `control_rig.Rig` and its joint states."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from control_rig import Rig

from hume_system1.control.events import JointStateEvent
from hume_system1.control.states import Mode

_DT = 0.005  # s, period of the core
_GIVE = 0.08  # s
_NOISE = 2e-4  # rad


class ServoArm:
    """Servos with lag and give between a rig's commands and its joint states.

    Attributes:
        lag: time constant of the servos, s.
        wraps: whether the driver reports angles in [-pi, pi) and takes commands the short way.
        position: true positions (n,), rad.
        push: (n,) rad: how far a hand bends the arm away from where the servos have it, within about 0.2 s.
        held: joints (n,) that something holds in place.
        lie: measured - true (n,), rad.
        texts: the core's state after every tick.
    """

    def __init__(
        self,
        rig: Rig,
        lag: float,
        rate: float = 200.0,
        seed: int = 0,
        velocities: bool = True,
        stamped: bool = True,
        wraps: bool = False,
    ) -> None:
        self.wraps = wraps
        self.rig, self.lag, self.rate, self.velocities, self.stamped = rig, lag, rate, velocities, stamped
        n = rig.core.limits.size
        self.position, self.speed = np.array(rig.measured), np.zeros(n)
        self.push, self.held, self.lie = np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n)
        self.texts: list[str] = []
        self._random = np.random.default_rng(seed)
        self._due = 0.0
        self._bent = np.zeros(n)
        rig.sensors = False

    def run(
        self, seconds: float, until: Callable[[], bool] | None = None, segments: bool = True, **motion: Any
    ) -> float:
        """Go on for some time, or until something is true. Returns for how long, s."""
        for k in range(round(seconds / _DT)):
            if until is not None and until():
                return k * _DT
            events = [self.rig.chunk(), self.rig.segment(**motion)] if segments and k % 4 == 0 else []
            self.tick(*events)
        return seconds

    def tick(self, *events: Any) -> None:
        """One tick of the core, then of the servos."""
        command = self.rig.tick(_DT, *self._sense(), *events)
        self.texts.append(str(self.rig.core.state))
        served = self.position - self._bent
        if command.publish:
            served = served + self._reported(command.position - served) * (
                -math.expm1(-_DT / self.lag) if self.lag else 1.0
            )
        self._bent += (self.push - self._bent) * -math.expm1(-_DT / _GIVE)
        target = np.where(self.held, self.position, served + self._bent)
        self.speed = (target - self.position) / _DT
        self.position = target

    def _reported(self, angles: np.ndarray) -> np.ndarray:
        return (angles + math.pi) % (2.0 * math.pi) - math.pi if self.wraps else angles

    def _sense(self) -> list[JointStateEvent]:
        """The states measured since the last tick. Some arrive a little late, and some drivers do not stamp."""
        rig, events = self.rig, []
        now = rig.steady + _DT
        self._due = max(self._due, rig.steady)
        while self._due <= now + 1e-9:
            since = now - self._due
            measured = self.position - self.speed * since + self.lie + self._random.normal(0.0, _NOISE, len(self.lie))
            events.append(
                rig.joint_state(
                    position=tuple(self._reported(measured)),
                    velocity=tuple(self.speed) if self.velocities else (),
                    stamp=rig.ros + _DT - since if self.stamped else 0.0,
                    received=now - self._random.uniform(0.0, 0.5 * since),
                )
            )
            self._due += 1.0 / self.rate
        return events

    @property
    def reasons(self) -> list[str]:
        """States in the order they came, without repetitions."""
        return [text for k, text in enumerate(self.texts) if k == 0 or text != self.texts[k - 1]]

    def faulted(self) -> bool:
        """Whether the core has stopped for good."""
        return self.rig.core.state.mode is Mode.FAULT

    def running(self) -> bool:
        """Whether the core follows segments."""
        return self.rig.core.state.mode is Mode.RUNNING
