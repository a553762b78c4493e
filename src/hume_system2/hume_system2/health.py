"""What System 2 says about itself in `/diagnostics`."""

from __future__ import annotations

from hume_core.robot import RobotProfile
from hume_ros.diagnostics import ERROR, OK, WARN, Health
from hume_ros.observation_buffer import ObservationBuffer
from hume_system2.candidate_budget import CandidateBudget
from hume_system2.thinker import ThoughtResult
from hume_system2.worker import ThinkingWorker

NOT_CONFIGURED = Health(ERROR, "not configured", {})


def system2_health(
    worker: ThinkingWorker,
    observer: ObservationBuffer,
    budget: CandidateBudget,
    epoch: int,
    last: ThoughtResult | None,
    profile: RobotProfile,
) -> Health:
    """Level, one line and figures.

    Args:
        worker: that thinks.
        observer: source of its observations.
        budget: how many candidates it takes, and why not all.
        epoch: present one.
        last: newest thought, if there is one.
        profile: of the robot. It says from which age on a source counts as silent.
    """
    if worker.error:
        return Health(ERROR, worker.error, {})
    ages = observer.ages()
    values = {
        "thoughts per second": f"{worker.rate():.2f}",
        "epoch": str(epoch),
        "candidates": f"{budget.count} of {budget.all}",
        "fewer candidates because": budget.reason,
        **{f"age of {source}, s": f"{age:.3f}" for source, age in ages.items()},
    }
    if last is not None:
        values["value"] = f"{last.value:.3f}"
        values["think duration, s"] = f"{last.duration:.3f}"
    old = [key for key, age in ages.items() if age > profile.observation.max_age]
    if old:
        return Health(WARN, f"silent: {', '.join(old)}", values)
    if budget.reason:
        return Health(WARN, f"late: thinking with {budget.count} of {budget.all} candidates", values)
    return Health(OK, "thinking", values)
