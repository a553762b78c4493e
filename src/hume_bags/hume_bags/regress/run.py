"""`hume regress`: steps a recorded session and compares its command stream with a golden one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from hume_bags.errors import BagError
from hume_bags.reader import BagReader
from hume_bags.recorded_robot import profile_for, recorded_profile
from hume_bags.regress.compare import changes, compare
from hume_bags.regress.environment import environment
from hume_bags.regress.facts import run_facts
from hume_bags.regress.journal import MODES, REASONS, Journal
from hume_bags.regress.latency import DEFAULT_DENOISE, DEFAULT_THINK
from hume_bags.regress.policy import RecordedPolicy, load_policy
from hume_bags.regress.recorded import compare_recorded, last_time, recorded_commands
from hume_bags.regress.regress_settings import RegressOptions, RegressSettings, settings_of
from hume_bags.regress.remote import in_processes
from hume_bags.regress.report import print_report, summary
from hume_bags.regress.result import RegressResult
from hume_bags.regress.session import Arrival, SessionError, SteppedSession
from hume_bags.regress.stepper import StepOptions, step_session
from hume_bags.regress.stream import CommandStream, read_stream
from hume_core.durations import FirstUnits
from hume_core.json_report import write_json
from hume_core.kinematics import ArmsKinematics
from hume_core.limits_file import tightened
from hume_core.robot import RobotProfile
from hume_core.robot_kinematics import load_needed_kinematics
from hume_core.state_statistics import check_first_state
from hume_session import Latencies, LatencyModel, SessionOptions
from hume_training.default_checkpoint import default_checkpoint

SAME, DIFFERS = 0, 1
_FIRST_SECONDS = 3
"""Of a session, after which it is known how long the rest takes."""


def run_regress(options: RegressOptions) -> int:
    """Replay, compare, report. Returns 0 same (or nothing to compare with), 1 differs.

    Raises:
        HumeError: the bag, the golden file, the robot or the checkpoint cannot be used (exit code 2).
    """

    result = regress(options)
    if options.write is not None:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_bytes(result.stream.to_bytes())
    print_report(result)
    if options.json_file is not None:
        write_json(options.json_file, summary(result))
    if options.html is not None:
        from hume_bags.regress.page import write_page

        write_page(result, options.html)
    return DIFFERS if result.comparison is not None and not result.comparison.same else SAME


def regress(options: RegressOptions) -> RegressResult:
    """Replay and compare.

    Raises:
        HumeError: see `run_regress`.
    """
    golden = None if options.golden is None or options.as_recorded else read_stream(options.golden)
    bag = BagReader(options.bag)
    try:
        return _regress(options, bag, golden)
    finally:
        bag.close()


def _regress(options: RegressOptions, bag: BagReader, golden: CommandStream | None) -> RegressResult:
    settings = settings_of(options, bag.provenance)
    profile = tightened(_profile(options, settings, bag), settings.limits_file)
    checkpoint = settings.checkpoint or str(default_checkpoint(settings.robot))
    policy, profile = load_policy(checkpoint, profile, settings)
    session = SteppedSession(bag, profile, policy.cameras, options.namespace)
    state = session.check()
    if policy.normalizer is not None:
        check_first_state(state, policy.normalizer, session.composer, settings.state_deviations)
    latency = _latency(options, session)
    kinematics = load_needed_kinematics(profile)
    recorded = recorded_commands(bag, profile, session.namespace) if options.as_recorded else []
    steps = _steps(options, settings, session, kinematics, last_time(recorded) + 1 if recorded else None)
    started, used = time.perf_counter(), _processor_time()
    with in_processes(policy) as remote:
        journal = step_session(_timed(session.arrivals(), bag), profile, remote, latency, steps)
    wall, used = time.perf_counter() - started, _processor_time() - used
    stream = _stream(journal, profile, policy, latency, steps)
    if not len(stream.commands):
        raise SessionError(f"nothing to step in {options.bag}: {'; '.join(session.problems) or 'too short'}")
    comparison = compare(golden, stream, options.tolerance) if golden is not None else None
    if recorded:
        comparison = compare_recorded(recorded, stream, journal.start, profile)
    duration = float(stream.commands["time"][-1]) * 1e-9
    problems = [
        *_not_repeatable(bag),
        *settings.missing,
        *_other_profile(bag, profile),
        *session.problems,
        *journal.problems(),
    ]
    name = settings.checkpoint or f"{Path(checkpoint).name} (that of the robot)"
    facts = run_facts(options, bag, profile.name, name, policy)
    return RegressResult(stream, golden, comparison, problems, duration, wall, used, facts)


def _timed(arrivals: Iterator[Arrival], bag: BagReader) -> Iterator[Arrival]:
    """The same arrivals. After the first seconds of the session it says how long the rest takes."""
    rest = FirstUnits(round((bag.end_ns - bag.start_ns) * 1e-9), "seconds of the session", after=_FIRST_SECONDS)
    begun, told = 0, 0
    for arrival in arrivals:
        begun = begun or arrival.time
        passed = int((arrival.time - begun) * 1e-9)
        if passed > told:
            rest.done(passed - told)
            told = passed
        yield arrival


def _not_repeatable(bag: BagReader) -> list[str]:
    """Some variants of evaluations think in ways that nodes have no settings for."""
    if bag.provenance.get("repeatable", True):
        return []
    return [f"variant '{bag.provenance.get('variant')}' is one of evaluations only. The nodes' commands differ from it"]


def _profile(options: RegressOptions, settings: RegressSettings, bag: BagReader) -> RobotProfile:
    """The robot. As recorded where the recorded commands are what counts, else as it is installed."""
    found = recorded_profile(bag) if options.as_recorded and not options.robot else None
    return found or profile_for(bag, settings.robot)


def _steps(
    options: RegressOptions,
    settings: RegressSettings,
    session: SteppedSession,
    kinematics: ArmsKinematics | None,
    until: int | None,
) -> StepOptions:
    has_instructions = session.has_instructions()
    task = options.task or ("" if has_instructions else session.instruction())
    if not task and not has_instructions:
        raise SessionError("the bag has no instruction (no hume/epoch, no hume/action_chunk). Give one with --task")
    loop = SessionOptions(settings.chunk_switch, settings.control, settings.limit_scales, kinematics,
                          follows=options.as_recorded)  # fmt: skip
    return StepOptions(task, not has_instructions, until, loop)


def _latency(options: RegressOptions, session: SteppedSession) -> LatencyModel:
    measured = session.latencies(DEFAULT_THINK, DEFAULT_DENOISE)
    think, denoise = options.think_latency, options.denoise_latency
    return LatencyModel(
        measured.think if think is None else Latencies.constant(think),
        measured.denoise if denoise is None else Latencies.constant(denoise),
    )


def _stream(
    journal: Journal, profile: RobotProfile, policy: RecordedPolicy, latency: LatencyModel, steps: StepOptions
) -> CommandStream:
    """The canonical form of a run: no paths, no wall-clock times."""
    header = {
        "robot": _robot_header(profile),
        "policy": policy.identity,
        "settings": {
            "chunk_switch": steps.session.chunk_switch.value,
            "task": steps.task,
            "limit_scales": dict(steps.session.limit_scales),
            "control": asdict(replace(steps.session.control, rate_hz=profile.rates.stream)),
        },
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


def _other_profile(bag: BagReader, profile: RobotProfile) -> list[str]:
    """How the robot profile that was recorded differs from the installed one."""
    try:
        recorded = recorded_profile(bag)
    except BagError:
        return []
    if recorded is None:
        return []
    return [
        f"recorded under another robot profile: {change}"
        for change in changes("", _robot_header(recorded), _robot_header(profile))
        if not change.added
    ]


def _robot_header(profile: RobotProfile) -> dict[str, Any]:
    """What of a profile decides the commands. Joints by name, so that a change names its joint."""
    left_out = ("description", "controllers", "kinematics", "joints", "arms")
    content = {field: value for field, value in profile.model_dump(mode="json").items() if field not in left_out}
    needed = profile.needed_kinematics
    kinematics = needed[0].model_dump(mode="json", exclude={"urdf"}) if needed else None
    limits = {joint.name: joint.model_dump(mode="json", exclude={"name"}) for joint in profile.joints}
    return content | {"joints": list(profile.joint_names), "limits": limits, "kinematics": kinematics}


def _processor_time() -> float:
    """Of this process and of its children that have ended, s."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
