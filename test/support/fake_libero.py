"""A process that answers like LIBERO's, with a world of a few lines: joints follow at once, a cube waits at a place."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from hume_libero.child.program import serve
from hume_libero.framing import PROTOCOL, Channel

TIMESTEP, STEPS_PER_ROW, STATES = 0.002, 25, 3
HOME = np.array([0.0, -0.161, 0.0, -2.445, 0.0, 2.227, 0.785])
BASE = np.array([-0.66, 0.0, 0.912])
START = np.array([-0.2085, 0.0, 1.173])
THING = np.array([-0.1, 0.02, 0.9, 1.0, 0.0, 0.0, 0.0])
GOAL = np.array([0.05, 0.2, 0.9, 1.0, 0.0, 0.0, 0.0])
SPEED = 0.3
"""Of a full row, m/s."""


class FakeWorld:
    """The tool goes where rows say, and carries the thing once it has closed near it. Success: it lies at the goal."""

    def __init__(self) -> None:
        self.state, self.steps = 0, 0
        self.joints, self.velocities = HOME.copy(), np.zeros(7)
        self.tool, self.finger = START.copy(), 0.02
        self.thing = THING.copy()
        self.size = 0

    def methods(self) -> dict[str, Any]:
        return {
            "hello": lambda: {"protocol": PROTOCOL, "versions": {"fake": "1"}},
            "tasks": self.tasks,
            "open": self.open,
            "reset": self.reset,
            "row": self.row,
            "joints": self.follow,
            "picture": self.picture,
        }

    def tasks(self, suite: str) -> list[dict[str, str]]:
        if not suite.startswith("libero_"):
            raise ValueError(f"suite '{suite}' is unknown")
        return [
            {"name": f"task_{i}", "instruction": f"do the {word} thing"} for i, word in enumerate(("first", "other"))
        ]

    def open(self, suite: str, task: int, seed: int, picture_size: int) -> dict[str, Any]:
        self.size = picture_size
        return {
            "instruction": f"do thing {task}", "of_interest": ["cream_cheese_1", "basket_1"], "states": STATES,
            "timestep": TIMESTEP, "steps_per_row": STEPS_PER_ROW, "base": BASE,
        }  # fmt: skip

    def reset(self, state: int) -> dict[str, Any]:
        size = self.size
        self.__init__()  # type: ignore[misc]
        self.size, self.state = size, state
        self.thing[0] += 0.01 * state
        return self.reading(True)

    def row(self, row: np.ndarray, objects: bool) -> dict[str, Any]:
        self._grip(-row[6])
        self.tool = self.tool + SPEED * STEPS_PER_ROW * TIMESTEP * np.clip(row[:3], -1.0, 1.0)
        if self.finger < 0.005 and np.linalg.norm(self.tool - self.thing[:3]) < 0.05:
            self.thing[:3] = self.tool
        self.steps += STEPS_PER_ROW
        return self.reading(objects)

    def follow(
        self,
        positions: np.ndarray,
        velocities: np.ndarray,
        grippers: np.ndarray,
        steps: list[int],
        objects: bool = False,
    ) -> dict[str, Any]:
        for position, velocity, gripper, count in zip(positions, velocities, grippers, steps, strict=True):
            self.joints = position + velocity * count * TIMESTEP
            self.velocities, self.finger = velocity, float(gripper)
            self.steps += count
        return self.reading(objects)

    def picture(self, camera: str, positions: np.ndarray) -> np.ndarray:
        """Its colour tells the camera, its brightness the first joint."""
        image = np.zeros((self.size, self.size, 3), np.uint8)
        image[..., ("agentview", "robot0_eye_in_hand").index(camera)] = np.clip(100 + 50 * positions[0], 0, 255)
        image[:, 0] = 255
        return image

    def reading(self, objects: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            "time": self.steps * TIMESTEP, "joints": self.joints, "velocities": self.velocities,
            "efforts": np.zeros(7), "fingers": np.array([self.finger, -self.finger]), "tool": self.tool,
            "tool_quaternion": np.array([0.0, 1.0, 0.0, 0.0]), "positions": self.joints,
            "success": bool(np.linalg.norm(self.thing[:2] - GOAL[:2]) < 0.02 and self.finger > 0.03),
        }  # fmt: skip
        return found | ({"objects": {"cream_cheese_1": self.thing, "basket_1": GOAL}} if objects else {})

    def _grip(self, opening: float) -> None:
        self.finger = float(np.clip(self.finger + 0.01 * np.sign(opening), 0.0, 0.04))


class InProcess:
    """Answers without a process, through the same bytes."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self._methods = self.world.methods()
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, method: str, **arguments: Any) -> Any:
        from hume_libero.framing import packed, unpacked

        self.asked.append((method, arguments))
        name, given = unpacked(packed([method, arguments]))
        return unpacked(packed(self._methods[name](**given)))


if __name__ == "__main__":
    print("a line that is no message", file=sys.stderr)
    serve(Channel(0, 1), FakeWorld().methods())
