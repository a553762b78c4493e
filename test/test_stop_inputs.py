"""Every way to publish a stop reaches System 1: reliability, durability, age and namespace of the publisher aside."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest
from lifecycle_msgs.msg import TransitionEvent
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool, String, UInt8

from hume_core.errors import ConfigError
from hume_core.robot import DeadMan, RobotProfile, StopState
from hume_system1.settings import System1Settings
from hume_system1.stop_inputs import StopInputs

pytestmark = pytest.mark.ros

TOPICS = System1Settings().stop_topics
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
VOLATILE, LATCHED = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL
PROFILE = RobotProfile.load("wx250s_sim")
TIMEOUT = 10.0


class System1:
    """A node in a namespace with stop inputs, as System 1 has them."""

    def __init__(self, observer: Any, **sections: Any) -> None:
        self.stops = 0
        self._observer = observer
        self._node = Node("hume_system1", namespace="left")
        observer.executor.add_node(self._node)
        topics = sections.pop("topics", TOPICS)
        self.inputs = StopInputs(self._node, topics, PROFILE.model_copy(update=sections), self._stop)

    def _stop(self) -> None:
        self.stops += 1

    def must_stop(self, again: Callable[[], object] = lambda: None) -> None:
        def stopped() -> bool:
            again()
            return self.stops > 0

        self._observer.until(stopped, TIMEOUT, "the stop")

    def stops_within(self, seconds: float) -> int:
        self.stops = 0
        self._observer.spin(seconds)
        return self.stops

    def close(self) -> None:
        # The executor must have let go of what is destroyed.
        self._observer.executor.remove_node(self._node)
        self._observer.spin(0.05)
        self.inputs.close()
        self._node.destroy_node()


@pytest.fixture
def begin(observer: Any) -> Iterator[Callable[..., System1]]:
    running: list[System1] = []

    def make(**sections: Any) -> System1:
        running.append(System1(observer, **sections))
        return running[-1]

    yield make
    for system1 in running:
        system1.close()


@pytest.fixture
def publisher(observer: Any) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(kind: type, topic: str, reliability: Any = RELIABLE, durability: Any = VOLATILE) -> Any:
        quality = QoSProfile(depth=1, reliability=reliability, durability=durability)
        made.append(observer.node.create_publisher(kind, topic, quality))
        return made[-1]

    yield make
    for each in made:
        observer.node.destroy_publisher(each)


def heard(observer: Any, publisher: Any) -> None:
    observer.until(publisher.get_subscription_count, TIMEOUT, "a subscription that fits")
    # The other side has to know of the publisher too.
    observer.spin(0.3)


@pytest.mark.parametrize("topic", ["/hume/estop", "/left/hume/estop"])
@pytest.mark.parametrize("durability", [VOLATILE, LATCHED])
@pytest.mark.parametrize("reliability", [RELIABLE, BEST_EFFORT])
def test_a_single_true_stops(
    observer: Any, begin: Any, publisher: Any, reliability: Any, durability: Any, topic: str
) -> None:
    system1, stop = begin(), publisher(Bool, topic, reliability, durability)
    heard(observer, stop)
    stop.publish(Bool(data=False))
    assert system1.stops_within(0.3) == 0
    stop.publish(Bool(data=True))
    system1.must_stop()


@pytest.mark.parametrize("topic", ["/hume/estop", "/left/hume/estop"])
def test_a_latched_true_from_before_stops(begin: Any, publisher: Any, topic: str) -> None:
    publisher(Bool, topic, RELIABLE, LATCHED).publish(Bool(data=True))
    begin().must_stop()


def test_a_latched_false_from_before_does_not(begin: Any, publisher: Any) -> None:
    stop = publisher(Bool, "/hume/estop", RELIABLE, LATCHED)
    stop.publish(Bool(data=True))
    stop.publish(Bool(data=False))
    assert begin().stops_within(1.0) == 0


def test_a_true_is_not_pushed_out_by_what_follows(observer: Any, begin: Any, publisher: Any) -> None:
    """While System 1 configures itself, nothing is taken in."""
    system1, stop = begin(), publisher(Bool, "/hume/estop")
    heard(observer, stop)
    stop.publish(Bool(data=True))
    for _ in range(5):
        stop.publish(Bool(data=False))
    system1.must_stop()


def test_topics_of_ones_own(observer: Any, begin: Any, publisher: Any) -> None:
    system1, stop = begin(topics=("pendant/stop",)), publisher(Bool, "/left/pendant/stop")
    heard(observer, stop)
    stop.publish(Bool(data=True))
    system1.must_stop()


@pytest.mark.parametrize("name", ["", "hume//estop", "9lives", "with space"])
def test_a_name_that_is_no_topic_is_refused(begin: Any, name: str) -> None:
    for where, sections in (
        ("parameter 'stop_topics'", {"topics": (name,)}),
        ("stop_states", {"stop_states": (STATES[0][0].model_copy(update={"topic": name}),)}),
        ("deadman", {"deadman": DeadMan(topic="held").model_copy(update={"topic": name})}),
    ):
        with pytest.raises(ConfigError, match=f"{where}.* has '{name}', which is no name of a topic: "):
            begin(**sections)


def test_a_dead_man_switch(observer: Any, begin: Any, publisher: Any) -> None:
    """Held: no stop. Let go or silent: one that lasts until it is held again."""
    held = publisher(Bool, "/left/held", BEST_EFFORT)
    system1 = begin(deadman=DeadMan(topic="held", timeout=0.5))
    hold = observer.node.create_timer(0.02, lambda: held.publish(Bool(data=True)))
    heard(observer, held)
    assert system1.stops_within(1.5) == 0
    held.publish(Bool(data=False))
    system1.must_stop()
    observer.spin(0.5)
    assert system1.stops_within(1.0) == 0, "it is held again"
    hold.cancel()
    system1.must_stop()
    assert system1.stops_within(0.5) > 1, "a reset must not complete"
    observer.node.destroy_timer(hold)


def test_a_dead_man_switch_that_was_never_held_stops(begin: Any, publisher: Any) -> None:
    """What is latched says nothing of now."""
    publisher(Bool, "/left/held", RELIABLE, LATCHED).publish(Bool(data=True))
    begin(deadman=DeadMan(topic="held", timeout=0.1)).must_stop()


STATES: list[tuple[StopState, Any, Sequence[Any], Sequence[Any]]] = [
    (StopState(topic="driver", type="std_msgs/Bool", normal=(False,)), Bool, [Bool(data=False)], [Bool(data=True)]),
    (
        StopState(topic="driver", type="std_msgs/UInt8", normal=(1, 2)), UInt8,
        [UInt8(data=1), UInt8(data=2)], [UInt8(data=0), UInt8(data=3), UInt8(data=255)],
    ),
    (StopState(topic="driver", type="std_msgs/String", normal=("RUN",)), String, [String(data="RUN")], [String()]),
]  # fmt: skip


@pytest.mark.parametrize(("state", "kind", "normal", "stopped"), STATES)
@pytest.mark.parametrize("durability", [VOLATILE, LATCHED])
@pytest.mark.parametrize("reliability", [RELIABLE, BEST_EFFORT])
def test_a_state_of_the_driver_stops_as_long_as_it_lasts(
    observer: Any, begin: Any, publisher: Any, reliability: Any, durability: Any, state: Any, kind: Any, normal: Any,
    stopped: Any,
) -> None:  # fmt: skip
    system1, driver = begin(stop_states=(state,)), publisher(kind, "/left/driver", reliability, durability)
    heard(observer, driver)
    for bad in stopped:
        for good in normal:
            driver.publish(good)
            observer.spin(0.1)
            assert system1.stops_within(0.1) == 0
        driver.publish(bad)
        system1.must_stop()
        assert system1.stops_within(0.2) > 1, "a reset must not complete"


def test_a_latched_state_from_before_stops(begin: Any, publisher: Any) -> None:
    """As ur_robot_driver publishes it: on a change only."""
    publisher(UInt8, "/left/driver", RELIABLE, LATCHED).publish(UInt8(data=5))
    begin(stop_states=(StopState(topic="driver", type="std_msgs/UInt8", normal=(1, 2)),)).must_stop()


def test_a_field_of_a_field(observer: Any, begin: Any, publisher: Any) -> None:
    state = StopState(topic="driver", type="lifecycle_msgs/TransitionEvent", field="goal_state.id", normal=(3,))
    system1, driver = begin(stop_states=(state,)), publisher(TransitionEvent, "/left/driver")
    heard(observer, driver)
    message = TransitionEvent()
    message.goal_state.id = 3
    driver.publish(message)
    assert system1.stops_within(0.3) == 0
    message.goal_state.id = 4
    driver.publish(message)
    system1.must_stop()


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (
            {"type": "ur_dashboard_msgs/SafetyMode", "field": "mode"},
            r"SafetyMode, which is not installed\. Install it [(]apt install .*ur-dashboard-msgs[)], or leave",
        ),
        ({"type": "std_msgs/NoSuch"}, "std_msgs/msg/NoSuch, which is not installed"),
        ({"type": "lifecycle_msgs/State", "field": "mode"}, r"has no field 'mode'. It has: id, label"),
        ({"type": "std_msgs/Header", "field": "stamp"}, "field 'stamp' is Time. Valid: a number, text, or bool"),
    ],
)
def test_a_state_that_cannot_be_read_is_one_clear_error(begin: Any, state: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        begin(stop_states=(StopState(topic="driver", normal=(1,), **state),))


def test_a_vendors_message_needs_nothing_of_ours(
    observer: Any, begin: Any, publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of the vendor's is found by its name alone."""
    package = ModuleType("vendor_msgs")
    package.msg = ModuleType("vendor_msgs.msg")  # type: ignore[attr-defined]
    package.msg.RobotMode = UInt8
    monkeypatch.setitem(sys.modules, "vendor_msgs", package)
    monkeypatch.setitem(sys.modules, "vendor_msgs.msg", package.msg)
    state = StopState(topic="driver", type="vendor_msgs/RobotMode", normal=(1,))
    system1, driver = begin(stop_states=(state,)), publisher(UInt8, "/left/driver")
    heard(observer, driver)
    driver.publish(UInt8(data=2))
    system1.must_stop()


def test_the_silent_driver_is_named(observer: Any, begin: Any, capfd: pytest.CaptureFixture[str]) -> None:
    begin(stop_states=(STATES[0][0],)).inputs.warn_of_the_silent()
    deadline = time.monotonic() + TIMEOUT
    told = ""
    while "nobody publishes the stop state driver" not in told and time.monotonic() < deadline:
        told += "".join(capfd.readouterr())
    assert "nobody publishes the stop state driver" in told
