"""What both systems share: loading, saving and preparing observations."""

from __future__ import annotations

import json
import logging
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hume_core.checkpoint import CheckpointReader, NameMap, load_module, resolve_folder
from hume_core.checkpoint_writer import copy_extra_files, save_tensors, stored_tensors
from hume_core.config import HumeConfig, check_layers
from hume_core.engine_names import EAGER
from hume_core.engines import EagerEngine, Engine, EngineError, Graph, Log, Run, make_engine
from hume_core.errors import CheckpointError, ConfigError, ObservationError
from hume_core.images import prepare_image
from hume_core.nn.joined import join_all
from hume_core.normalization import Normalizer
from hume_core.observation import Observation
from hume_core.policy_contract import PolicyContract, find_contract

LOG = logging.getLogger(__name__)
"""Of policies that no node runs."""

PolicyType = TypeVar("PolicyType", bound="PretrainedPolicy")


class PretrainedPolicy(nn.Module):
    """A policy that lives in a checkpoint folder of the released layout.

    Attributes:
        config: the checkpoint's configuration.
        contract: what the numbers of its states and actions mean. None where the checkpoint does not say.
        normalizer: between real and normalised units.
        engine: what runs the graphs that were prepared. Everything else runs with eager operations.
        tensors_read: names of the tensors that were read from the checkpoint, nothing else was.
    """

    network: Any
    reduced_prefixes: tuple[str, ...] = ()
    to_stored: NameMap

    def __init__(self, config: HumeConfig) -> None:
        super().__init__()
        self.config = config
        self.contract: PolicyContract | None = None
        self.normalizer = Normalizer(config)
        self.tensors_read: tuple[str, ...] = ()
        self._source: CheckpointReader | None = None
        self._stored_dtypes: dict[str, torch.dtype] = {}
        self.engine: Engine = EagerEngine()
        self._prepared: dict[Hashable, Run] = {}

    @classmethod
    def build(cls: type[PolicyType], config: HumeConfig, reader: CheckpointReader) -> PolicyType:
        """The policy without weights, from a configuration and what the folder tells beyond it."""
        raise NotImplementedError

    @classmethod
    def from_pretrained(
        cls: type[PolicyType],
        name: str | Path,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        engine: str = EAGER,
        contract: str = "",
    ) -> PolicyType:
        """Load a checkpoint folder or hub name. Only this system's own tensors are read.

        Args:
            name: a folder, or ``organisation/name`` on the Hugging Face hub.
            device: where to compute.
            dtype: float32, or bfloat16 for the transformers (the action projections, the final norms and
                the critics stay float32, as released).
            engine: one of `hume_core.engine_names.ENGINE_CHOICES`. It serves what ``warm_up`` prepares.
            contract: name or path of what its numbers mean. Empty: the folder's own, or that of a release.

        Raises:
            CheckpointError: the folder, a file or a tensor is missing, truncated or of the wrong shape.
            ConfigError: ``config.json`` has an unknown, missing or wrong field, or there is no such engine.
            ContractError: its contract is damaged, or there is none of the given name.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ConfigError(f"dtype {dtype} is not supported. Valid: torch.float32, torch.bfloat16")
        folder = resolve_folder(name)
        config = HumeConfig.load(folder / "config.json")
        reader = CheckpointReader(folder)
        check_layers(config, len(reader.names))
        with torch.device("meta"):
            policy = cls.build(config, reader)
        policy._stored_dtypes = load_module(policy, reader, cls.to_stored, lambda key: cls.loaded_type(key, dtype))
        policy.rebuild_buffers()
        policy.normalizer.check(folder)
        policy.tensors_read = tuple(reader.names_read)
        policy.contract = find_contract(name, folder, contract)
        policy._source = reader
        policy.requires_grad_(False).eval().to(device)
        join_all(policy)
        policy.engine = make_engine(engine, policy, folder)
        return policy

    @classmethod
    def loaded_type(cls, key: str, dtype: torch.dtype) -> torch.dtype:
        """Type that a parameter has in a policy that was loaded in a type. See `from_pretrained`."""
        reduced = key.startswith(cls.reduced_prefixes) and not key.endswith(".norm.weight")
        return dtype if reduced else torch.float32

    def rebuild_buffers(self) -> None:
        """Make the buffers that no checkpoint stores."""

    def _prepare(self, graphs: Mapping[Hashable, Graph], log: Log) -> None:
        """Let the engine make functions of graphs. Where it cannot, say so once and use eager operations."""
        new = {key: graph for key, graph in graphs.items() if key not in self._prepared}
        try:
            self._prepared |= zip(new, self.engine.prepare_all(list(new.values()), log), strict=True)
        except EngineError as error:
            log.warning(f"engine '{self.engine.name}' is not used: {error}. The slower engine 'eager' runs the model")
            self.engine, self._prepared = EagerEngine(), {}

    @property
    def source(self) -> CheckpointReader | None:
        """The checkpoint that this policy was loaded from."""
        return self._source

    def save_pretrained(self, folder: str | Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write a complete checkpoint folder in the released layout, in the types it was stored in.

        Tensors of the other system are kept: from the folder where it already holds a checkpoint, else
        from the checkpoint this policy was loaded from.

        Args:
            folder: created where it does not exist.
            tensors: name in the file -> tensor, where only these differ from the checkpoint it was loaded from.
                None: all of its own.

        Raises:
            CheckpointError: the folder cannot be written, or this is a System 2 that was published alone.
        """
        if not self.config.has_system1:
            raise CheckpointError(
                "a checkpoint of type 'system2' is not written. `hume train system2 --set checkpoint=FOLDER` makes a "
                "whole one of it"
            )
        target = Path(folder)
        save_tensors(target, self._tensors_to_save() if tensors is None else tensors, self._source)
        text = json.dumps(self.config.to_dict(), indent=4)
        (target / "config.json").write_text(text + "\n", encoding="utf-8")
        if self.contract is not None:
            self.contract.save(target)
        self.save_extra_files(target)

    def _tensors_to_save(self) -> dict[str, Tensor]:
        return stored_tensors(self, type(self).to_stored, self._stored_dtypes)

    def save_extra_files(self, folder: Path) -> None:
        """Write what belongs to the checkpoint besides weights and configuration."""
        if self._source is not None:
            copy_extra_files(self._source.folder, folder)

    @property
    def device(self) -> torch.device:
        """Where the policy computes."""
        return next(self.parameters()).device

    def present_cameras(self, observation: Observation) -> list[str]:
        """Declared cameras that the observation holds, in declared order.

        Raises:
            ObservationError: more are missing than ``empty_cameras`` allows, or one is unknown.
        """
        declared = self.config.camera_keys
        present = [key for key in declared if key in observation.images]
        missing = [key for key in declared if key not in observation.images]
        unknown = sorted(set(observation.images) - set(declared))
        if unknown:
            raise ObservationError(f"unknown camera '{unknown[0]}'. The checkpoint has: {', '.join(declared)}")
        if len(missing) > self.config.empty_cameras or not present:
            raise ObservationError(
                f"camera '{missing[0]}' is missing. The checkpoint needs {', '.join(declared)}, of which "
                f"{self.config.empty_cameras} may be absent"
            )
        return present

    def prepare_images(self, observation: Observation) -> Tensor:
        """Images of the present cameras in [-1, 1], float32 (cameras, B, 3, height, width)."""
        keys = self.present_cameras(observation)
        if self.config.resize_imgs_with_padding is None:
            self._check_image_sizes({key: observation.images[key] for key in keys})
        images = [torch.as_tensor(observation.images[key]) for key in keys]
        if len({image.shape for image in images}) == 1:
            # Cameras of one size in one go: half the operations.
            prepared = prepare_image(torch.cat(images), self.config.image_size, self.device)
            return prepared.unflatten(0, (len(images), -1))
        return torch.stack([prepare_image(image, self.config.image_size, self.device) for image in images])

    def _check_image_sizes(self, images: Mapping[str, Any]) -> None:
        width, height = self.config.image_size
        for key, image in images.items():
            found = tuple(image.shape[1:3])
            if found != (height, width):
                raise ObservationError(
                    f"camera '{key}' gives images of {found[1]}x{found[0]} pixels. The checkpoint takes them as they "
                    f"are and needs {width}x{height}"
                )

    def prepare_state(self, observation: Observation) -> Tensor:
        """Normalised, padded states, float32 (B, T, S), oldest first.

        Raises:
            ObservationError: the state has another size than the checkpoint.
        """
        return self.normalizer.state(self.checked_state(observation))

    def checked_state(self, observation: Observation) -> Tensor:
        """States in real units (B, T, s), oldest first.

        Raises:
            ObservationError: the state has another size than the checkpoint.
        """
        size = int(observation.state.shape[-1])
        if size != self.config.state_dim:
            raise ObservationError(f"state has {size} numbers. The checkpoint needs {self.config.state_dim}")
        return torch.as_tensor(observation.state).to(self.device)

    def unnormalise(self, chunk: Any) -> Tensor:
        """Normalised, padded actions (..., A) to real units (..., a): how to act without System 1."""
        with torch.inference_mode():
            return self.normalizer.unnormalise(torch.as_tensor(chunk).to(self.device, torch.float32))

    def blank_observation(self, height: int = 240, width: int = 320) -> Observation:
        """A black observation of batch size 1 for warming up."""
        if self.config.resize_imgs_with_padding is None:
            width, height = self.config.image_size
        images = {key: torch.zeros(1, height, width, 3, dtype=torch.uint8) for key in self.config.camera_keys}
        state = torch.zeros(1, self.config.s1_his_state_size, self.config.state_dim)
        return Observation(images, state, ["wait"])
