"""System 1's vision from System 2's."""

from pathlib import Path

import torch

from hume_core.images import imagenet_normalised
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.initialize import create_checkpoint
from hume_training.training.warm_start import warm_start


def test_the_stem_sees_the_same_image(tmp_path: Path) -> None:
    folder = create_checkpoint(tmp_path, "tabletop", 5)
    system2, system1 = System2.from_pretrained(folder), System1.from_pretrained(folder)
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    source = system2.network.vision.tower.embeddings.patch_embedding
    target = system1.network.vision.tower.embeddings.patch_embeddings.projection
    with torch.no_grad():
        before = (source[0](image) - target[0](imagenet_normalised(image)))[..., 1:, 1:]
        warm_start(system1, system2)
        after = (source[0](image) - target[0](imagenet_normalised(image)))[..., 1:, 1:]
    assert float(before.abs().max()) > 0.1
    assert float(after.abs().max()) < 1e-5  # but for the border, whose padding means another colour
    first = system1.network.vision.tower.encoder.layer[0].attention.q_proj.weight
    assert torch.equal(first, system2.network.vision.tower.encoder.layers[0].self_attn.q_proj.weight)
    assert torch.equal(system1.network.vision.projector.weight, system2.network.vision.projector.weight)
