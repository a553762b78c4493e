"""Settings of the policy server."""

from __future__ import annotations

from dataclasses import dataclass, field

from hume_core.node_settings import ModelSettings
from hume_core.settings import check, find, same_as, setting
from hume_serve.infer_settings import InferSettings
from hume_system2.settings import System2Settings

_LARGEST_PORT = 65535


@dataclass(frozen=True)
class ServerLimits:
    """What one client may ask for, and how many there may be."""

    max_clients: int = setting(8, "Clients at a time. One more is turned away.", low=1, high=256)
    max_message: float = setting(16.0, "Largest message.", unit="MiB", low=0.01, high=256.0)
    max_candidates: int = setting(
        64, "Candidates of one thought, those of all observations of a batch together.", low=1, high=4096
    )
    idle_timeout: float = setting(
        600.0, "A client that sends nothing whole for this time is disconnected.", unit="s", low=1.0, high=86400.0
    )
    send_timeout: float = setting(
        20.0, "A client that does not take its answer within this time is disconnected.", unit="s", low=0.1, high=600.0
    )

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is not valid.
        """
        check(self)

    @property
    def max_bytes(self) -> int:
        """Largest message, bytes."""
        return int(self.max_message * 2**20)


@dataclass(frozen=True)
class ServeSettings:
    """What `hume serve` is started with."""

    checkpoint: str = same_as(find(ModelSettings, "checkpoint"))
    contract: str = same_as(find(ModelSettings, "contract"))
    robot: str = setting(
        "", "Robot profile of clients that send what a robot measures. Unset: they send what the checkpoint wants."
    )
    host: str = setting("127.0.0.1", "Address to listen at. 0.0.0.0: every network of this computer.")
    port: int = setting(8000, "Port to listen at. 0: any free one.", low=0, high=_LARGEST_PORT)
    device: str = same_as(find(ModelSettings, "device"))
    dtype: str = same_as(find(ModelSettings, "dtype"))
    engine: str = same_as(find(ModelSettings, "engine"))
    threads: int = same_as(find(ModelSettings, "threads"))
    state_deviations: float = same_as(find(System2Settings, "state_deviations"))
    limits: ServerLimits = field(default_factory=ServerLimits)
    infer: InferSettings = field(default_factory=InferSettings)

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: a value is not valid.
        """
        check(self)
