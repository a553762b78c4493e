"""Parameters of the System 2 node."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node

from hume_core.errors import ConfigError
from hume_ros.parameters import declare


@dataclass(frozen=True)
class System2Settings:
    """What the node was started with; each field is a read-only parameter of the same name."""

    robot: str
    checkpoint: str
    device: str
    dtype: str
    compile: bool
    threads: int
    candidates: int
    time_temp: tuple[float, float]
    noise_temp: tuple[float, float]
    seed: int
    task: str
    activate_after_system1: bool
    sensor_timeout: float
    done_value: float
    done_thoughts: int


def declare_settings(node: Node) -> System2Settings:
    """Declare every parameter and read it.

    Raises:
        ConfigError: a type is wrong or a value is out of range.
    """
    text = {
        "robot": ("", "Robot profile: a name or the path of a YAML file."),
        "checkpoint": ("", "Checkpoint folder, or a hub name such as org/name."),
        "device": ("cpu", "Torch device: cpu or cuda[:N]."),
        "dtype": ("float32", "Compute type: float32 or bfloat16."),
        "task": ("", "Instruction to carry out from activation on, without a goal; empty: wait for goals."),
    }
    values = {name: declare(node, name, default, meaning) for name, (default, meaning) in text.items()}
    if values["dtype"] not in ("float32", "bfloat16"):
        raise ConfigError(f"parameter 'dtype' is '{values['dtype']}'; valid: float32, bfloat16")
    return System2Settings(
        **values,
        compile=declare(node, "compile", False, "Compile the model with torch.compile (slow start, faster thoughts)."),
        threads=declare(node, "threads", 1, "Torch threads on the CPU.", low=1, high=256),
        candidates=declare(node, "candidates", 0, "Candidates N per thought; 0: the checkpoint's.", low=0, high=64),
        time_temp=_pair(node, "time_temp", (0.9, 1.0), "Flow start times of the candidates: lowest, highest."),
        noise_temp=_pair(node, "noise_temp", (1.0, 1.0), "Velocity factors of the candidates: lowest, highest."),
        seed=declare(node, "seed", -1, "Seed of the noise; -1: a new one each start.", low=-1, high=2**31 - 1),
        activate_after_system1=declare(
            node, "activate_after_system1", False, "Autostart activates only once System 1 is active."
        ),
        sensor_timeout=declare(
            node, "sensor_timeout", 20.0, "How long configure waits for every sensor topic, s.", low=0.1, high=600.0
        ),
        done_value=declare(node, "done_value", float("inf"), "Value that means the task is done; inf: never."),
        done_thoughts=declare(
            node, "done_thoughts", 3, "Thoughts in a row at or above done_value that end a goal.", low=1, high=100
        ),
    )


def _pair(node: Node, name: str, default: tuple[float, float], description: str) -> tuple[float, float]:
    value = list(declare(node, name, list(default), description))
    if len(value) != 2 or not 0.0 < value[0] <= value[1] <= 10.0:
        raise ConfigError(f"parameter '{name}' is {value}; valid: two numbers, 0 < lowest <= highest <= 10")
    return float(value[0]), float(value[1])
