"""The real client of openpi against the real command. It runs in an environment of its own: docs/serve.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hume_core.observation import Observation
from hume_system1.model import System1
from hume_system2.model import System2

PYTHON = os.environ.get("HUME_OPENPI_PYTHON", "")
SEED, CANDIDATES, CALLS = 21, 4, 3
pytestmark = [
    pytest.mark.openpi,
    pytest.mark.skipif(not PYTHON, reason="HUME_OPENPI_PYTHON names no Python that has openpi-client"),
]

PROGRAM = """
import json, sys
import numpy as np
from openpi_client.action_chunk_broker import ActionChunkBroker
from openpi_client.websocket_client_policy import WebsocketClientPolicy

port, folder = int(sys.argv[1]), sys.argv[2]
arrays = dict(np.load(folder + "/sent.npz"))
settings = json.loads(str(arrays["config_json"]))
single = WebsocketClientPolicy("127.0.0.1", port)
episode = WebsocketClientPolicy("ws://127.0.0.1", port)
assert episode.infer(settings) == {"status": "ok"}
found = {"rows": [], "steps": []}
for step, frame in enumerate(arrays["image_index"]):
    images = {name: arrays["observation.images." + name][frame] for name in ("image", "wrist_image")}
    sent = {"observation.images." + name: image for name, image in images.items()}
    sent["observation.state"] = arrays["observation.state"][step].astype(np.float64)
    sent["task"] = [str(text) for text in arrays["task"]]
    thought, rest = divmod(step, settings["s2_replan_steps"])
    if rest == 0:
        count = settings["s2_candidates_num"]
        sent["noise"] = arrays["noise"][thought * count : (thought + 1) * count]
    found["steps"].append(episode.infer(sent))
    if step < int(sys.argv[3]):
        observation = {"observation/" + name: image[0] for name, image in images.items()}
        observation["observation/state"] = arrays["observation.state"][step, 0]
        found["rows"].append(single.infer({**observation, "prompt": str(arrays["task"][0])})["actions"])
broker = ActionChunkBroker(single, action_horizon=4)
found["executed"] = [broker.infer({**observation, "prompt": "go"})["actions"] for _ in range(5)]
try:
    single.infer({"prompt": "go"})
except RuntimeError as error:
    found["error"] = str(error)
found["contract"] = json.dumps(single.get_server_metadata()["contract"])
np.savez(folder + "/found.npz", **found)
"""


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """Of a server that runs as people start it."""
    words = ["serve", "--checkpoint", str(folder), "--contract", "libero_goal", "--port", "0", "--seed", str(SEED)]
    words += ["--s2-candidates-num", str(CANDIDATES)]
    process = subprocess.Popen([sys.executable, "-m", "hume_tools", *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"ws://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_openpis_client_gets_what_a_python_call_gives(
    port: int,
    arrays: dict[str, NDArray[Any]],
    system2: System2,
    system1: System1,
    generator: Callable[[int], Any],
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "sent.npz", **arrays)  # type: ignore[arg-type]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [PYTHON, "-c", PROGRAM, str(port), str(tmp_path), str(CALLS)]
    subprocess.run(words, check=True, timeout=240, env=environment)
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_allclose(found["steps"], arrays["actions"], atol=2e-5)
    source = generator(SEED)
    for step in range(CALLS):
        frame = arrays["image_index"][step]
        images = {name: arrays[f"observation.images.{name}"][frame] for name in ("image", "wrist_image")}
        seen = Observation(images, arrays["observation.state"][step][:, None], [str(arrays["task"][0])])
        thought = system2.think(seen, CANDIDATES, generator=source)
        expected = system1.refine(seen, thought.chunk)[0].numpy()
        np.testing.assert_allclose(found["rows"][step], expected, atol=1e-6)
    assert found["executed"].shape == (5, 7)
    assert "ObservationError: observation field 'observation.state' is missing" in str(found["error"])
    assert "Traceback" not in str(found["error"])
    assert json.loads(str(found["contract"]))["arms"][0]["space"] == "ee_delta"
