"""What the layouts show of a robot, by the names of its profile."""

from __future__ import annotations

from dataclasses import dataclass

from hume_bags.topics import resolved
from hume_core.robot import RobotProfile


@dataclass(frozen=True)
class Shown:
    """A robot in a namespace.

    Attributes:
        profile: of the robot.
        namespace: of its topics, without slashes around it. Empty: the root.
    """

    profile: RobotProfile
    namespace: str = ""

    def topic(self, name: str) -> str:
        """The fully qualified name of a topic or service."""
        return resolved(name, self.namespace)

    @property
    def cameras(self) -> dict[str, str]:
        """Policy key -> image topic."""
        return {key: self.topic(camera.topic) for key, camera in self.profile.cameras.items()}

    @property
    def base_link(self) -> str:
        """The frame in which the tool is drawn. With several arms that of the first."""
        section = next((arm.kinematics for arm in self.profile.tool_arms), None)
        return "base_link" if section is None else section.base_link

    @property
    def draws_tool(self) -> bool:
        """Whether there are markers of it."""
        return bool(self.profile.tool_arms)
