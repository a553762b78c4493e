"""`hume regress`: a recorded session, stepped; its command stream, compared with a golden one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from hume_core.kinematics import load_kinematics
from hume_core.limits_file import tightened
from hume_core.robot import RobotProfile
from hume_system1.denoiser import ChunkSwitch
from hume_system2.thinker import ThinkingOptions
from hume_tools.bags.reader import BagReader
from hume_tools.checkpoints import default_checkpoint
from hume_tools.regress.compare import Comparison, compare
from hume_tools.regress.environment import environment
from hume_tools.regress.findings import Tolerance
from hume_tools.regress.journal import MODES, REASONS, Journal
from hume_tools.regress.latency import DEFAULT_DENOISE, DEFAULT_THINK, Latencies, LatencyModel
from hume_tools.regress.policy import Policy, load_policy
from hume_tools.regress.remote import in_processes
from hume_tools.regress.session import Session, SessionError
from hume_tools.regress.stepper import StepOptions, step_session
from hume_tools.regress.stream import CommandStream, read_stream

SAME, DIFFERS = 0, 1


@dataclass(frozen=True)
class RegressOptions:
    """What to replay and how.

    Attributes:
        bag: folder or .mcap file.
        golden: canonical file to compare with; None: only run.
        checkpoint: folder or hub name; empty: as recorded, else the default one of the robot.
        robot: profile; empty: as recorded.
        limits_file: tightens the profile; empty: none.
        namespace: of the recorded nodes; None: found by the joint states.
        task: instruction where none was recorded.
        candidates, time_temp, noise_temp, seed, dtype, refine, chunk_switch: as of the nodes.
        think_latency, denoise_latency: s; None: as measured in the bag.
        tolerance: between different environments.
        write, json_file, html: files to write; None: none.
    """

    bag: Path
    golden: Path | None = None
    checkpoint: str = ""
    robot: str = ""
    limits_file: str = ""
    namespace: str | None = None
    task: str = ""
    candidates: int = 5
    time_temp: tuple[float, float] = (0.9, 1.0)
    noise_temp: tuple[float, float] = (1.0, 1.0)
    seed: int = 0
    dtype: str = "float32"
    refine: bool = True
    chunk_switch: str = "boundary"
    think_latency: float | None = None
    denoise_latency: float | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    write: Path | None = None
    json_file: Path | None = None
    html: Path | None = None


@dataclass(frozen=True)
class Result:
    """A run and what it was compared with.

    Attributes:
        stream: what came out.
        golden: what was expected; None without a golden file.
        comparison: of the two; None without a golden file.
        problems: what is damaged or was skipped in the bag.
        duration: length of the session, s.
        wall_time: stepping took this long, s; loading is not counted.
        processor_time: seconds of processor time of stepping and inference.
    """

    stream: CommandStream
    golden: CommandStream | None
    comparison: Comparison | None
    problems: list[str]
    duration: float
    wall_time: float
    processor_time: float

    @property
    def realtime_factor(self) -> float:
        """Length of the session over the time it took."""
        return self.duration / self.wall_time if self.wall_time > 0 else float("inf")


def run_regress(options: RegressOptions) -> int:
    """Replay, compare, report; the exit code: 0 same (or nothing to compare with), 1 differs.

    Raises:
        HumeError: the bag, the golden file, the robot or the checkpoint cannot be used (exit code 2).
    """
    from hume_tools.regress.report import print_report, write_json

    result = regress(options)
    if options.write is not None:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_bytes(result.stream.to_bytes())
    print_report(result)
    if options.json_file is not None:
        write_json(result, options.json_file)
    if options.html is not None:
        from hume_tools.regress.page import write_page

        write_page(result, options.html)
    return DIFFERS if result.comparison is not None and not result.comparison.same else SAME


def regress(options: RegressOptions) -> Result:
    """Replay and compare.

    Raises:
        HumeError: see `run_regress`.
    """
    golden = read_stream(options.golden) if options.golden is not None else None
    bag = BagReader(options.bag)
    try:
        return _regress(options, bag, golden)
    finally:
        bag.close()


def _regress(options: RegressOptions, bag: BagReader, golden: CommandStream | None) -> Result:
    robot = _robot(options, bag.provenance)
    profile = tightened(RobotProfile.load(robot), options.limits_file)
    policy = load_policy(
        _checkpoint(options, bag.provenance, robot),
        profile,
        ThinkingOptions(options.candidates, options.time_temp, options.noise_temp, options.seed, 1),
        dtype=options.dtype,
        refine=options.refine,
    )
    session = Session(bag, profile, policy.cameras, options.namespace)
    session.check()
    latency = _latency(options, session)
    kinematics = load_kinematics(profile) if profile.action.space.end_effector else None
    steps = StepOptions(_task(options, session), ChunkSwitch(options.chunk_switch), kinematics=kinematics)
    started, used = time.perf_counter(), _processor_time()
    with in_processes(policy) as remote:
        journal = step_session(session.arrivals(), profile, remote, latency, steps)
    wall, used = time.perf_counter() - started, _processor_time() - used
    stream = _stream(journal, profile, policy, latency, options)
    if not len(stream.commands):
        raise SessionError(f"nothing to step in {options.bag}: {'; '.join(session.problems) or 'too short'}")
    comparison = compare(golden, stream, options.tolerance) if golden is not None else None
    duration = float(stream.commands["time"][-1]) * 1e-9
    problems = [*session.problems, *journal.problems()]
    return Result(stream, golden, comparison, problems, duration, wall, used)


def _robot(options: RegressOptions, provenance: dict[str, Any]) -> str:
    robot = options.robot or str(provenance.get("robot") or "")
    if not robot:
        raise SessionError("the bag does not say which robot it is of; name its profile with --robot")
    return robot


def _checkpoint(options: RegressOptions, provenance: dict[str, Any], robot: str) -> str:
    recorded = str(provenance.get("checkpoint") or "")
    if options.checkpoint:
        return options.checkpoint
    return recorded if recorded and Path(recorded).is_dir() else str(default_checkpoint(robot))


def _task(options: RegressOptions, session: Session) -> str:
    if session.has_instructions():
        return options.task
    task = options.task or session.instruction()
    if not task:
        raise SessionError("the bag has no instruction (no hume/epoch, no hume/action_chunk); give one with --task")
    return task


def _latency(options: RegressOptions, session: Session) -> LatencyModel:
    measured = session.latencies(DEFAULT_THINK, DEFAULT_DENOISE)
    think, denoise = options.think_latency, options.denoise_latency
    return LatencyModel(
        measured.think if think is None else Latencies.constant(think),
        measured.denoise if denoise is None else Latencies.constant(denoise),
    )


def _stream(
    journal: Journal, profile: RobotProfile, policy: Policy, latency: LatencyModel, options: RegressOptions
) -> CommandStream:
    """The canonical form of a run: no paths, no wall-clock times."""
    header = {
        "robot": _robot_header(profile),
        "policy": policy.identity,
        "settings": {"chunk_switch": options.chunk_switch, "task": options.task},
        "latency": {"think": latency.think.summary(), "denoise": latency.denoise.summary()},
        "environment": environment(),
        "modes": [mode.value for mode in MODES],
        "reasons": [reason.value for reason in REASONS],
        "joint_columns": journal.joint_columns,
        "tensors": list(policy.tensors),
        "events": journal.events,
    }
    # As it will be read back: lists for tuples.
    return CommandStream(json.loads(json.dumps(header)), {**journal.sections(), "weights": policy.weights})


def _robot_header(profile: RobotProfile) -> dict[str, Any]:
    """What of a profile decides the commands; joints by name, so that a change names its joint."""
    content = profile.model_dump(mode="json", exclude={"description", "controllers", "kinematics", "joints"})
    kinematics = profile.kinematics.model_dump(mode="json", exclude={"urdf"}) if profile.kinematics else None
    limits = {joint.name: joint.model_dump(mode="json", exclude={"name"}) for joint in profile.joints}
    return content | {"joints": list(profile.joint_names), "limits": limits, "kinematics": kinematics}


def _processor_time() -> float:
    """Of this process and of its children that have ended, s."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
