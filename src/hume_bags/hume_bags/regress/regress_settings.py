"""What to replay and how: what was asked for, else what the nodes were recorded with, else their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from hume_bags.regress.findings import Tolerance
from hume_core.command_line import option_value
from hume_core.errors import ConfigError
from hume_core.settings import Setting, check_value, declared, find
from hume_system1.chunk_switch import ChunkSwitch
from hume_system1.control.control_settings import ControlSettings
from hume_system1.settings import LIMIT_SCALE, System1Settings
from hume_system2.settings import System2Settings
from hume_system2.thinker import ThinkingOptions

RECORDED = "recorded"
"""In the place of a golden file: the commands in the bag itself."""

_Kind = TypeVar("_Kind")
_DTYPE = find(System2Settings, "dtype")
_CHOOSER = find(System2Settings, "chooser")
_CHUNK_SWITCH = find(System1Settings, "chunk_switch")


@dataclass(frozen=True)
class RegressOptions:
    """What was asked for. None or empty: as recorded.

    Attributes:
        bag: folder or .mcap file.
        golden: canonical file to compare with, or `RECORDED`: the commands in the bag. None: only run.
        checkpoint: folder or hub name. Empty: as recorded where it is there, else the default one of the robot.
        contract: what its numbers mean. Empty: as recorded, else as it says itself.
        robot: profile. Empty: as recorded.
        limits_file: tightens the profile. Empty: as recorded.
        namespace: of the recorded nodes. None: found by their topics.
        task: instruction in place of the recorded ones. Empty: those.
        candidates, chooser, seed, dtype, refine, chunk_switch: as of the nodes.
        think_latency, denoise_latency: s. None: as measured in the bag.
        tolerance: between different environments.
        write, json_file, html: files to write. None: none.
        command: as it was typed, for the report.
    """

    bag: Path
    golden: Path | None = None
    checkpoint: str = ""
    contract: str = ""
    robot: str = ""
    limits_file: str = ""
    namespace: str | None = None
    task: str = ""
    candidates: int | None = None
    chooser: str | None = None
    seed: int | None = None
    dtype: str | None = None
    refine: bool | None = None
    chunk_switch: str | None = None
    think_latency: float | None = None
    denoise_latency: float | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    write: Path | None = None
    json_file: Path | None = None
    html: Path | None = None
    command: str = ""

    @property
    def as_recorded(self) -> bool:
        """Whether the commands in the bag itself are what is expected."""
        return self.golden is not None and str(self.golden) == RECORDED


@dataclass(frozen=True)
class RegressSettings:
    """What is replayed.

    Attributes:
        robot: profile.
        checkpoint: folder or hub name. Empty: the default one of the robot.
        contract: what its numbers mean. Empty: as it says itself.
        state_deviations: see `System2Settings`.
        thinking: how System 2 searches. The seed is never negative.
        dtype2, dtype1: compute types of System 2 and System 1.
        refine, chunk_switch: of the denoiser.
        control: ages and other settings of the control core.
        limits_file: tightens the profile. Empty: none.
        limit_scales: kind of limit -> share of the profile's, as set live.
        missing: what was recorded and is not here.
    """

    robot: str
    checkpoint: str
    contract: str
    state_deviations: float
    thinking: ThinkingOptions
    dtype2: str
    dtype1: str
    refine: bool
    chunk_switch: ChunkSwitch
    control: ControlSettings
    limits_file: str
    limit_scales: dict[str, float]
    missing: list[str]


def settings_of(options: RegressOptions, provenance: Mapping[str, Any]) -> RegressSettings:
    """Put together what was asked for and what was recorded.

    Raises:
        ConfigError: no robot is known, or an option has no valid value.
    """
    robot = options.robot or str(provenance.get("robot") or "")
    if not robot:
        raise ConfigError("the bag does not say which robot it is of. Name its profile with --robot")
    system2, system1 = (_parameters(provenance, node) for node in ("hume_system2", "hume_system1"))
    recorded = str(system2.get("checkpoint") or system1.get("checkpoint") or provenance.get("checkpoint") or "")
    limits = str(system1.get("limits_file") or "")
    wanted = {} if options.checkpoint else {"checkpoint": recorded}
    wanted |= {} if options.limits_file else {"limits file": limits}
    missing = [f"the recorded {what} '{path}' is not here" for what, path in wanted.items() if path != _existing(path)]
    plain = ThinkingOptions()
    return RegressSettings(
        robot=robot,
        checkpoint=options.checkpoint or _existing(recorded),
        contract=options.contract or str(system2.get("contract") or ""),
        state_deviations=_first(system2.get("state_deviations"), find(System2Settings, "state_deviations").default),
        thinking=replace(
            plain,
            candidates=_first(options.candidates, system2.get("candidates"), plain.candidates),
            time_temp=_pair(system2.get("time_temp"), plain.time_temp),
            noise_temp=_pair(system2.get("noise_temp"), plain.noise_temp),
            chooser=_choice(_CHOOSER, options.chooser, system2.get("chooser")),
            seed=max(0, _first(options.seed, system2.get("seed"), 0)),
        ),
        dtype2=_choice(_DTYPE, options.dtype, system2.get("dtype")),
        dtype1=_choice(_DTYPE, options.dtype, system1.get("dtype")),
        refine=_first(options.refine, system1.get("refine"), find(System1Settings, "refine").default),
        chunk_switch=ChunkSwitch(_choice(_CHUNK_SWITCH, options.chunk_switch, system1.get("chunk_switch"))),
        control=_control(system1),
        limits_file=options.limits_file or _existing(limits),
        limit_scales=_scales(system1),
        missing=missing,
    )


def _parameters(provenance: Mapping[str, Any], node: str) -> Mapping[str, Any]:
    """Recorded parameters of a node, in whatever namespace it was."""
    for name, values in provenance.items():
        if name.startswith("parameters ") and name.rpartition(" ")[2].rpartition("/")[2] == node:
            return dict(values) if isinstance(values, Mapping) else {}
    return {}


def _first(*values: _Kind | None) -> _Kind:
    return next(value for value in values if value is not None)


def _existing(path: str) -> str:
    return path if path and Path(path).exists() else ""


def _scales(system1: Mapping[str, Any]) -> dict[str, float]:
    found = {
        name.removeprefix(LIMIT_SCALE): float(value) for name, value in system1.items() if name.startswith(LIMIT_SCALE)
    }
    return {kind: value for kind, value in found.items() if value != 1.0}


def _pair(recorded: Any, otherwise: tuple[float, float]) -> tuple[float, float]:
    return (float(recorded[0]), float(recorded[1])) if isinstance(recorded, list) and len(recorded) == 2 else otherwise


def _choice(item: Setting, asked: str | None, recorded: Any) -> str:
    """What was asked for. Else what was recorded, if that is still valid. Else the default."""
    if asked is not None:
        return str(option_value(item, asked))
    return str(recorded if recorded in item.choices else item.default)


def _control(system1: Mapping[str, Any]) -> ControlSettings:
    """The recorded parameters of the control core. Rate and action space come from the profile."""
    items = {item.name: item for item in declared(ControlSettings) if not item.given_by}
    return replace(
        ControlSettings(),
        **{
            name: check_value(items[name], value, "recorded parameter")
            for name, value in system1.items()
            if name in items
        },
    )
