"""System 2: proposes candidate action chunks, estimates their values and chooses the best."""

from hume_system2.model.system2 import System2
from hume_system2.model.thought import Thought

__all__ = ["System2", "Thought"]
