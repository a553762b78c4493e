"""Both systems and the control core of one robot on a clock that is given. No ROS, no threads, no wall clock.

`Session` is the closed loop: think, denoise, `ControlCore.step`. `hume regress` feeds it from a bag. `hume evaluate`
and `hume collect` feed it from a simulated arm. The nodes run the same three stages in real time: `ThinkingCycle` in
System 2, `DenoisingCycle` in the denoiser, `ControlCore` in the command process.
"""

from hume_session.engine import Engine, PolicyFacts
from hume_session.latency import Latencies, LatencyModel
from hume_session.listener import Listener
from hume_session.session import Session, SessionOptions

__all__ = ["Engine", "Latencies", "LatencyModel", "Listener", "PolicyFacts", "Session", "SessionOptions"]
