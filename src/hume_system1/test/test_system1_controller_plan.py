"""Which controllers are stopped and started for System 1, and what is said where that is refused."""

from __future__ import annotations

import pytest

from hume_core.errors import ControllerError
from hume_system1.controller_plan import ControllerSwitch, ListedController, refusal, switch_to

MANAGER = "/left/controller_manager"
NAMES, JOINTS = ("stream", "hand"), ("shoulder", "elbow", "finger")


def listed(name: str, state: str, *required: str) -> ListedController:
    return ListedController(name, state, required if state == "active" else (), required)


STREAM = ("shoulder/position", "elbow/position")
HAND = listed("hand", "active", "finger/position")


@pytest.mark.parametrize(
    ("others", "stopped"),
    [
        ([], ()),
        ([listed("planned", "active", "elbow/position")], ("planned",)),
        ([listed("speeds", "active", "shoulder/velocity", "lift/velocity")], ("speeds",)),
        ([listed("planned", "inactive", "elbow/position")], ()),
        ([listed("lift", "active", "lift/position"), listed("broadcaster", "active")], ()),
        ([listed("a", "active", "elbow/effort"), listed("b", "active", "shoulder/position")], ("a", "b")),
        ([listed("planned", "active", "stream/elbow/position")], ("planned",)),
    ],
    ids=["alone", "same interface", "another interface", "inactive", "other joints", "two", "chained"],
)
def test_what_commands_the_joints_stops_and_the_rest_stays(
    others: list[ListedController], stopped: tuple[str, ...]
) -> None:
    found = [listed("stream", "inactive", *STREAM), HAND, *others]
    switch = switch_to(NAMES, JOINTS, found, MANAGER)
    assert switch == ControllerSwitch(("stream",), stopped)
    assert switch.back() == ControllerSwitch(stopped, ("stream",))
    assert not switch.is_done(found)


def test_a_controller_that_does_not_tell_its_joints_has_those_of_the_profile() -> None:
    found = [listed("stream", "inactive"), HAND, listed("planned", "active", "elbow/position")]
    assert switch_to(NAMES, JOINTS, found, MANAGER).deactivate == ("planned",)


def test_where_all_are_active_nothing_is_switched() -> None:
    # An extra controller with the same joints is no reason either: the manager has let it in.
    found = [listed("stream", "active", *STREAM), HAND, listed("watch", "active", "elbow/effort")]
    assert not switch_to(NAMES, JOINTS, found, MANAGER)


def test_a_switch_is_done_when_the_states_say_so() -> None:
    switch = ControllerSwitch(("stream",), ("planned",))
    done = [listed("stream", "active"), listed("planned", "inactive")]
    assert switch.is_done(done)
    assert switch.is_done(done[:1])
    assert not switch.is_done([done[0], listed("planned", "active")])
    assert not switch.is_done([])
    assert switch.back().is_done([listed("stream", "inactive"), listed("planned", "active")])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([HAND], ["'stream'", "not loaded", "Loaded: hand", f"spawner stream -c {MANAGER} --inactive"]),
        ([], ["'stream'", "Loaded: none"]),
        (
            [listed("stream", "unconfigured"), HAND],
            ["'stream'", "unconfigured", f"set_controller_state stream inactive -c {MANAGER}"],
        ),
        ([listed("stream", "active"), listed("hand", "finalized")], ["'hand'", "finalized"]),
    ],
)
def test_what_cannot_be_started_is_named_with_what_to_type(found: list[ListedController], words: list[str]) -> None:
    with pytest.raises(ControllerError) as error:
        switch_to(NAMES, JOINTS, found, MANAGER)
    assert all(word in str(error.value) for word in words), error.value


def test_a_refusal_says_who_has_which_interface_and_what_to_type() -> None:
    found = [
        listed("stream", "inactive", *STREAM),
        listed("planned", "active", "elbow/position"),
        listed("late", "active", "shoulder/position"),
    ]
    text = str(refusal(ControllerSwitch(("stream",), ("planned",)), found, "no resources. ", MANAGER))
    assert "controller 'stream' is inactive, and its interface 'shoulder/position' is claimed by 'late'" in text
    assert "controller 'planned' is still active" in text
    assert "It says: no resources. Type:" in text
    assert text.endswith(f"ros2 control switch_controllers --activate stream --deactivate planned late -c {MANAGER}")


def test_a_refusal_without_a_reason_names_the_states() -> None:
    text = str(refusal(ControllerSwitch(("stream", "gone")), [listed("stream", "inactive")], "", MANAGER))
    assert "'stream' is inactive" in text
    assert "'gone' is not loaded" in text
    assert "It says" not in text
