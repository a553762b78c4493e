"""The page of modes and reasons names every one that the stack can say, in the stack's own words, and no other."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from hume_operate.task import OUTCOMES, REFUSED
from hume_system1.control.rejection import Rejection
from hume_system1.control.states import Mode, Reason
from hume_system2.tasks import TaskOutcome

PAGE = (Path(__file__).parents[1] / "docs" / "modes.md").read_text(encoding="utf-8")
HOLDS, FAULTS, REST = "Reasons to hold", "Reasons of faults", "Emergency stop and reset"
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)


def section(title: str) -> str:
    found = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = (part for part in found if part.startswith(f"{title}\n"))
    return text


def listed(title: str) -> list[str]:
    """First cells of all tables of a section."""
    return [name for name, _ in ROW.findall(section(title))]


def values(members: Iterable[Enum]) -> set[str]:
    return {str(member.value) for member in members}


def test_every_mode_has_its_row() -> None:
    assert sorted(listed("Modes")) == sorted(values(Mode))


def test_every_reason_has_one_row() -> None:
    rows = [*listed(HOLDS), *listed(FAULTS), *listed(REST)]
    assert sorted(rows) == sorted(values(Reason) - {Reason.NONE.value})


def reasons_by_mode() -> dict[str, set[str]]:
    """Reasons as the comments between the members of `Reason` group them."""
    groups: dict[str, set[str]] = {}
    for line in inspect.getsource(Reason).splitlines():
        if comment := re.match(r"\s+# (\w+)", line):
            group = groups.setdefault(comment[1], set())
        elif (member := re.match(r"\s+([A-Z_]+) = ", line)) and groups:
            group.add(Reason[member[1]].value)
    return groups


def test_reasons_stand_under_what_they_lead_to() -> None:
    groups = reasons_by_mode()
    assert set(listed(HOLDS)) == groups["HOLD"]
    assert set(listed(FAULTS)) == groups["FAULT"]
    assert set(listed(REST)) == groups["ESTOP"] | groups["waiting"] | groups["INACTIVE"]


def test_every_outcome_of_a_task_has_its_row() -> None:
    task, phases = section("How a task ends").split("`phase`")
    assert sorted(name for name, _ in ROW.findall(task)) == sorted({*values(TaskOutcome), *OUTCOMES.values(), REFUSED})
    source = Path(__file__).parents[1] / "src" / "hume_system2" / "hume_system2" / "node.py"
    spoken = set(re.findall(r'phase\W+"(\w+)"', source.read_text(encoding="utf-8")))
    spoken |= set(re.findall(r'phase = .* else "(\w+)"', source.read_text(encoding="utf-8")))
    message = Path(__file__).parents[1] / "src" / "hume_msgs" / "action" / "ExecuteTask.action"
    (line,) = (line for line in message.read_text(encoding="utf-8").splitlines() if line.startswith("string phase"))
    assert {name for name, _ in ROW.findall(phases)} == spoken == set(line.partition("#")[2].strip().split(", "))


def test_every_rejection_has_its_row() -> None:
    assert sorted(listed("Rejected chunks and segments")) == sorted(values(Rejection))


def test_every_row_says_what_to_do() -> None:
    for title in ("Modes", HOLDS, FAULTS, REST, "Rejected chunks and segments"):
        for name, rest in ROW.findall(section(title)):
            meaning, _, advice = rest.partition(" | ")
            assert meaning.strip(), name
            assert advice.strip(), name
