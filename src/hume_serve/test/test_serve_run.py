"""What `hume serve` is started with: what is refused, what is warned of, and what clients are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hume_core.errors import ConfigError, HumeError
from hume_serve.infer_settings import InferSettings
from hume_serve.policy import CascadedPolicy
from hume_serve.run import is_local, make_server, metadata, run_serve
from hume_serve.serve_settings import ServerLimits, ServeSettings

ROOT = Path(__file__).parents[3]
ROBOTS = ROOT / "src" / "hume_bringup" / "config" / "robots"
OF_ANOTHER = ROOT / "src" / "hume_training" / "hume_training" / "checkpoints" / "wx250s_tabletop"


def settings(folder: Path, **changes: Any) -> ServeSettings:
    return ServeSettings(**{"checkpoint": str(folder), "contract": "libero_goal", "port": 0, **changes})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"contract": str(OF_ANOTHER)}, "describes states and actions"),
        ({"contract": "", "robot": str(ROBOTS / "franka_panda.yaml")}, "does not say what its numbers mean"),
        ({"robot": str(ROBOTS / "so101.yaml")}, "was not made for robot 'so101'"),
        ({"infer": InferSettings(replan_steps=9)}, "A segment has 8 rows"),
        ({"host": "no.such.host.invalid"}, "cannot listen at no.such.host.invalid"),
        ({"host": "203.0.113.7"}, "cannot listen at 203.0.113.7"),
        ({"checkpoint": "nowhere"}, "is no folder"),
    ],
)
def test_what_cannot_be_served_is_refused(folder: Path, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(HumeError, match=what):
        run_serve(settings(folder, **changes))


@pytest.mark.parametrize("changes", [{"port": 70000}, {"port": -1}, {"dtype": "float16"}, {"threads": 0}])
def test_wrong_settings_are_refused(folder: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(changes))):
        settings(folder, **changes)


@pytest.mark.parametrize("changes", [{"max_clients": 0}, {"idle_timeout": 0.0}, {"max_message": float("nan")}])
def test_wrong_limits_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(changes))):
        ServerLimits(**changes)


def test_without_a_contract_it_warns(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_server(settings(folder, contract="")).stop()
    assert "--contract" in caplog.text


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.4", False), ("robot", False)],
)  # fmt: skip
def test_which_addresses_are_local(host: str, local: bool) -> None:
    assert is_local(host) == local


def test_the_greeting_says_what_a_client_has_to_know(folder: Path, policy: CascadedPolicy) -> None:
    chosen = settings(folder, infer=InferSettings(seed=4), limits=ServerLimits(max_clients=3))
    found = metadata(chosen, policy, None, None)
    assert found["contract"] is None
    assert found["cameras"] == ["image", "wrist_image"]
    assert (found["state_dim"], found["action_dim"], found["chunk_rows"], found["segment_rows"]) == (8, 7, 16, 8)
    assert (found["init_infer"]["seed"], found["init_infer"]["replan_steps"]) == (4, 8)
    assert found["limits"]["clients"] == 3
    assert "observation.images.wrist_image" in found["fields"]
