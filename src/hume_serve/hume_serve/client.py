"""What one client asks and is answered. No network, no thread: messages in, replies out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from websockets.frames import CloseCode

from hume_core.errors import HumeError, ObservationError
from hume_core.texts import shown
from hume_serve.episode import Episode, first_segment, noise_source
from hume_serve.infer_settings import InferSettings, is_init
from hume_serve.inputs import InputReader, PolicyInputs
from hume_serve.policy import CascadedPolicy
from hume_serve.robot_view import RobotView
from hume_serve.serve_settings import ServerLimits
from hume_serve.wire import MessageError, pack, unpack

_INTERNAL = "InternalError: the server failed at this request. Its log says why. Connect again"
_log = logging.getLogger("hume_serve")


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        message: bytes hold msgpack. A text is an error, as openpi's clients expect it.
        close: code with which the connection ends after it. None: it goes on.
    """

    message: bytes | str
    close: CloseCode | None = None


Work = Callable[[], Reply]
"""Asks the systems, and gives the reply."""


class ClientSession:
    """The state of one client.

    A client that begins with `init_infer` is answered as the authors' server does: one call is one control step, and
    the answer is an array (B, a). Without it each call stands for itself, as with openpi: the answer is a map whose
    `actions` (h, a) start at the observation.

    Threads: one at a time. `read` and the work that it leaves may be done in different ones.

    Args:
        policy: both systems.
        settings: where the client leaves something out.
        robot: what the client's robot is. None: it sends what the checkpoint wants.
        max_candidates: of one thought, those of all observations of a batch together.
    """

    def __init__(
        self,
        policy: CascadedPolicy,
        settings: InferSettings,
        robot: RobotView | None = None,
        max_candidates: int = ServerLimits.max_candidates,
    ) -> None:
        self._policy, self._settings, self._robot = policy, settings, robot
        self._max_candidates = max_candidates
        self._resolved = settings.resolved(policy.config)
        self._reader = InputReader(policy.config, robot)
        self._generator = noise_source(settings.seed)
        self._episode: Episode | None = None

    def answer(self, message: bytes | str) -> Reply:
        """The reply to a message. It never raises: errors are replies too."""
        reply = self.read(message)
        return reply if isinstance(reply, Reply) else reply()

    def read(self, message: bytes | str) -> Reply | Work:
        """The reply, where neither system has to be asked for it. Else what is left to do, which gives the reply."""
        return self._guarded(lambda: self._read(_content(message)))

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """The reply with what a step gives, or the work that it leaves. An error is a reply too."""
        try:
            result = step()
            return result if callable(result) else Reply(pack(result))
        except MessageError as error:
            return Reply(_text(error), CloseCode.POLICY_VIOLATION)
        except HumeError as error:
            return Reply(_text(error))
        except Exception:
            _log.exception("a request failed")
            return Reply(_INTERNAL, CloseCode.INTERNAL_ERROR)

    def _read(self, content: Mapping[Any, Any]) -> Any:
        if is_init(content):
            return self._begin(content)
        inputs = self._reader.read(content)
        self._check_size(inputs.observation.batch_size)
        step = partial(self._single if self._episode is None else self._episode.act, inputs)
        ready = self._episode is not None and self._episode.planned
        return step() if ready else partial(self._guarded, step)

    def _single(self, inputs: PolicyInputs) -> dict[str, Any]:
        started = time.monotonic()
        rows = first_segment(self._policy, self._resolved, inputs, self._generator)
        infer_ms = 1e3 * (time.monotonic() - started)
        return {"actions": rows if inputs.batched else rows[0], "server_timing": {"infer_ms": infer_ms}}

    def _check_size(self, batch: int) -> None:
        settings = self._resolved if self._episode is None else self._episode.settings
        if batch * settings.s2_candidates_num > self._max_candidates:
            raise ObservationError(
                f"{settings.s2_candidates_num} candidates for each of {batch} observations are more than the "
                f"{self._max_candidates} of one thought. Send fewer at a time, or init_infer with a smaller "
                "s2_candidates_num"
            )

    def _begin(self, content: Mapping[Any, Any]) -> dict[str, str]:
        """A new episode. The authors' client wants an error as a map."""
        try:
            self._episode = Episode(self._policy, InferSettings.of(content, self._settings), self._robot)
        except HumeError as error:
            return {"status": "error", "message": str(error)}
        return {"status": "ok"}


def _content(message: bytes | str) -> Mapping[Any, Any]:
    if isinstance(message, str):
        raise MessageError("the message is a text. Send one map as msgpack, in a binary message")
    content = unpack(message)
    if not isinstance(content, dict):
        raise MessageError(f"the message holds {shown(content)}. Send one map")
    return content


def _text(error: HumeError) -> str:
    return f"{type(error).__name__}: {error}"
