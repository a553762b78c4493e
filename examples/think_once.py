"""System 2, once: candidate chunks for one observation, their values, and the chunk that comes of them.

./hume python examples/think_once.py
"""

from pathlib import Path

import torch

from hume_bags.observations import BagObservations
from hume_bags.reader import BagReader
from hume_core.robot import RobotProfile
from hume_system2.model import System2
from hume_training.default_checkpoint import default_checkpoint

BAG = Path(__file__).parents[1] / "test" / "fixtures" / "bags" / "lift"

# A robot profile ties the policy's numbers to joints, cameras and topics.
profile = RobotProfile.load("wx250s_sim")

# Only System 2's tensors are read. A checkpoint is a folder, or a name on the Hugging Face hub.
system2 = System2.from_pretrained(default_checkpoint(profile))

# The first images and joint positions of a recording, matched by the code that matches them live.
first = next(BagObservations(BagReader(BAG), profile).frames())
observation = first.frame.observation("lift the red cube")

# The seed makes the starting noise, and so the result, the same every time.
thought = system2.think(observation, generator=torch.Generator().manual_seed(0))

print("candidates (B, N, H, A):", list(thought.candidates.shape))
print("values of the candidates:", [round(value, 3) for value in thought.values[0].tolist()])
print("highest value: candidate", int(thought.index[0]))

# Chunks are in normalised units. In real units each row has a number per joint, and one for the gripper.
rows = system2.unnormalise(thought.chunk)[0]
print(f"{profile.action.space}, a row each {profile.action.dt} s:", [round(x, 3) for x in rows[0].tolist()])
