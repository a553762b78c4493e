"""Whether a state can be what a checkpoint was trained on, by the checkpoint's own mean and standard deviation."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from hume_core.action_spaces.joint_units import AngleUnit
from hume_core.errors import ObservationError
from hume_core.normalization import Normalizer
from hume_core.state.kinds import GripperForm, StateField
from hume_core.state.parts import GripperPart, JointPart, StatePart
from hume_core.state_composer import StateComposer

_DEGREES = 180.0 / pi
_OF_RANGE = 0.15
"""Of a gripper's range."""


def check_first_state(
    state: NDArray[np.float32], normalizer: Normalizer, composer: StateComposer, deviations: float
) -> None:
    """Refuse a state that is many standard deviations off: its numbers mean something else than in training.

    Args:
        state: (s,) as composed.
        normalizer: of the checkpoint. One without statistics of the state refuses nothing.
        composer: of the state.
        deviations: how many are allowed. Inf: any. Each kind of number has a smallest standard deviation.

    Raises:
        ObservationError: names the number, its value, the mean in training, and the likely cause.
    """
    known = normalizer.state_distribution()
    if known is None or not np.isfinite(deviations):
        return
    mean, std = (numbers.detach().cpu().numpy().astype(np.float64) for numbers in known)
    parts = [(part, i) for part in composer.profile.state for i in range(composer.size_of(part))]
    spread = np.maximum(std, [_smallest(part, composer) for part, _ in parts])
    off = np.abs(state - mean) / spread
    worst = int(np.argmax(off))
    if off[worst] <= deviations:
        return
    part, _ = parts[worst]
    raise ObservationError(
        f"the first state does not look like the checkpoint's training data: '{composer.names[worst]}' is "
        f"{state[worst]:.4g}, in training it was {mean[worst]:.4g} with a standard deviation of {std[worst]:.4g} "
        f"({off[worst]:.0f} times {spread[worst]:.3g} off. Parameter state_deviations allows {deviations:g}). "
        f"Likely cause: {_likely_cause(part, float(state[worst]), float(mean[worst]), float(spread[worst]))}"
    )


def _smallest(part: StatePart, composer: StateComposer) -> float:
    """Smallest standard deviation that a number of a part is judged by: no position of the gripper is refused."""
    if not isinstance(part, GripperPart) or part.form not in (GripperForm.POSITION, GripperForm.FINGERS):
        return part.spread()
    grippers = [each for each in composer.profile.grippers if each.joint in (part.joints or composer.gripper_names)]
    return max(part.spread(), *(_OF_RANGE * abs(gripper.open - gripper.closed) for gripper in grippers))


def _likely_cause(part: StatePart, value: float, mean: float, spread: float) -> str:
    """In words. A conversion that explains the number is named first."""
    if isinstance(part, JointPart):
        return _joint_cause(part, value, mean, spread)
    if isinstance(part, GripperPart):
        return _gripper_cause(part, value, mean, spread)
    if part.field is StateField.TOOL_POSITION:
        return (
            "another world frame or tool frame (tool.base and tool.offset of the contract), a contract of another "
            "release, or an arm far from where training began. Move it there"
        )
    if part.field is StateField.TOOL_ROTATION:
        return (
            "another format, branch or reference of the rotation in the contract, another tool frame, or a tool that "
            "points elsewhere than in training. Move the arm to where training began"
        )
    return "this number is always the same here and was not in training. The contract's order of the state is wrong"


def _joint_cause(part: JointPart, value: float, mean: float, spread: float) -> str:
    degrees = part.unit is AngleUnit.DEG
    other = value / _DEGREES if degrees else value * _DEGREES
    if abs(other - mean) < 2.0 * spread or (not degrees and abs(mean) > 2.0 * pi):
        found, wanted = ("degrees", "rad") if degrees else ("rad", "deg")
        return f"the checkpoint counts in {wanted}, the state is in {found}. Set the unit of this part of the contract"
    if abs(value + mean) < 2.0 * spread:
        return "the sign of this joint is the other way round. Set sign in the contract"
    return (
        "another zero of this joint (offset in the contract), another unit, another order of joints, or an arm far "
        "from where training began. Move it there"
    )


def _gripper_cause(part: GripperPart, value: float, mean: float, spread: float) -> str:
    forms = (GripperForm.OPENING, GripperForm.CLOSEDNESS)
    if part.form in forms and abs(1.0 - value - mean) < 2.0 * spread:
        other = forms[1 - forms.index(part.form)]
        return f"open and closed are the other way round. Use form '{other.value}' in the contract"
    return "another form of the gripper's number (position in m, opening 0..1, percent, fingers) in the contract"
