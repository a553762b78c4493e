"""Epochs count round, are accepted only up to a bound, and no message can keep two nodes apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hume_core.epochs import LARGEST_STEP, SIZE, EpochAgreement, ahead, following, is_plausible_step

EPOCHS = st.one_of(st.integers(0, SIZE - 1), st.sampled_from([0, 1, SIZE - 1, SIZE // 2, SIZE // 2 - 1]))


@pytest.mark.parametrize(
    ("epoch", "present", "expected"),
    [(1, 0, 1), (0, 1, -1), (0, SIZE - 1, 1), (SIZE - 1, 0, -1), (SIZE // 2, 0, -SIZE // 2), (5, SIZE - 5, 10)],
)
def test_distance_counts_round(epoch: int, present: int, expected: int) -> None:
    assert ahead(epoch, present) == expected


@given(EPOCHS)
def test_the_next_epoch_is_newer_wherever_the_count_stands(epoch: int) -> None:
    assert 0 <= following(epoch) < SIZE
    assert ahead(following(epoch), epoch) == 1
    assert is_plausible_step(following(epoch), epoch)
    assert not is_plausible_step(epoch, following(epoch))


@pytest.mark.parametrize("epoch", [-1, SIZE, LARGEST_STEP + 1, SIZE - 1, SIZE // 2])
def test_what_is_old_or_too_far_ahead_is_not_accepted(epoch: int) -> None:
    assert not is_plausible_step(epoch, 0)
    agreement = EpochAgreement()
    assert not agreement.hear(epoch)
    assert agreement.value == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), EPOCHS), max_size=30), EPOCHS)
def test_a_node_comes_back_to_system_1_whatever_it_has_heard(heard: list[tuple[bool, int]], leader: int) -> None:
    agreement = EpochAgreement()
    for from_status, epoch in heard:
        if from_status:
            agreement.follow(epoch, 0.0)
        else:
            agreement.hear(epoch)
    changed = [agreement.follow(leader, 1.0 + 0.05 * k) for k in range(12)]
    assert agreement.value == leader
    assert sum(changed) <= 1


def test_news_of_its_own_are_not_taken_back_while_they_travel() -> None:
    agreement = EpochAgreement()
    agreement.follow(7, 0.0)
    assert agreement.begin() == 8
    assert not any(agreement.follow(7, 0.05 * k) for k in range(8))
    assert not agreement.follow(8, 0.45)
    assert not agreement.follow(7, 0.5), "a difference counts from when it began"
    assert agreement.value == 8


def test_a_restarted_node_takes_over_an_epoch_far_ahead() -> None:
    agreement = EpochAgreement()
    assert [agreement.follow(50_000, 0.1 * k) for k in range(7)].count(True) == 1
    assert agreement.value == 50_000
