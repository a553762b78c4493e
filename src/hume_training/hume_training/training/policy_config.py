"""What every training of a policy on demonstrations needs: what the dataset's numbers are, and what is taught."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from hume_core.action_spaces import ActionSpace, AngleUnit, DeltaFrame, Reference, RotationFormat, find_action_space
from hume_core.errors import ConfigError
from hume_core.robot import RobotProfile
from hume_core.robot_errors import describe_problem
from hume_core.sections import Section
from hume_core.state.kinds import StateField
from hume_core.state.parts import StatePart, state_parts
from hume_core.texts import shown
from hume_training.data.layout_options import ARM, LayoutOptions
from hume_training.data.row_layout import GripperColumn, Rows
from hume_training.training.base_config import TrainingConfig
from hume_training.training.config_values import Arms, Grippers, Joints, Names, Numbers, Parts, Word

_UNITS = ("", "rad", "deg")
_CONVENTIONS = ("frame", "rotation", "scale", "reference", "response")


@dataclass(frozen=True)
class PolicyConfig(TrainingConfig):
    """What every training of a policy on demonstrations needs besides.

    What the numbers of a dataset are follows from their names. Where the names do not say it, the fields from `robot`
    to `unit` do.

    Attributes:
        action_space: what the arm's numbers of an action row mean. As System 2 was trained, for the other trainings.
        robot: profile of the robot that was recorded: it names joints and gripper, and its kinematics makes rows about
            the tool of joints.
        joints: of the only arm, in the order of its numbers. Or how many there must be.
        arms: joints of each arm, where there are several.
        grippers: joints of the grippers. With their numbers for closed and open, where those are known.
        row: arms and grippers in the order of the numbers of an action row.
        state: parts of `observation.state` in order, as in a contract. See `hume_core.state.parts`.
        unit: of the dataset's joints: "rad" or "deg". Empty: as the names say.
        dataset_actions: what the dataset's action rows are about: "joints" (absolute targets) or "tool". Empty: as the
            names say.
        frame, rotation, scale, reference, response: how rows about the tool are written, see
            `hume_core.action_spaces.Conventions`. Empty: as the checkpoint or the names say, else the defaults.

    Raises:
        ActionSpaceError: unknown action space.
        ConfigError: a field has another value than those.
        RobotProfileError: unknown robot.
    """

    action_space: str = "joint_delta"
    robot: str = ""
    joints: Joints = ()
    arms: Arms = field(default_factory=dict)
    grippers: Grippers = None
    row: Names = ()
    state: Parts = ()
    unit: str = ""
    dataset_actions: str = ""
    frame: str = ""
    rotation: str = ""
    scale: Numbers = ()
    reference: str = ""
    response: Word = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, valid in (
            ("unit", _UNITS),
            ("dataset_actions", ("", *(rows.value for rows in Rows))),
            ("frame", ("", *(frame.value for frame in DeltaFrame))),
            ("rotation", ("", *(form.value for form in RotationFormat))),
            ("reference", ("", *(reference.value for reference in Reference))),
        ):
            if getattr(self, name) not in valid:
                listed = ", ".join(valid[1:])
                raise ConfigError(f"training field '{name}' is '{getattr(self, name)}'. Valid: {listed}")
        if self.scale and (len(self.scale) != 6 or min(self.scale) <= 0.0):
            raise ConfigError(f"training field 'scale' is {list(self.scale)}. It must be six positive numbers")
        if self.arms and self.joints:
            raise ConfigError(
                "training fields 'joints' and 'arms' are both given. The field joints is for a single arm"
            )
        useful = self.space.written_with
        given = [name for name in _CONVENTIONS if getattr(self, name) and name not in useful]
        if given:
            raise ConfigError(f"training field '{given[0]}' has no use with action_space '{self.action_space}'")

    @property
    def space(self) -> ActionSpace:
        """The action space, without its conventions."""
        return find_action_space(self.action_space)()

    @property
    def profile(self) -> RobotProfile | None:
        """Of the robot that was recorded."""
        return RobotProfile.load(self.robot) if self.robot else None

    @property
    def layout_options(self) -> LayoutOptions:
        """What the configuration says of the dataset's numbers."""
        single = {ARM: self.joints} if isinstance(self.joints, tuple) and self.joints else {}
        grippers = None
        if self.grippers is not None:
            grippers = tuple(GripperColumn(name, -1, *ends) for name, ends in self.grippers.items())
        return LayoutOptions(
            rows=Rows(self.dataset_actions) if self.dataset_actions else None,
            arms=tuple((self.arms or single).items()),
            grippers=grippers,
            row=self.row,
            state=self._state_parts,
            unit=self.unit,
            profile=self.profile,
        )

    @property
    def _state_parts(self) -> tuple[StatePart, ...]:
        joints = [field.value for field in (StateField.JOINT_POSITIONS, StateField.JOINT_VELOCITIES)]
        unit = self.unit or AngleUnit.RAD.value
        # A word alone is in the unit of all joints.
        given = [{"field": part, "unit": unit} if part in joints else part for part in self.state]
        try:
            return state_parts(given)
        except ValidationError as error:
            problem = describe_problem(error, list(self.state), Section)
            raise ConfigError(f"training field 'state' is {shown(list(self.state))}: {problem}") from error
