"""Low-rank adapters (peft) in a network: what is trained of them, and the checkpoint that they merge into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hume_core.checkpoint import CheckpointReader
from hume_core.errors import CheckpointError, ConfigError
from hume_core.nn.gemma import Attention, GatedMLP
from hume_core.policy import PretrainedPolicy
from hume_training.training.lora_settings import LoraSettings

ADAPTER = "adapter"
"""Folder of the adapters beside the checkpoint."""
_NAME = "default"
_MATRICES = ("lora_A", "lora_B")
_NETWORK = "network."


def loading_type(settings: LoraSettings) -> torch.dtype:
    """Type that the weights of a training are loaded in."""
    return torch.bfloat16 if settings.rank and settings.base_precision == "bfloat16" else torch.float32


class Adapters:
    """Adapters in the network of a policy whose other weights are frozen, but for the parts that are trained whole.

    Args:
        policy: as it was loaded. Its network is changed.
        settings: rank, scale and places.
        parts: parts of the network that get adapters where the settings name none.
        seed: of the adapters' first matrices. Their second ones start at 0, so nothing changes at first.

    Attributes:
        modules: everything that is trained, by name.

    Raises:
        ConfigError: the parts have none of the layers.
    """

    def __init__(self, policy: PretrainedPolicy, settings: LoraSettings, parts: tuple[str, ...], seed: int) -> None:
        self._policy, self._settings = policy, settings
        self._parts = settings.parts or parts
        network: nn.Module = policy.network
        network.requires_grad_(False)
        self._inject(network, seed)
        whole = {name: network.get_submodule(name) for name in settings.trained}
        for name, module in whole.items():
            self._train_whole(name, module)
        small = nn.ModuleDict()
        for name, layer in self._layers():
            small[name.replace(".", "/")] = nn.ModuleDict({key: getattr(layer, key)[_NAME] for key in _MATRICES})
        self.modules: dict[str, nn.Module] = {"adapters": small, **whole}

    def _inject(self, network: nn.Module, seed: int) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        settings = self._settings
        places = "|".join(self._parts), "|".join(settings.targets)
        pattern = rf"({places[0]})\.(.*\.)?({places[1]})"
        # Its annotation allows whole numbers alone. It divides by the rank.
        alpha: Any = settings.alpha
        config = LoraConfig(r=settings.rank, lora_alpha=alpha, target_modules=pattern, lora_dropout=0.0)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            try:
                inject_adapter_in_model(config, network, _NAME)
            except ValueError as error:
                raise ConfigError(
                    f"lora.parts {', '.join(self._parts)} have no layers named {', '.join(settings.targets)}. "
                    "Name others in lora.targets"
                ) from error
        for module in network.modules():
            if isinstance(module, Attention | GatedMLP):
                module.join_layers()
        for _, layer in self._layers():
            for key in _MATRICES:
                getattr(layer, key)[_NAME].float().requires_grad_(True)

    def _train_whole(self, name: str, module: nn.Module) -> None:
        """Train a part in float32, from the numbers that the checkpoint has."""
        module.requires_grad_(True)
        for key, parameter in module.named_parameters():
            if parameter.dtype != torch.float32:
                stored = parameter if self._policy.source is None else self._read(f"{name}.{key}")
                parameter.data = stored.detach().to(parameter.device, torch.float32)

    def _layers(self) -> Iterator[tuple[str, Any]]:
        """Adapted layers by their names in the network."""
        from peft.tuners.lora import LoraLayer

        for name, module in self._policy.network.named_modules():
            if isinstance(module, LoraLayer):
                yield name, module

    @property
    def _source(self) -> CheckpointReader:
        if self._policy.source is None:
            raise CheckpointError("adapters merge into the weights of a checkpoint. Load the policy from one")
        return self._policy.source

    def _read(self, name: str) -> Tensor:
        """A tensor of the network as the checkpoint has it."""
        return self._source.read(self._stored(name))

    def _stored(self, name: str) -> str:
        return type(self._policy).to_stored(_NETWORK + name)

    @torch.no_grad()
    def merged(self) -> dict[str, Tensor]:
        """What differs from the checkpoint that the policy was loaded from, by name in the file.

        Matrices with an adapter are W + alpha / rank * B A in float32, whatever W was stored in: in half precision the
        sum would round away much of what was learned.
        """
        tensors = {}
        for name, layer in self._layers():
            change = layer.get_delta_weight(_NAME).float().cpu()
            base = self._read(f"{name}.weight")
            tensors[self._stored(f"{name}.weight")] = base.float() + change if change.any() else base
        for part in self._settings.trained:
            for name, parameter in self.modules[part].named_parameters():
                stored = self._stored(f"{part}.{name}")
                tensors[stored] = parameter.detach().to("cpu", self._source.dtype(stored), copy=True)
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def save(self, folder: Path) -> None:
        """Write the adapters alone, in the form of peft, for the network of the policy.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        tensors = {
            f"base_model.model.{name}.{key}.weight": getattr(layer, key)[_NAME].weight.detach().cpu().clone()
            for name, layer in self._layers()
            for key in _MATRICES
        }
        content = {
            "peft_type": "LORA",
            "r": self._settings.rank,
            "lora_alpha": self._settings.alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "target_modules": [name for name, _ in self._layers()],
            "base_model_name_or_path": str(self._source.folder),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
            (folder / "adapter_config.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise CheckpointError(f"cannot write {folder}: {error}") from error

    def export(self, folder: Path) -> None:
        """Write the merged checkpoint into a folder, and the adapters into one beside it."""
        self._policy.save_pretrained(folder, self.merged())
        self.save(folder.parent / ADAPTER)
