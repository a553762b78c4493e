"""Ways to run a model: eager operations, compiled ones, or one graph per step in ONNX Runtime."""

from hume_core.engines.base import Engine, EngineError, Graph, Log, Run
from hume_core.engines.choice import make_engine
from hume_core.engines.eager import EagerEngine

__all__ = ["EagerEngine", "Engine", "EngineError", "Graph", "Log", "Run", "make_engine"]
