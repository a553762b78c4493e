"""What the numbers of a run depend on besides its inputs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from hume_ros.message_sync import ApproximateTimeSynchronizer

_PACKAGES = ("torch", "numpy", "opencv-python", "opencv-python-headless", "transformers")


def environment() -> dict[str, str]:
    """Machine and libraries. Two runs in equal environments give identical bytes."""
    found = {
        "machine": platform.machine(),
        "processor": _processor(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "synchroniser": ApproximateTimeSynchronizer.__module__,
    }
    return found | {name: installed for name in _PACKAGES if (installed := _version(name))}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """Family, model and stepping of the first processor: the math libraries choose their code by them."""
    wanted = ("vendor_id", "cpu family", "model", "model name", "stepping")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    return " ".join(fields[name] for name in wanted if name in fields)
