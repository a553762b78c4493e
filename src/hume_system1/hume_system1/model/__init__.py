"""System 1: denoises a segment of System 2's chunk on the newest observation."""

from hume_system1.model.system1 import System1
from hume_system1.model.units import ActionUnits

__all__ = ["ActionUnits", "System1"]
