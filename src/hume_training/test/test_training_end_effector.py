"""The simulated arm under action rows about its tool: the expert's own motion, as displacements of the tool."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hume_core.action_spaces import ActionLayout
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_kinematics
from hume_sim.suites import find_suite
from hume_system2.model.thought import Thought
from hume_system2.thinking_cycle import PendingThought, ThinkingCycle
from hume_training.collect.plan import PlannedEpisode
from hume_training.collect.recorder import RATE, Recorder, RecorderOptions
from hume_training.evaluation.arm import EPOCH_START
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.variants import find_variant

ROBOTS = Path(__file__).parents[2] / "hume_bringup" / "config" / "robots"
SEED, TASK, HORIZON = 4, "lift green", 16
CONFIG = SimpleNamespace(
    s1_origin="anchor", s2_chunk_size=HORIZON, s1_chunk_size=8, max_action_dim=8, action_dim=7, num_candidates=1
)


@pytest.fixture(autouse=True)
def _robots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUME_ROBOTS", str(ROBOTS))


class ExpertAboutTheTool:
    """Proposes what the expert did in the same scene from the observation on, in the rows of a layout.

    Args:
        actions: of the expert: joint targets (k, 6) and the gripper's opening, 20 Hz.
        layout: how a row is written.
        stamps: of the observations that are thought about, s. The last one is the newest.
    """

    config, contract = CONFIG, None

    def __init__(self, actions: np.ndarray, layout: ActionLayout, stamps: list[float]) -> None:
        self._actions, self._layout, self._stamps = actions.astype(np.float64), layout, stamps

    def unnormalise(self, rows: Any) -> torch.Tensor:
        return torch.as_tensor(rows)[..., :7]

    def think(self, observation: Any, candidates: int, time_temp: Any, noise: torch.Tensor, **_: Any) -> Thought:
        frame = round((self._stamps[-1] - EPOCH_START * 1e-9) * RATE)
        ahead = self._actions[np.minimum(frame + np.arange(HORIZON), len(self._actions) - 1)]
        anchor = np.asarray(observation.state[0, -1, :6], dtype=np.float64)
        rows = self._layout.from_joints(ahead[:, :6], ahead[:, 6:], anchor).astype(np.float32)
        chunk = torch.nn.functional.pad(torch.from_numpy(rows), (0, 1))[None]
        one = torch.ones(1, 1)
        return Thought(chunk[None], one, one, chunk, one[0], one[0])


@pytest.fixture(scope="module")
def actions() -> np.ndarray:
    recorder = Recorder(RecorderOptions(burst_rate=0.0))
    episode = recorder.record(PlannedEpisode(SEED, TASK))
    recorder.close()
    assert episode.success
    return episode.columns["action"]


@pytest.fixture
def stamps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stamps of the observations that were thought about, s."""
    noted: list[float] = []
    begin = ThinkingCycle.begin

    def noting(cycle: ThinkingCycle, steady: float, now: float) -> PendingThought | None:
        task = begin(cycle, steady, now)
        if task is not None:
            noted.append(task.frame.stamp)
        return task

    monkeypatch.setattr(ThinkingCycle, "begin", noting)
    return noted


@pytest.mark.parametrize(
    ("space", "conventions"),
    [
        ("ee_delta", {}),
        ("ee_delta", {"frame": "tool", "rotation": "rpy", "scale": (0.05, 0.05, 0.05, 0.5, 0.5, 0.5)}),
        ("ee_pose", {}),
    ],
)
def test_the_experts_motion_of_the_tool_lifts_the_cube(
    actions: np.ndarray, stamps: list[float], space: str, conventions: dict[str, Any]
) -> None:
    profile = RobotProfile.load("wx250s_sim").with_action(space, **conventions)
    system2 = ExpertAboutTheTool(actions, profile.action_layout(load_kinematics(profile)), stamps)
    policy = Policy(system2, system2)  # type: ignore[arg-type]
    rollout = Rollout(policy, profile, find_suite("lift", time_limit=6.0), find_variant("n1_no_system1"))
    outcome = rollout.run(SEED, TASK)
    rollout.close()
    assert outcome.fault == ""
    assert outcome.success
    assert outcome.duration < 4.0
