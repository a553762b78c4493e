"""Evaluations, regression runs and the nodes go through the same three stages: there is one closed loop."""

from __future__ import annotations

import ast
import inspect
import time
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hume_bags.reader import BagReader
from hume_bags.regress.policy import load_policy
from hume_bags.regress.regress_settings import RegressOptions, settings_of
from hume_bags.regress.session import SteppedSession
from hume_bags.regress.stepper import StepOptions, step_session
from hume_core.chunk import Chunk
from hume_core.observation import Observation
from hume_core.robot import RobotProfile
from hume_ros.message_sync import MessageSource
from hume_ros.observation_buffer import JOINT_STATES, ObservationBuffer
from hume_session import Latencies, LatencyModel
from hume_sim.suites import find_suite
from hume_system1 import denoiser_node
from hume_system1 import node as system1_node
from hume_system1.control.core import ControlCore
from hume_system1.denoiser_node import DenoiserNode
from hume_system1.denoising_cycle import DenoisingCycle
from hume_system1.node import System1Node
from hume_system1.segment_planner import SegmentPlanner
from hume_system2 import node as system2_node
from hume_system2 import worker
from hume_system2.candidate_budget import CandidateBudget
from hume_system2.thinker import ThoughtResult
from hume_system2.thinking_cycle import Assignment, ThinkingCycle
from hume_system2.worker import ThinkingWorker
from hume_training.evaluation.policy import Policy
from hume_training.evaluation.rollout import Rollout
from hume_training.evaluation.variants import find_variant

ROOT = Path(__file__).parents[1]
BAG = Path(__file__).parent / "fixtures" / "bags" / "lift"
CHECKPOINT = ROOT / "src" / "hume_training" / "hume_training" / "checkpoints" / "wx250s_tabletop"
STAGES = (
    (ThinkingCycle, "begin"),
    (ThinkingCycle, "finish"),
    (DenoisingCycle, "begin"),
    (DenoisingCycle, "finish"),
    (ControlCore, "step"),
)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each stage gave something."""
    counter: Counter[str] = Counter()

    def counted(cls: type, name: str) -> Any:
        original = getattr(cls, name)

        def call(*args: Any) -> Any:
            found = original(*args)
            counter[f"{cls.__name__}.{name}"] += found is not None
            return found

        return call

    for cls, name in STAGES:
        monkeypatch.setattr(cls, name, counted(cls, name))
    return counter


def test_an_evaluated_episode_goes_through_the_stages_of_the_nodes(calls: Counter[str]) -> None:
    profile = RobotProfile.load("wx250s_sim")
    rollout = Rollout(Policy.load(str(CHECKPOINT)), profile, find_suite("lift", time_limit=0.6), find_variant("n2"))
    rollout.run(4, "lift green")
    rollout.close()
    # Thoughts at 0, 0.2, 0.4 and 0.6 s, each 0.1 s long. Segments at 20 Hz from 0.1 s on. 200 ticks a second.
    assert (calls["ThinkingCycle.begin"], calls["ThinkingCycle.finish"]) == (4, 3)
    assert (calls["DenoisingCycle.begin"], calls["DenoisingCycle.finish"]) == (10, 10)
    assert calls["ControlCore.step"] == pytest.approx(119, abs=1)


def test_a_regression_run_goes_through_the_stages_of_the_nodes(calls: Counter[str]) -> None:
    bag = BagReader(BAG)
    settings = settings_of(RegressOptions(BAG, robot="wx250s_sim", candidates=2), bag.provenance)
    profile = RobotProfile.load("wx250s_sim")
    policy, profile = load_policy(str(CHECKPOINT), profile, settings)
    session = SteppedSession(bag, profile, policy.cameras)
    arrivals = session.arrivals()
    first = next(arrivals).time
    part = takewhile(lambda arrival: arrival.time < first + 3_000_000_000, session.arrivals())
    latency = LatencyModel(Latencies.constant(0.15), Latencies.constant(0.05))
    journal = step_session(part, profile, policy, latency, StepOptions())
    bag.close()
    assert calls["ThinkingCycle.begin"] >= 5
    assert calls["ThinkingCycle.finish"] == journal.thought_count
    assert calls["DenoisingCycle.begin"] > 20
    assert 20 < calls["DenoisingCycle.finish"] <= calls["DenoisingCycle.begin"]
    assert calls["ControlCore.step"] == pytest.approx(600, abs=30)


def joint_state(profile: RobotProfile, stamp: float) -> Any:
    """As `sensor_msgs/JointState`."""
    nanoseconds = round(stamp * 1e9)
    gripper = [] if profile.gripper is None else [profile.gripper.joint]
    names = [*profile.joint_names, *gripper]
    header = SimpleNamespace(
        stamp=SimpleNamespace(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)
    )
    zeros = [0.0] * len(names)
    return SimpleNamespace(header=header, name=names, position=zeros, velocity=zeros, effort=zeros)


class Thinker:
    """Thinks of nothing."""

    def enter_thread(self) -> None:
        """No model, no threads."""

    def think(self, observation: Observation, in_progress: object, candidates: int) -> ThoughtResult:
        rows, one = np.zeros((16, 8), np.float32), np.ones(1, np.float32)
        return ThoughtResult(rows, rows[None], one, one, one, 0.0)


def test_the_worker_of_system2_goes_through_the_cycle(calls: Counter[str]) -> None:
    profile = RobotProfile.load("wx250s_sim")
    source = MessageSource()
    observer = ObservationBuffer(profile, {JOINT_STATES: source})
    cycle = ThinkingCycle(observer, profile, time.monotonic(), 10, "model")
    chunks: list[Chunk] = []
    problems: list[str] = []
    thinker: Any = Thinker()
    budget = CandidateBudget(1, 4.0)
    thinking = ThinkingWorker(
        thinker, observer, cycle, time.time, lambda c, _: chunks.append(c), problems.append, budget
    )
    thinking.start()
    thinking.assign(Assignment("lift", 1))
    give_up = time.monotonic() + 20.0
    while len(chunks) < 2 and time.monotonic() < give_up:
        source.deliver(joint_state(profile, time.time()))
        time.sleep(0.01)
    thinking.stop()
    assert not problems
    assert not thinking.error
    assert [chunk.seq for chunk in chunks[:2]] == [11, 12]
    assert calls["ThinkingCycle.begin"] >= 2
    assert calls["ThinkingCycle.finish"] >= len(chunks)


class Rows:
    """The chunk's own rows."""

    chunk_size, segment_size = 16, 8
    origin = "anchor"

    def segment(
        self, observation: Observation, rows: NDArray[np.float32], stamp: float, moved: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return self.unnormalise(rows[:8])

    def unnormalise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return rows[:, :7].astype(np.float64)


def test_the_round_of_the_denoiser_goes_through_the_cycle(calls: Counter[str]) -> None:
    profile = RobotProfile.load("wx250s_sim")
    source = MessageSource()
    cycle = DenoisingCycle(
        SegmentPlanner(Rows(), profile), ObservationBuffer(profile, {JOINT_STATES: source}), profile, 4
    )
    published: list[Any] = []
    node: Any = SimpleNamespace(
        _cycle=cycle, _now=lambda: 100.1, _finished=[], _segments=SimpleNamespace(publish=published.append),
        _note_reach=lambda unreachable: None,
    )  # fmt: skip
    assert not DenoiserNode._denoise_once(node)
    source.deliver(joint_state(profile, 100.05))
    space = profile.action_layout().action_space
    rows, anchor = np.zeros((16, 8), np.float32), np.zeros(6)
    cycle.offer(Chunk(100.0, 1, 1, 0.05, rows, anchor, profile.joint_names, space), 100.1)
    assert DenoiserNode._denoise_once(node)
    assert [message.seq for message in published] == [5]
    assert (calls["DenoisingCycle.begin"], calls["DenoisingCycle.finish"]) == (1, 1)


def test_the_tick_of_system1_is_a_step_of_the_core(calls: Counter[str]) -> None:
    core = ControlCore(RobotProfile.load("wx250s_sim").motion_limits())
    node: Any = SimpleNamespace(_core=core, _sinks=[], _black_box=None, _ros_now=lambda: 1.0)
    for tick in range(3):
        System1Node._tick(node, 0.005 * tick)
    assert calls["ControlCore.step"] == 3
    assert not core.error
    assert called(System1Node, "step") == ["core.step"]


def called(scope: Any, name: str) -> list[str]:
    """Calls of methods of a name in a module or class, as they are written."""
    tree = ast.parse(inspect.getsource(scope))
    return [
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


def loops(module: Any) -> Iterator[str]:
    """Loops without an end of their own, each as its condition."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.While):
            yield ast.unparse(node.test)


def test_the_nodes_leave_everything_to_the_stages() -> None:
    assert called(worker, "begin") == ["self._cycle.begin"]
    assert called(worker, "finish") == ["self._cycle.finish"]
    assert called(denoiser_node, "begin") == ["self._cycle.begin"]
    assert called(denoiser_node, "refine") == ["self._cycle.refine"]
    assert called(denoiser_node, "finish") == ["self._cycle.finish"]
    # Only these turn over. What they do in a turn is up to the cycles.
    stopping = "not self._stopping.is_set()"
    assert [list(loops(module)) for module in (system2_node, worker, denoiser_node)] == [[], [stopping], [stopping]]
    # System 1 waits in loops while it starts and ends. It ticks in the command loop alone.
    assert "CommandLoop(self._tick" in ast.unparse(ast.parse(inspect.getsource(system1_node)))
    for module, stages in (
        (system2_node, {"ThinkingCycle": ThinkingCycle, "ThinkingWorker": ThinkingWorker}),
        (denoiser_node, {"DenoisingCycle": DenoisingCycle, "SegmentPlanner": SegmentPlanner}),
        (system1_node, {"ControlCore": ControlCore}),
    ):
        assert {name: getattr(module, name, None) for name in stages} == stages


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
