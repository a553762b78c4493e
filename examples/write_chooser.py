"""A chooser of your own: how System 2 makes one chunk of its candidates.

./hume python examples/write_chooser.py
"""

from pathlib import Path

import torch
from torch import Tensor

from hume_bags.observations import BagObservations
from hume_bags.reader import BagReader
from hume_core.robot import RobotProfile
from hume_system2.choosers import CHOOSERS, one_hot
from hume_system2.model import System2
from hume_training.default_checkpoint import default_checkpoint

BAG = Path(__file__).parents[1] / "test" / "fixtures" / "bags" / "lift"


def gentle(candidates: Tensor, values: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """The candidate that moves least, among the better half by value. Weights (B, N), 1 in all."""
    travel = candidates.diff(dim=2).abs().sum(dim=(2, 3))  # (B, N, H, A) -> (B, N)
    good = values >= values.median(dim=1, keepdim=True).values
    return one_hot(travel.where(good, torch.inf).argmin(dim=1), values)


# The name is all that `think` needs. In hume_system2/choosers.py it also becomes a choice of the node's parameter.
CHOOSERS["gentle"] = gentle

profile = RobotProfile.load("wx250s_sim")
system2 = System2.from_pretrained(default_checkpoint(profile))
observation = next(BagObservations(BagReader(BAG), profile).frames()).frame.observation("lift the red cube")
for name in ("best", "gentle"):
    thought = system2.think(observation, generator=torch.Generator().manual_seed(0), chooser=name)
    print(f"{name:>8}: candidate {int(thought.weights[0].argmax())}, value {float(thought.value[0]):.3f}")
