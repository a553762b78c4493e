"""The film of a demo: frames of the scene, what System 2 weighs on them, and lines of text above."""

from __future__ import annotations

from hume_msgs.msg import ActionChunk, EpisodeState, System1Status
from sensor_msgs.msg import Image

from hume_bench.demo.overlay import CandidateOverlay
from hume_bench.demo.video import VideoWriter
from hume_ros.conversions import image_to_rgb, stamp_seconds


class Film:
    """Takes frames while it is `running`.

    Args:
        writer: where they go.
        overlay: draws the candidates onto them. None: they are left as they are.
    """

    def __init__(self, writer: VideoWriter, overlay: CandidateOverlay | None) -> None:
        self._writer, self.overlay = writer, overlay
        self.running = False

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def begin_scene(self) -> None:
        """Nothing of the scene before is drawn any more."""
        if self.overlay is not None:
            self.overlay.clear()

    def add(self, message: Image, lines: list[str]) -> None:
        """A frame, with lines of text."""
        if not self.running:
            return
        frame = image_to_rgb(message)
        drawn = frame if self.overlay is None else self.overlay.draw(frame)
        self._writer.add(drawn, lines, stamp_seconds(message.header.stamp))


def film_text(
    episode: EpisodeState | None, failure: str, status: System1Status | None, chunk: ActionChunk | None
) -> list[str]:
    """What stands above a frame. None: it has not come yet.

    Args:
        episode: of the scene.
        failure: which rule of the scene was broken. Empty: none.
        status: of System 1.
        chunk: the newest.
    """
    lines = [""]
    if episode is not None:
        ending = failure or ("done" if episode.success else "")
        lines = [f"{episode.instruction}: {ending}" if ending else str(episode.instruction)]
    if status is not None:
        lines.append(f"{status.mode_name}  stream {status.stream_rate:.0f} Hz  System 1 {status.denoise_rate:.0f} Hz")
    if chunk is not None:
        milliseconds = 1e3 * stamp_seconds(chunk.think_duration)
        lines.append(f"System 2 value {chunk.value:.2f}  thought {milliseconds:.0f} ms")
    return lines
