"""One joint's command: follows a reference and never leaves its limits.

What "within limits" means here. The commands are samples of one curve with continuous velocity and acceleration, on
which |velocity|, |acceleration| and |jerk| never pass their limits. By the mean value theorem every divided difference
of the samples then keeps the limits too, whatever the lengths of the ticks: with p[k] at t[k],

    v[k] = (p[k] - p[k-1]) / (t[k] - t[k-1])
    a[k] = 2 * (v[k] - v[k-1]) / (t[k] - t[k-2])
    j[k] = 3 * (a[k] - a[k-1]) / (t[k] - t[k-3])

which for equal ticks are the plain finite differences. That is the quantity that is bounded.

How it is kept. A state is *viable* when the time-optimal stop from it stays within all limits. A tick proposes the
next state by a tracking law. It takes that state only if it is viable and the way to it is within limits. Otherwise it
brings the acceleration to 0. If that is not viable either, it follows the stop from the present state. So a legal
command exists at every tick, for any reference. The proof stands beside `JointLimiter.follow`.

Why not Ruckig in the loop. Its open version has no position limits, so this proof would be needed all the same. It
plans again with full jerk at every tick, which shakes an arm that follows a smooth reference. The real-time process
stays free of a compiled dependency. The tests compare the stop with Ruckig's.
"""

from __future__ import annotations

from math import inf, sqrt

from hume_system1.control.stopping import stop_advance, stop_duration, stop_extent
from hume_system1.control.tracking_law import TrackingGains, approach_speed

# Room for rounding: the third difference of positions of some rad at 1 kHz is exact to about 1e-5 rad/s^3.
_MARGIN_VELOCITY = 1.0 - 1e-7
_MARGIN_ACCELERATION = 1.0 - 1e-6
_MARGIN_JERK = 1.0 - 1e-4
_MARGIN_POSITION = 1e-9  # rad
# Part of the limits that the tracking law plans with. The rest is for what the plan leaves out.
_PLAN_VELOCITY = 0.998
_PLAN_ACCELERATION = 0.6
_PLAN_JERK = 0.4
_BOUND_ACCELERATION = 0.8


class JointLimiter:
    """State and limits of one joint.

    Args:
        lower, upper: position limits, rad.
        velocity: rad/s.
        acceleration: rad/s^2.
        jerk: rad/s^3.

    Attributes:
        p, v, a: the last command and its derivatives.
        limited: whether the last tick could not do what the reference asked.
    """

    __slots__ = (
        "_brake_a",
        "_brake_v",
        "_full_v",
        "_jerk_root",
        "_lower",
        "_plan_v",
        "_room",
        "_room_per_v",
        "_room_per_v2",
        "_twice_a",
        "_upper",
        "a",
        "limited",
        "lower",
        "max_a",
        "max_j",
        "max_v",
        "p",
        "upper",
        "v",
    )

    def __init__(self, lower: float, upper: float, velocity: float, acceleration: float, jerk: float) -> None:
        self._lower = lower + _MARGIN_POSITION
        self._upper = upper - _MARGIN_POSITION
        self.lower, self.upper = self._lower, self._upper
        self.max_v = velocity * _MARGIN_VELOCITY
        self.max_a = acceleration * _MARGIN_ACCELERATION
        self.max_j = jerk * _MARGIN_JERK
        # Bound of the stopping distance, to spare most ticks the exact one. Let v be the highest speed on the way to
        # standstill. From speed v and acceleration 0 a stop under acceleration A and jerk J covers
        #
        #     v^2 / (2 A) + v A / (2 J)    where v >= A^2 / J, else    v sqrt(v / J)
        #
        # and the second is never more than the first: sqrt(v / J) is the geometric mean of v / A and A / J, and the
        # first is v times their arithmetic mean. Before that an acceleration of at most A has to go to 0, which takes
        # at most A / J at no more than v. Together: v^2 / (2 A) + 3 v A / (2 J) = v * (v * per_v2 + per_v).
        self._room_per_v2 = 0.5 / self.max_a
        self._room_per_v = 1.5 * self.max_a / self.max_j
        # Further than this from a position limit, a stop from any allowed speed ends before it.
        self._room = self.max_v * (self.max_v * self._room_per_v2 + self._room_per_v)
        # b = A^2 / (2 J) and 2 A of `approach_speed`, for the plan (`_brake_*`) and for the tracking bound.
        self._plan_v = _PLAN_VELOCITY * self.max_v
        self._brake_a = 2.0 * _PLAN_ACCELERATION * self.max_a
        self._brake_v = (_PLAN_ACCELERATION * self.max_a) ** 2 / (2.0 * _PLAN_JERK * self.max_j)
        self._jerk_root = 2.0 * _PLAN_JERK * self.max_j
        self._twice_a = 2.0 * _BOUND_ACCELERATION * self.max_a
        self._full_v = (_BOUND_ACCELERATION * self.max_a) ** 2 / (2.0 * self.max_j)
        self.p = 0.5 * (lower + upper)
        self.v = 0.0
        self.a = 0.0
        self.limited = False

    def start(self, p: float) -> None:
        """Begin a new stream at rest at p, rad. Outside the limits, it may move back in but not further out."""
        self.p, self.v, self.a = p, 0.0, 0.0
        self.lower = min(self._lower, p)
        self.upper = max(self._upper, p)

    def brake(self, dt: float) -> None:
        """Advance dt s along the time-optimal stop."""
        if self.v == 0.0 and self.a == 0.0:
            return
        self.p, self.v, self.a = stop_advance(self.p, self.v, self.a, self.max_a, self.max_j, dt)

    def stop_time(self) -> float:
        """Time to standstill, s."""
        return stop_duration(self.v, self.a, self.max_a, self.max_j)

    def stop_position(self) -> float:
        """Where the time-optimal stop ends, rad."""
        return stop_advance(self.p, self.v, self.a, self.max_a, self.max_j, inf)[0]

    def follow(
        self,
        dt: float,
        gains: TrackingGains,
        reference: tuple[float, float, float, float],
        room: tuple[float, float],
    ) -> None:
        """Advance dt s towards the reference.

        Args:
            dt: tick length, s.
            gains: of the tracking law for this dt.
            reference: position, velocity, acceleration and jerk at the end of the tick.
            room: distance (rad) the command may still move down and up before it is too far from the measured
                position. Below 0 it already is, and then it may not move further that way.
        """
        # Proof by induction over ticks that the limits always hold, whatever the reference and the tick's length.
        # The idea is viability: Aubin, Viability Theory, 1991. For robot joints: Rubrecht et al., Motion safety and
        # constraints compatibility for multibody robots, 2012. Del Prete, Joint position and velocity bounds in
        # discrete-time acceleration/torque control of robot arms, 2018. Here jerk is bounded too, as in Kroeger and
        # Wahl, Online trajectory generation, 2010, and Berscheid and Kroeger, Ruckig, 2021.
        #
        # Say that a state x = (p, v, a) is viable if |a| <= A and the time-optimal stop from x keeps |velocity| <= V
        # and the position between the limits.
        #
        # 1. Start: at rest the stop has length 0. So x is viable, since `start` lets the limits include p.
        # 2. A proposal is taken only if `_try` finds it viable, and the way there within the limits on velocity,
        #    acceleration and jerk. Then the next state is viable.
        # 3. Otherwise `brake` goes along the stop from x. What is left of a time-optimal stop is the time-optimal stop
        #    from there. It is a part of the old one, so it keeps the limits as the whole one does: the next state is
        #    viable, and so is all of the way to it.
        #
        # 2 or 3 is possible at each tick, so every state is viable, and every command is within limits. Nothing was
        # assumed of dt: a tick that comes late is only a longer piece of the same curve. The tracking bound `room` is
        # no limit of the proof, since it depends on where the arm is. It narrows what is taken in 2, and 3 stays open.
        j = self._desired_jerk(dt, gains, reference, room)
        p, (down, up) = self.p, room
        lowest = p - down if down > 0.0 else p
        highest = p + up if up > 0.0 else p
        lower = lowest if lowest > self.lower else self.lower
        upper = highest if highest < self.upper else self.upper
        if self._try(j, dt, lower, upper):
            return
        self.limited = True
        # Acceleration to 0 and on at the speed reached: nearer to the reference than braking, and often viable.
        coast = min(max(-self.a / dt, -self.max_j), self.max_j)
        if not self._try(coast, dt, lower, upper):
            self.brake(dt)

    def _desired_jerk(
        self,
        dt: float,
        gains: TrackingGains,
        reference: tuple[float, float, float, float],
        room: tuple[float, float],
    ) -> float:
        """The tracking law: a cascade whose stages ask for no more than can be braked from."""
        rp, rv, ra, rj = reference
        max_a, max_j, limited = self.max_a, self.max_j, False
        # A cascade p -> v -> a -> j. Each stage adds to the reference's own derivative (feed-forward) a correction that
        # is linear in a small error, and for a large one what can still be braked from:
        #
        #     v = v_ref + approach(p_ref - p)
        #     a = a_ref + min(K_v |e|, sqrt(2 J |e|)) sign(e),   e = v - v_now
        #     j = j_ref + K_a (a - a_now)
        #
        # The root is the time-optimal switching curve: jerk J brings the acceleration sqrt(2 J e) to 0 while the
        # velocity changes by e. (Sliding mode with a boundary layer: Slotine and Li, Applied Nonlinear Control, ch. 7.)
        # This law only makes good proposals. The proof in `follow` does not rely on it.
        if rp > self.upper or rp < self.lower:
            rp = self.upper if rp > self.upper else self.lower
            rv = ra = rj = 0.0
            limited = True
        # The reference is for the end of the tick. Followed back by its Taylor series it is one for the start, where
        # p, v and a are known.
        distance = rp - dt * (rv - dt * (0.5 * ra - dt * rj / 6.0)) - self.p
        if abs(rv) > self.max_v or abs(ra) > max_a:
            # Feed-forward that the joint cannot do would outweigh the feedback, and the command would drift off.
            excess = max(abs(rv) / self.max_v, abs(ra) / max_a)
            share = 1.0 / (excess * excess)
            rv, ra, rj = share * rv, share * ra, share * rj
            limited = True
        v = rv - dt * (ra - 0.5 * dt * rj)
        a = ra - dt * rj
        wish = v + approach_speed(distance, gains.position, self._brake_a, self._brake_v)
        top = self._top_speed(wish, room)
        if wish > top or wish < -top:
            wish = top if wish > 0.0 else -top
            limited = True
        error = wish - self.v
        size = error if error >= 0.0 else -error
        pull = gains.velocity * size
        root = self._jerk_root * size
        if pull * pull > root:
            pull = sqrt(root)
        a += pull if error >= 0.0 else -pull
        if a > max_a or a < -max_a:
            a = max_a if a > 0.0 else -max_a
            limited = True
        j = rj + gains.acceleration * (a - self.a)
        if j > max_j or j < -max_j:
            j = max_j if j > 0.0 else -max_j
            limited = True
        self.limited = limited
        return j

    def _top_speed(self, wish: float, room: tuple[float, float]) -> float:
        """Largest speed in the direction of `wish` that position limit and tracking bound allow."""
        if wish >= 0.0:
            limit, bound = self.upper - self.p, room[1]
        else:
            limit, bound = self.p - self.lower, room[0]
        # Each of the two distances allows a speed from which a stop within it is possible, see `approach_speed`. The
        # position limit is planned with a part of A and J, so that the last stretch is smooth. The tracking bound is
        # planned with more of A and all of J, as it moves with the arm.
        top = self._plan_v
        if limit < self._room:
            b = self._brake_v
            near = sqrt(b * b + self._brake_a * limit) - b if limit > 0.0 else 0.0
            top = near if near < top else top
        b = self._full_v
        if bound * self._twice_a < (top + 2.0 * b) * top:
            top = sqrt(b * b + bound * self._twice_a) - b if bound > 0.0 else 0.0
        return top

    def _try(self, j: float, dt: float, lower: float, upper: float) -> bool:
        """Take the state after dt s of jerk j if it is viable and reached within limits.

        Args:
            j: rad/s^3, within its limit.
            dt: s.
            lower, upper: where the stop must end, rad.
        """
        # The tick itself: constant jerk, so acceleration is linear and has its extremes at the ends. A jerk that would
        # lead past A is reduced, never raised.
        a0, v0, max_a, max_v = self.a, self.v, self.max_a, self.max_v
        a = a0 + j * dt
        if a > max_a or a < -max_a:
            a = max_a if a > 0.0 else -max_a
            j = (a - a0) / dt
        v = v0 + dt * (a0 + 0.5 * j * dt)
        # After the tick: on the stop from (p, v, a) the velocity lies between v, `final` and 0. `final` is the velocity
        # left when full jerk has brought the acceleration to 0: v + a |a| / (2 J).
        final = v + a * (a if a >= 0.0 else -a) / (2.0 * self.max_j)
        if not (-max_v <= v <= max_v and -max_v <= final <= max_v):  # false for nan too
            return False
        # Within the tick: where the acceleration changes sign the velocity has an extreme, v0 - a0^2 / (2 j).
        if a0 * a < 0.0 and abs(v0 - 0.5 * a0 * a0 / j) > max_v:
            return False
        # The position: the bound of `__init__` settles most ticks. Only near a limit the stop is computed.
        p = self.p + dt * (v0 + dt * (0.5 * a0 + dt * j / 6.0))
        speed, last = (v if v >= 0.0 else -v), (final if final >= 0.0 else -final)
        top = speed if speed > last else last
        room = top * (top * self._room_per_v2 + self._room_per_v)
        if p + room > upper or p - room < lower:
            low, high = stop_extent(v, a, self.max_a, self.max_j)
            if p + high > upper or p + low < lower:
                return False
        self.p, self.v, self.a = p, v, a
        if self.lower < self._lower or self.upper > self._upper:
            self._close_limits()
        return True

    def _close_limits(self) -> None:
        """After a start outside the limits: once further in, the joint may not go back out."""
        # The new state's own stop bounds the limits from within, so it stays viable and step 2 of the proof holds.
        low, high = stop_extent(self.v, self.a, self.max_a, self.max_j)
        self.lower = min(self._lower, self.p + low)
        self.upper = max(self._upper, self.p + high)
