"""`hume doctor --robot`: whether the running graph is as a robot profile says."""

from hume_tools.doctor.examine import examine, judge
from hume_tools.doctor.graph import Controller, Endpoint, Graph, Manager, Source

__all__ = ["Controller", "Endpoint", "Graph", "Manager", "Source", "examine", "judge"]
