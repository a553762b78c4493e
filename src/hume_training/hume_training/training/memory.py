"""What a training holds in memory, counted on a model that is built without memory.

Shapes, types and kernels are those of a real step, but every tensor is a fake one (`torch.subclasses.fake_tensor`). So
tensors and floating-point operations are counted exactly, of models of any size, on any computer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hume_core.config import HumeConfig
from hume_core.nn.gemma import StackConfig
from hume_core.policy import PretrainedPolicy
from hume_system1.model import System1
from hume_system2.model import System2
from hume_training.losses import system1_flow
from hume_training.training import system1, system2
from hume_training.training.config import System1Config, System2Config, TrainingConfig
from hume_training.training.loop import found_precision
from hume_training.training.lora import loading_type
from hume_training.training.recompute import layers_of

FLOAT32 = 4


@dataclass(frozen=True)
class Memory:
    """What one process of a training holds, and what a step costs.

    Attributes:
        parameters, trained: numbers in the weights, and how many of them learn.
        weights: bytes of all weights.
        activations: bytes that the forward pass keeps for the backward pass.
        recomputed: the same with gradient checkpointing.
        flop, flop_recomputed: floating-point operations of a step.
    """

    parameters: int
    trained: int
    weights: int
    activations: int
    recomputed: int
    flop: int
    flop_recomputed: int

    @property
    def gradients(self) -> int:
        """Bytes, float32."""
        return FLOAT32 * self.trained

    @property
    def optimizer(self) -> int:
        """Bytes of AdamW's two moments and of the moving average, float32."""
        return 3 * FLOAT32 * self.trained

    def total(self, checkpointing: bool) -> int:
        """Bytes of all of it: a bound from above, since gradients grow while activations go.

        Args:
            checkpointing: with gradient checkpointing.
        """
        held = self.weights + self.gradients + self.optimizer
        return held + (self.recomputed if checkpointing else self.activations)


def system2_memory(config: System2Config, sizes: HumeConfig, value: StackConfig, batch: int) -> Memory:
    """Of a training of System 2, whose value head is held too.

    Args:
        config: of the training.
        sizes: of the checkpoint.
        value: size of the value head's stack.
        batch: observations of a process in a step.
    """
    model, modules = empty_system2(config, sizes, value)
    return _measured(model, modules, lambda: system2_loss(model, batch, config.draws), in_bfloat16(config))


def system1_memory(config: System1Config, sizes: HumeConfig, batch: int) -> Memory:
    """Of a training of System 1. See `system2_memory`."""
    model, modules = empty_system1(config, sizes)
    return _measured(model, modules, lambda: system1_loss(model, batch), in_bfloat16(config))


def empty_system2(config: System2Config, sizes: HumeConfig, value: StackConfig) -> tuple[System2, list[nn.Module]]:
    """System 2 without memory, prepared for a training, and the modules that hold what learns."""
    with torch.device("meta"):
        model = System2(sizes, value, None)  # type: ignore[arg-type]
        _load_empty(model, loading_type(config.lora))
        adapters = system2.prepare_network(replace(config, gradient_checkpointing=False), model)
    return model, [model.network] if adapters is None else list(adapters.modules.values())


def empty_system1(config: System1Config, sizes: HumeConfig) -> tuple[System1, list[nn.Module]]:
    """The same of System 1."""
    with torch.device("meta"):
        model = System1(sizes)
        _load_empty(model, loading_type(config.lora))
        adapters = system1.prepare_network(replace(config, gradient_checkpointing=False), model)
    return model, [model.network] if adapters is None else list(adapters.modules.values())


def learning(modules: Iterable[nn.Module]) -> int:
    """How many numbers learn."""
    found = {id(item): item.numel() for module in modules for item in module.parameters() if item.requires_grad}
    return sum(found.values())


def system2_loss(model: System2, batch: int, draws: int) -> Tensor:
    """The flow-matching loss of black images and the longest instruction.

    Args:
        model: of any size. It needs no tokenizer.
        batch: observations.
        draws: noise and flow times per observation.
    """
    sizes, network = model.config, model.network
    cameras, text = len(sizes.camera_keys), sizes.tokenizer_max_length
    width, height = sizes.image_size
    images = torch.zeros(cameras, batch, 3, height, width)
    counts = torch.full((batch,), cameras * model.image_tokens + text)
    tokens = torch.zeros(batch, text, dtype=torch.long)
    prefix = network.embed_prefix(images, tokens, counts, counts, masked=True)
    cache = network.encode(prefix, torch.zeros(batch, sizes.max_state_dim))
    actions = torch.zeros(batch, sizes.s2_chunk_size, sizes.max_action_dim)
    beyond = torch.zeros(batch, sizes.s2_chunk_size, dtype=torch.bool)
    return system2.repeated_flow_loss(network, prefix, cache, actions, beyond, draws, torch.Generator())


def system1_loss(model: System1, batch: int) -> Tensor:
    """The flow-matching loss of black images. See `system2_loss`."""
    sizes = model.config
    width, height = sizes.image_size
    images = torch.zeros(len(sizes.camera_keys), batch, 3, height, width)
    state = torch.zeros(batch, sizes.s1_his_state_size, sizes.max_state_dim)
    actions = torch.zeros(batch, sizes.s1_chunk_size, sizes.max_action_dim)
    once = torch.zeros(batch)
    return system1_flow(model, images, state, once, actions, actions, once)[0].mean()


def in_bfloat16(config: TrainingConfig) -> bool:
    """Whether a training computes in bfloat16. A GPU that is not there counts as one that can."""
    if config.precision == "auto" and torch.device(config.device).type != "cpu":
        return True
    return found_precision(config) == "bfloat16"


def _load_empty(model: PretrainedPolicy, dtype: torch.dtype) -> None:
    """A model without memory as if it were loaded from a checkpoint in a type."""
    for name, parameter in model.named_parameters():
        parameter.data = parameter.data.to(model.loaded_type(name, dtype))
    model.requires_grad_(False).eval()


def _materialise(model: PretrainedPolicy) -> None:
    """Put tensors of the mode that is on in the place of those without memory."""
    tensors = {name: torch.zeros(held.shape, dtype=held.dtype) for name, held in model.state_dict().items()}
    model.load_state_dict(tensors, assign=True)
    model.rebuild_buffers()


class _Storages:
    """Bytes of tensors, those that share memory counted once."""

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        self._kept: list[Tensor] = []
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}
        self.bytes = 0

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._seen:
            self._seen.add(storage._cdata)
            # Another storage must not get its address.
            self._kept.append(tensor)
            self.bytes += storage.nbytes()


class _Counter:
    """What a forward pass keeps, inside the transformer layers and outside of them."""

    def __init__(self, model: nn.Module, flop: Callable[[], int]) -> None:
        held = [*model.parameters(), *model.buffers()]
        self.all, self.outside = _Storages(held), _Storages(held)
        self.largest_layer = self.layer_flop = 0
        self._flop = flop
        self._inside = False
        self._before = (0, 0)

    def keep(self, tensor: Tensor) -> Tensor:
        """Of `saved_tensors_hooks`."""
        self.all.add(tensor)
        if not self._inside:
            self.outside.add(tensor)
        return tensor

    def enter(self, layer: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A layer begins. Its inputs are what gradient checkpointing keeps of it."""
        for tensor in _tensors((arguments, tuple(named.values()))):
            self.outside.add(tensor)
        self._inside, self._before = True, (self.all.bytes, self._flop())

    def leave(self, layer: nn.Module, arguments: Any, output: Any) -> None:
        """It has ended."""
        self._inside = False
        self.largest_layer = max(self.largest_layer, self.all.bytes - self._before[0])
        self.layer_flop += self._flop() - self._before[1]


def _tensors(nested: Any) -> list[Tensor]:
    if isinstance(nested, Tensor):
        return [nested]
    return [tensor for part in nested for tensor in _tensors(part)] if isinstance(nested, tuple | list) else []


def _measured(model: PretrainedPolicy, modules: Iterable[nn.Module], loss: Callable[[], Tensor], half: bool) -> Memory:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):
        _materialise(model)
        return _counted(model, modules, loss, half)


def _counted(model: nn.Module, modules: Iterable[nn.Module], loss: Callable[[], Tensor], half: bool) -> Memory:
    trained = learning(modules)
    with FlopCounterMode(display=False) as flops:
        counter = _Counter(model, flops.get_total_flops)
        for layer in layers_of([model]):
            layer.register_forward_pre_hook(counter.enter, with_kwargs=True)
            layer.register_forward_hook(counter.leave)
        keeping = torch.autograd.graph.saved_tensors_hooks(counter.keep, lambda tensor: tensor)
        with keeping, torch.autocast("cpu", torch.bfloat16, enabled=half):
            result = loss()
        result.backward()
    held = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    # Casts of weights that learn stay until the forward pass ends.
    casts = 2 * trained if half else 0
    return Memory(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trained=trained,
        weights=sum(tensor.numel() * tensor.element_size() for tensor in held.values()),
        activations=counter.all.bytes,
        recomputed=counter.outside.bytes + counter.largest_layer + casts,
        flop=flops.get_total_flops(),
        flop_recomputed=flops.get_total_flops() + counter.layer_flop,
    )
