"""Arms of simulators, with which demonstrations were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hume_core.kinematics.dynamics import LinkInertia, Mechanics

_Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
_Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
_Triple = Annotated[tuple[_Number, ...], Field(min_length=3, max_length=3)]
_Six = Annotated[tuple[_Number, ...], Field(min_length=6, max_length=6)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SimulatedLink(_Part):
    """What a joint carries up to the next one.

    Attributes:
        mass: kg.
        center: of mass in the axes of the joint, m.
        inertia: xx, yy, zz, xy, xz, yz about that centre, kg m^2.
    """

    mass: _Positive
    center: _Triple
    inertia: _Six


class SimulatedArm(_Part):
    """Mechanics of an arm in a simulator, joint by joint. Its kinematics is the robot's.

    Attributes:
        effort: largest torque, Nm.
        armature: inertia of the drive, kg m^2.
        damping: Nm s/rad. friction: Nm.
        links: one per joint. The last one holds all that follows.
        drag: torque on the tool per squared angular velocity (Nm s^2), and force per squared velocity (N s^2/m^2).
        posture: where spare joints are drawn to, rad. Left out: where they are at the observation.
        posture_kp: how strongly, 1/s^2. Critically damped.
    """

    effort: Annotated[tuple[_Positive, ...], Field(min_length=1)]
    armature: tuple[_Amount, ...]
    damping: tuple[_Amount, ...]
    friction: tuple[_Amount, ...]
    links: tuple[SimulatedLink, ...]
    drag: tuple[_Amount, _Amount] = (0.0, 0.0)
    posture: tuple[_Number, ...] | None = None
    posture_kp: _Amount = 10.0

    @model_validator(mode="after")
    def _one_number_per_joint(self) -> SimulatedArm:
        lists = ("effort", "armature", "damping", "friction", "links", "posture")
        sizes = {name: len(found) for name in lists if (found := getattr(self, name)) is not None}
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise ValueError(f"every list needs one entry per joint; {found}")
        return self

    def mechanics(self) -> Mechanics:
        """The same for the computation."""
        links = tuple(LinkInertia(link.mass, link.center, link.inertia) for link in self.links)
        return Mechanics(
            links, self.effort, self.armature, self.damping, self.friction, self.drag[0], self.drag[1], self.posture_kp
        )


def _round_link(mass: float, center: tuple[float, float, float], inertia: float) -> SimulatedLink:
    return SimulatedLink(mass=mass, center=center, inertia=(inertia, inertia, inertia, 0.0, 0.0, 0.0))


ROBOSUITE_PANDA = SimulatedArm(
    effort=(80.0, 80.0, 80.0, 80.0, 80.0, 12.0, 12.0),
    armature=(5.0, 2.5, 1.6667, 1.25, 1.0, 0.83333, 0.71429),
    damping=(0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01),
    friction=(0.1,) * 7,
    links=(
        _round_link(3.0, (0.0, 0.0, -0.07), 0.3),
        _round_link(3.0, (0.0, -0.1, 0.0), 0.3),
        _round_link(2.0, (0.04, 0.0, -0.05), 0.2),
        _round_link(2.0, (-0.04, 0.05, 0.0), 0.2),
        _round_link(2.0, (0.0, 0.0, -0.15), 0.2),
        _round_link(1.5, (0.06, 0.0, 0.0), 0.1),
        SimulatedLink(mass=1.52, center=(0.0, 0.0, 0.14624), inertia=(0.21911, 0.21907, 0.20027, 0.01987, 0.0, 0.0)),
    ),
    drag=(6.75, 9.0),
)
"""robosuite 1.4.1's Panda with its hand: the figures of its model files. Its two fingertips have the inertia of boxes
2.4 m wide, which MuJoCo lets air brake (density 1.2 kg/m^3): at 1.4 rad/s that takes all of the wrist's 12 Nm."""

SIMULATED_ARMS: Mapping[str, SimulatedArm] = MappingProxyType({"robosuite_panda": ROBOSUITE_PANDA})
"""Name -> arm."""


def _by_name(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in SIMULATED_ARMS:
        raise ValueError(f"simulated arm '{value}' is unknown. Valid: {', '.join(SIMULATED_ARMS)}, or its numbers")
    return SIMULATED_ARMS[value]


SimulatedArmField = Annotated[SimulatedArm, BeforeValidator(_by_name)]
"""An arm in a profile or contract: a name, or a mapping with its numbers."""
