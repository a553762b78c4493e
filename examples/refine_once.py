"""System 1, once: it refines the part of a chunk that starts now, on the newest observation.

./hume python examples/refine_once.py
"""

from pathlib import Path

import torch

from hume_bags.observations import BagObservations
from hume_bags.reader import BagReader
from hume_core.robot import RobotProfile
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.default_checkpoint import default_checkpoint

BAG = Path(__file__).parents[1] / "test" / "fixtures" / "bags" / "lift"

profile = RobotProfile.load("wx250s_sim")
checkpoint = default_checkpoint(profile)
frames = [item.frame for item in BagObservations(BagReader(BAG), profile).frames()]

# System 2 thought about an observation in the middle of the recording ...
then = frames[len(frames) // 2]
system2 = System2.from_pretrained(checkpoint)
thought = system2.think(then.observation("lift the red cube"), generator=torch.Generator().manual_seed(0))

# ... and two images later System 1 looks at what the cameras show by now.
now = frames[len(frames) // 2 + 2]
system1 = System1.from_pretrained(checkpoint)
horizon = thought.chunk.shape[1] * profile.action.dt
segment = system1.refine(
    now.observation(""),  # System 1 reads no instruction
    thought.chunk,
    progress=(now.stamp - then.stamp) / horizon,  # how far into the chunk we are: 0 begin, 1 end
    moved=(now.joint_positions - then.joint_positions)[None],  # since the thought, rad
)

print("segment (B, h, a):", list(segment.shape))
print("first row:", [round(x, 3) for x in segment[0, 0].tolist()])
