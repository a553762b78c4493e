"""Whatever epochs and numbers arrive, a a reset and valid messages bring the arm back to RUNNING."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hume_core.epochs import SIZE, EpochAgreement, following
from hume_system1.control.events import EpochEvent, EStopEvent, Event, ResetEvent
from hume_system1.control.states import Mode

MOST = 2**64 - 1
_EPOCHS = st.one_of(st.integers(0, SIZE - 1), st.sampled_from([0, 1, 2, 1000, 1001, SIZE // 2, SIZE - 1]))
_NEAR = st.integers(-3, 1003)
_SEQS = st.one_of(st.integers(0, MOST), st.sampled_from([0, MOST, MOST - 1, 2**63]))
HOSTILE = st.lists(
    st.one_of(
        st.tuples(st.just("epoch"), _EPOCHS),
        st.tuples(st.just("near"), _NEAR),
        st.tuples(st.just("estop"), st.just(0)),
        st.tuples(st.sampled_from(["chunk", "segment"]), st.tuples(_NEAR, _SEQS)),
        st.tuples(st.just("top"), st.integers(0, 2)),
    ),
    max_size=12,
)


class Graph:
    """A rig, and the keepers of System 2 and the denoiser that hear the same topics and System 1's status."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.system1, self.others = EpochAgreement(), [EpochAgreement(), EpochAgreement()]
        rig.activate()

    def epoch(self, epoch: int) -> list[Event]:
        """A message on `hume/epoch` reaches every node."""
        for other in self.others:
            other.hear(epoch)
        return [EpochEvent(epoch)] if self.system1.hear(epoch) else []

    def attack(self, kind: str, value: Any) -> list[Event]:
        present = self.rig.core.intake.epoch
        if kind == "epoch":
            return self.epoch(value)
        if kind == "near":
            return self.epoch((present + value) % SIZE)
        if kind == "estop":
            return [EStopEvent()]
        if kind == "top":
            self.rig.core.intake.advance_epoch(SIZE - 1 - value)
            return []
        step, seq = value
        epoch = (present + step) % SIZE
        if kind == "chunk":
            return [self.rig.chunk(epoch=epoch, seq=seq)]
        chunk_seq = self.rig.core.intake.chunks.seq
        return [self.rig.segment(epoch=epoch, seq=seq, chunk_seq=max(0, chunk_seq), frequency=0.0)]

    def run(self, seconds: float, *events: Event, feed: bool = False) -> None:
        """Ticks with the status message every 0.05 s. `feed`: chunks and segments of System 2's epoch."""
        for k in range(round(seconds / 0.005)):
            honest: list[Event] = []
            if feed and k % 4 == 0:
                epoch = self.others[0].value
                honest = [self.rig.chunk(epoch=epoch), self.rig.segment(epoch=epoch, amplitude=0.05)]
            self.rig.tick(0.005, *events, *honest)
            events = ()
            if k % 10 == 0:
                self.status()

    def status(self) -> None:
        """What System 1's status timer does, and what others do with it."""
        epoch = self.rig.core.intake.epoch
        if self.system1.follow(epoch, self.rig.steady):
            for other in self.others:
                other.hear(epoch)
        for other in self.others:
            other.follow(epoch, self.rig.steady)

    def recover(self) -> None:
        """Reset and valid messages until the arm runs, which must not take long."""
        self.run(0.02, ResetEvent(), feed=True)
        self.run(3.0, feed=True)
        assert self.rig.core.state.mode is Mode.RUNNING, self.rig.core.state
        assert {other.value for other in self.others} == {self.rig.core.intake.epoch}


@given(HOSTILE, st.booleans())
def test_a_reset_always_completes(make_rig: Any, hostile: list[tuple[str, Any]], stop: bool) -> None:
    graph = Graph(make_rig())
    graph.run(0.2, feed=True)
    for kind, value in hostile:
        graph.run(0.03, *graph.attack(kind, value))
    if stop:
        graph.run(0.3, EStopEvent())
        assert graph.rig.core.state.mode is Mode.ESTOP
    graph.recover()


@pytest.mark.parametrize("epoch", [SIZE - 1, SIZE - 2, SIZE // 2, SIZE // 2 - 1, 100_000])
@pytest.mark.parametrize("source", ["topic", "chunk", "core"])
def test_one_message_with_a_huge_epoch_blocks_nothing(make_rig: Any, epoch: int, source: str) -> None:
    graph = Graph(make_rig())
    graph.run(0.3, feed=True)
    if source == "topic":
        graph.run(0.1, *graph.epoch(epoch))
    elif source == "chunk":
        graph.run(0.1, graph.rig.chunk(epoch=epoch))
    else:
        graph.run(0.1, EpochEvent(epoch))
    assert graph.rig.core.intake.epoch == 0
    graph.run(0.3, EStopEvent())
    graph.recover()


def test_the_epoch_goes_on_after_its_highest(make_rig: Any) -> None:
    graph = Graph(make_rig())
    graph.rig.core.intake.advance_epoch(SIZE - 1)
    graph.run(0.7)
    for _ in range(3):
        before = graph.rig.core.intake.epoch
        graph.run(0.3, EStopEvent())
        assert graph.rig.core.intake.epoch == following(before)
        graph.recover()
    assert graph.rig.core.intake.epoch < 10


@pytest.mark.parametrize("seq", [MOST, MOST - 1, 2**63])
def test_a_huge_number_shuts_no_sender_out_for_long(running: Any, seq: int) -> None:
    """Without a reset, within the age at which its chunk counts no more."""
    running.tick(0.005, running.chunk(seq=seq))
    assert running.core.intake.chunks.seq == seq
    running.tick(0.005, running.segment(chunk_seq=seq, seq=seq, frequency=0.0))
    accepted = running.core.intake.chunks_accepted
    running.run(1.0, segments=True)
    assert running.core.intake.chunks_accepted == accepted
    running.run(running.core.settings.chunk_age + 1.5, segments=True)
    assert running.core.state.mode is Mode.RUNNING


def test_numbers_start_over_in_a_new_epoch(running: Any) -> None:
    running.tick(0.005, running.chunk(seq=MOST))
    running.tick(0.005, EpochEvent(following(running.core.intake.epoch)))
    accepted = running.core.intake.chunks_accepted
    running.tick(0.005, running.chunk(), running.segment())
    assert running.core.intake.chunks_accepted == accepted + 1


def test_old_chunks_that_are_sent_again_are_refused(running: Any) -> None:
    """Numbers that start over do not let in what was there before."""
    recorded = running.chunk()
    running.tick(0.005, recorded)
    running.tick(0.005, running.chunk(seq=MOST))
    running.run(running.core.settings.chunk_age + 0.2)
    accepted = running.core.intake.chunks_accepted
    running.tick(0.005, recorded)
    assert running.core.intake.chunks_accepted == accepted


def test_shapes_are_refused_whatever_their_size(running: Any) -> None:
    before = running.core.intake.chunks_accepted
    for rows in (np.zeros((2000, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32)):
        running.tick(0.005, running.chunk(rows=rows))
    assert running.core.intake.chunks_accepted == before
