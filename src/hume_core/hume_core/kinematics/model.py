"""An arm's forward kinematics and Jacobian, by Pinocchio, which is imported when a model is built."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hume_core.errors import KinematicsError
from hume_core.kinematics.rotation import Pose


class ArmModel:
    """The chain from a base link to a tool link. Every other joint of the robot stays at its zero position.

    Not safe for use by two threads at once.

    Args:
        urdf: text of the robot description.
        joints: the arm's n joints in policy order.
        base_link: what poses are seen from.
        tool_link: the end effector's frame.

    Raises:
        KinematicsError: Pinocchio is not installed, a joint or link is missing, or a joint does not move the tool.
    """

    def __init__(self, urdf: str, joints: Sequence[str], base_link: str, tool_link: str) -> None:
        self._pin: Any = _pinocchio()
        self.joints = tuple(joints)
        self._model = self._reduced(urdf)
        self._data = self._model.createData()
        self._base, self._tool = self._frame("base_link", base_link), self._frame("tool_link", tool_link)
        self._check_chain(base_link, tool_link)
        parts = [self._model.joints[self._model.getJointId(name)] for name in self.joints]
        self._columns = np.array([part.idx_v for part in parts])
        self._plain = [(i, part.idx_q) for i, part in enumerate(parts) if part.nq == 1]
        # A continuous joint has two coordinates, cosine and sine.
        self._continuous = [(i, part.idx_q) for i, part in enumerate(parts) if part.nq == 2]
        self._q = self._pin.neutral(self._model)
        self._compute(np.zeros(len(self.joints)))
        base = self._data.oMf[self._base]
        self._base_turn, self._base_position = base.rotation.T.copy(), base.translation.copy()

    @property
    def size(self) -> int:
        """Number of joints n."""
        return len(self.joints)

    def forward(self, positions: NDArray[np.float64]) -> Pose:
        """Pose of the tool in the base frame at joint positions (n,), rad."""
        self._compute(positions)
        return self._tool_pose()

    def tool_positions(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the tool is in the base frame (k, 3), m, at joint positions (k, n), rad."""
        found = np.empty((len(positions), 3))
        for place, joints in zip(found, positions, strict=True):
            self._compute(joints)
            place[:] = self._data.oMf[self._tool].translation
        return np.asarray((found - self._base_position) @ self._base_turn.T)

    def forward_and_jacobian(self, positions: NDArray[np.float64]) -> tuple[Pose, NDArray[np.float64]]:
        """Pose of the tool, and (6, n) Jacobian.

        Its rows are the linear (m/rad) and angular (rad/rad) velocity of the tool's origin in base axes, its columns
        the joints in policy order.
        """
        self._set(positions)
        frame = self._pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        jacobian = self._pin.computeFrameJacobian(self._model, self._data, self._q, self._tool, frame)
        turned = np.concatenate([self._base_turn @ jacobian[:3], self._base_turn @ jacobian[3:]])
        return self._tool_pose(), turned[:, self._columns]

    def with_inertias(self, links: Sequence[tuple[float, Sequence[float], Sequence[float]]]) -> ArmModel:
        """The same arm with other masses.

        Args:
            links: for each joint what it carries: mass (kg), its centre (3,) in the joint's axes (m), and inertia
                about it (6,): xx, yy, zz, xy, xz, yz (kg m^2).
        """
        twin = copy(self)
        twin._model, twin._q = self._model.copy(), self._q.copy()
        for name, (mass, center, inertia) in zip(self.joints, links, strict=True):
            xx, yy, zz, xy, xz, yz = inertia
            about = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            joint = twin._model.getJointId(name)
            twin._model.inertias[joint] = self._pin.Inertia(mass, np.array(center, dtype=np.float64), about)
        twin._data = twin._model.createData()
        return twin

    def inertia_and_bias(
        self, positions: NDArray[np.float64], velocities: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint-space inertia (n, n), and torques (n,), Nm, of gravity and of the motion, at (n,) rad and rad/s."""
        self._set(positions)
        speeds = np.zeros(self._model.nv)
        speeds[self._columns] = velocities
        upper = np.triu(self._pin.crba(self._model, self._data, self._q))
        inertia = upper + np.triu(upper, 1).T
        bias = self._pin.nonLinearEffects(self._model, self._data, self._q, speeds)
        return inertia[np.ix_(self._columns, self._columns)], np.asarray(bias)[self._columns]

    def _reduced(self, urdf: str) -> Any:
        if "<robot" not in urdf:
            raise KinematicsError("the robot description is not a URDF: it has no <robot> element")
        try:
            whole = self._pin.buildModelFromXML(urdf)
        except (ValueError, RuntimeError) as error:
            raise KinematicsError(f"Pinocchio cannot read the robot description: {error}") from error
        moving = list(whole.names)[1:]
        for name in self.joints:
            if name not in moving:
                raise KinematicsError(f"joint '{name}' is not in the URDF. Its movable joints: {', '.join(moving)}")
        locked = [whole.getJointId(name) for name in moving if name not in self.joints]
        return self._pin.buildReducedModel(whole, locked, self._pin.neutral(whole))

    def _frame(self, field: str, link: str) -> int:
        links = [frame.name for frame in self._model.frames if frame.type == self._pin.FrameType.BODY]
        if link not in links:
            raise KinematicsError(f"{field} '{link}' is not in the URDF. Its links: {', '.join(links)}")
        return int(self._model.getFrameId(link, self._pin.FrameType.BODY))

    def _check_chain(self, base_link: str, tool_link: str) -> None:
        base_joint = self._model.frames[self._base].parentJoint
        if base_joint != 0:
            raise KinematicsError(
                f"base_link '{base_link}' moves with joint '{self._model.names[base_joint]}'. Take a link before it"
            )
        chain = {self._model.names[i] for i in self._model.supports[self._model.frames[self._tool].parentJoint]}
        idle = [name for name in self.joints if name not in chain]
        if idle:
            raise KinematicsError(
                f"joint '{idle[0]}' does not move tool_link '{tool_link}'. Take a link at the end of the arm"
            )

    def _set(self, positions: NDArray[np.float64]) -> None:
        for i, column in self._plain:
            self._q[column] = positions[i]
        for i, column in self._continuous:
            self._q[column], self._q[column + 1] = np.cos(positions[i]), np.sin(positions[i])

    def _compute(self, positions: NDArray[np.float64]) -> None:
        self._set(positions)
        self._pin.framesForwardKinematics(self._model, self._data, self._q)

    def _tool_pose(self) -> Pose:
        placement = self._data.oMf[self._tool]
        turn = self._base_turn
        return Pose(turn @ (placement.translation - self._base_position), turn @ placement.rotation)


def _pinocchio() -> Any:
    try:
        import pinocchio
    except ImportError as error:
        raise KinematicsError(
            f"end-effector actions need Pinocchio ({error}). Install it: pip install -r setup/requirements.txt, or "
            "pip install pin"
        ) from error
    return pinocchio
