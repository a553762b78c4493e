"""Which faults the simulator can have. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

from hume_sim.arm import ArmNames

FAULTS = ("pause_cameras", "pause_joint_states", "lie_joint_states", "freeze_clock")
_OF_ONE_ARM = ("pause_joint_states", "lie_joint_states")


def faults_of(arms: Sequence[ArmNames]) -> tuple[str, ...]:
    """Every fault where these arms stand at the table. Of several, each may also fall silent or lie by itself."""
    return (*FAULTS, *(arm.prefix + name for arm in arms if arm.side for name in _OF_ONE_ARM))
