"""What the tests ask of LIBERO in its own environment: its own way beside that of `hume_libero.child`.

Arguments: folder of the package, a check, its arguments as JSON. Prints JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any

import numpy as np

ROWS = np.random.default_rng(3).uniform(-1.0, 1.0, (30, 7)) * [1, 1, 1, 0.3, 0.3, 0.3, 1]


def load_package(folder: str) -> None:
    where: dict[str, Any] = {"location": folder + "/__init__.py", "submodule_search_locations": [folder]}
    spec = importlib.util.spec_from_file_location("hume_libero", **where)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["hume_libero"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


def ours(suite: str, task: int, size: int = 64) -> Any:
    from hume_libero.child.benchmark import Benchmarks
    from hume_libero.child.worlds import Worlds

    worlds = Worlds(Benchmarks())
    worlds.open(suite, task, 7, size)
    return worlds


def theirs(suite: str, task: int, state: int, size: int = 64) -> Any:
    """An environment as the authors' evaluation makes it, at an initial state."""
    from libero.libero.envs import OffScreenRenderEnv

    from hume_libero.child.benchmark import Benchmarks

    benchmarks = Benchmarks()
    env = OffScreenRenderEnv(
        bddl_file_name=benchmarks.file(suite, task), camera_heights=size, camera_widths=size, ignore_done=True
    )
    env.seed(7)
    env.reset()
    seen = env.set_init_state(benchmarks.states(suite, task)[state])
    return env, seen


def rows(suite: str, task: int, state: int) -> dict[str, Any]:
    """The same rows by our loop, by our loop once more after another state, and by LIBERO's own step."""
    worlds, found = ours(suite, task), {}
    for name, before in (("first", None), ("again", state + 1)):
        if before is not None:
            worlds.reset(before)
            for row in ROWS[:7]:
                worlds.row(-row)
        worlds.reset(state)
        found[name] = [worlds.row(row)["positions"].tolist() for row in ROWS]
    env, _ = theirs(suite, task, state)
    found["libero"] = []
    for row in ROWS:
        env.step(row)
        found["libero"].append(env.sim.data.qpos.tolist())
    return found


def pictures(suite: str, task: int, state: int) -> dict[str, Any]:
    """Mean difference of our pictures from robosuite's set upright, and from these as they are stored."""
    size, found = 96, {}
    worlds = ours(suite, task, size)
    reading = worlds.reset(state)
    _, seen = theirs(suite, task, state, size)
    for camera in ("agentview", "robot0_eye_in_hand"):
        drawn = worlds.picture(camera, reading["positions"]).astype(float)
        robosuite = seen[f"{camera}_image"][::-1].astype(float)
        found[camera] = [float(np.abs(drawn - robosuite).mean()), float(np.abs(drawn - robosuite[::-1]).mean())]
    return found


def tool(suite: str, task: int) -> dict[str, Any]:
    """What robosuite says of its tool at some states, beside the joints."""
    env, _ = theirs(suite, task, 0)
    found: dict[str, Any] = {"joints": [], "position": [], "quaternion": [], "fingers": []}
    for row in ROWS[:12]:
        env.step(row)
        env.sim.forward()
        seen = env.env._get_observations(force_update=True)
        found["joints"].append(seen["robot0_joint_pos"].tolist())
        found["position"].append(seen["robot0_eef_pos"].tolist())
        found["quaternion"].append(seen["robot0_eef_quat"].tolist())
        found["fingers"].append(seen["robot0_gripper_qpos"].tolist())
    return found


def main() -> None:
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    load_package(sys.argv[1])
    json.dump(globals()[sys.argv[2]](**json.loads(sys.argv[3])), result)
    result.close()


if __name__ == "__main__":
    main()
