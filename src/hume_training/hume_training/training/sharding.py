"""Weights, gradients and optimizer state split among processes (FSDP), as the configuration of accelerate says.

Nothing here takes effect where `accelerate launch` was not told to use FSDP.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hume_core.errors import ConfigError
from hume_core.nn.gemma import Attention, GatedMLP, GemmaLayer
from hume_training.training.recompute import LAYERS

_SWITCH = "ACCELERATE_USE_FSDP"
"""Set by `accelerate launch`."""


def sharding_wanted() -> bool:
    """Whether accelerate's configuration asks for FSDP, and there are several processes."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return several and os.environ.get(_SWITCH, "false").lower() in ("1", "true", "yes")


def is_split(tensor: Tensor) -> bool:
    """Whether each process holds a part of a tensor alone."""
    return hasattr(tensor, "full_tensor")


def shard(network: nn.Module, device: str) -> None:
    """Split the layers of a network and its word embeddings. Smaller parts stay whole in every process.

    Args:
        network: on any device. What is split moves to this process's.
        device: of this process.

    Raises:
        ConfigError: the configuration wants FSDP1, whose wrapped networks have other tensors.
    """
    from accelerate.utils import FullyShardedDataParallelPlugin
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    plugin = FullyShardedDataParallelPlugin()
    if plugin.fsdp_version != 2:
        raise ConfigError("only FSDP 2 is supported. Set fsdp_version: 2 in the configuration of accelerate")
    mesh = init_device_mesh(torch.device(device).type, (torch.distributed.get_world_size(),))
    wrapped = _wrapped(plugin, network)
    for module in reversed(list(network.modules())):
        if module is network or not wrapped(module):
            continue
        fully_shard(
            module,
            mesh=mesh,
            reshard_after_forward=plugin.reshard_after_forward,
            offload_policy=plugin.cpu_offload,
            mp_policy=plugin.mixed_precision_policy or MixedPrecisionPolicy(),
        )
        if isinstance(module, GemmaLayer):
            register_fsdp_forward_method(module, "key_value")
    for module in network.modules():
        if isinstance(module, Attention | GatedMLP):
            module.join_layers()


def _wrapped(plugin: Any, network: nn.Module) -> Any:
    """Which modules are split: those that accelerate's policy names. Without one, layers and word embeddings."""
    from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy

    present = {type(module).__name__ for module in network.modules()}
    named = plugin.transformer_cls_names_to_wrap or []
    # System 1 has other layers than System 2, and one configuration serves both.
    plugin.transformer_cls_names_to_wrap = [name for name in named if name in present]
    plugin.set_auto_wrap_policy(network)
    policy = fsdp2_prepare_auto_wrap_policy(plugin, network) if plugin.transformer_cls_names_to_wrap else None
    return policy or (lambda module: isinstance(module, (*LAYERS, nn.Embedding)))


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor. Of one that is split, every process has to ask at the same time."""
    full: Tensor = tensor.full_tensor() if is_split(tensor) else tensor
    return full


def own_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor."""
    part: Tensor = tensor.to_local() if is_split(tensor) else tensor
    return part


def split_like(value: Tensor, other: Tensor) -> Tensor:
    """A whole tensor split as another one is."""
    if not is_split(other) or value.ndim == 0:
        return value
    from torch.distributed.tensor import distribute_tensor

    like: Any = other
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


@contextmanager
def gathered(modules: Mapping[str, nn.Module], keep: bool) -> Iterator[None]:
    """Whole parameters, on the CPU, in the place of split ones. Every process has to enter it at the same time.

    Args:
        modules: by name.
        keep: this process wants them.
    """
    places = []
    for module in modules.values():
        for part in module.modules():
            for name, parameter in part._parameters.items():
                if parameter is not None and is_split(parameter):
                    value = whole(parameter.detach())
                    if keep:
                        places.append((part, name, parameter, value.cpu()))
    for part, name, parameter, value in places:
        part._parameters[name] = nn.Parameter(value, requires_grad=parameter.requires_grad)
    try:
        yield
    finally:
        for part, name, parameter, _ in places:
            part._parameters[name] = parameter


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scale gradients of parameters, some of them split, down to a norm. Their norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not any(is_split(gradient) for gradient in gradients):
        return torch.nn.utils.clip_grad_norm_(list(parameters), largest)
    squares = [whole(gradient.float().square().sum()).cpu() for gradient in gradients]
    norm = torch.stack(squares).sum().sqrt()
    for gradient in gradients:
        gradient.mul_(min(1.0, largest / (float(norm) + 1e-6)))
    return norm
