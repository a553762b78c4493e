"""`hume compare`: what counts as a run, rates with their intervals, and what is said of a difference."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
pytest.importorskip("hume_msgs.msg", reason="needs the built workspace (hume_msgs)")

from hume_msgs.msg import Epoch
from std_msgs.msg import String
from typer.testing import CliRunner

from hume_bags.comparison.differences import PAIRED, UNPAIRED, compare_runs
from hume_bags.comparison.plot import plot_comparison
from hume_bags.comparison.report import in_words, told
from hume_bags.comparison.run import Run, Tally, bags_in, read_run
from hume_bags.errors import BagError
from hume_bags.writer import BagWriter
from hume_ros import qos
from hume_ros.conversions import set_stamp
from hume_tools.cli.main import app
from hume_training.evaluation.intervals import newcombe, newcombe_paired, wilson

LIFT, STACK = "lift the red cube", "stack the red cube on the blue cube"
LABELS = {"s": "success", "f": "failure", "d": "discard"}
TEXT = "{http://www.w3.org/2000/svg}text"
SECOND = 1_000_000_000


def write_bag(folder: Path, episodes: str, instruction: str = LIFT, **origin: str) -> Path:
    """One episode per letter: s, f, d as labelled, u without a label."""
    about = {"robot": "ur5e", "checkpoint": "org/one", "checkpoint_id": "1" * 64, **origin}
    with BagWriter(folder, about) as writer:
        writer.add_topic("/hume/epoch", "hume_msgs/msg/Epoch", [qos.LATCHED])
        writer.add_topic("/hume/label", "std_msgs/msg/String", [qos.LATCHED])
        for k, letter in enumerate(episodes):
            for number, reason in ((2 * k + 1, f"instruction: {instruction}"), (2 * k + 2, "canceled")):
                epoch = Epoch(epoch=number, source="/hume_system2", reason=reason)
                set_stamp(epoch.header.stamp, float(number))
                writer.write_message("/hume/epoch", epoch, number * SECOND)
            if letter in LABELS:
                writer.write_message("/hume/label", String(data=LABELS[letter]), (2 * k + 2) * SECOND + SECOND // 2)
    return folder


def run(name: str, episodes: str, instruction: str = LIFT, **more: str) -> Run:
    """A run that was not read from a bag."""
    outcomes = tuple({"s": True, "f": False, "u": None}[letter] for letter in episodes if letter != "d")
    about = {"robot": "ur5e", "checkpoint": name, "checkpoint_id": name, **more}
    return Run(name, Path(name), 1, tallies={instruction: Tally(outcomes, episodes.count("d"))}, **about)


@pytest.mark.parametrize(("episodes", "counts"), [("ssfud", (2, 1, 1, 1)), ("ddd", (0, 0, 0, 3)), ("f", (0, 1, 0, 0))])
def test_episodes_are_counted_by_their_labels(tmp_path: Path, episodes: str, counts: tuple[int, ...]) -> None:
    tally = read_run(write_bag(tmp_path / "bag", episodes)).tallies[LIFT]
    assert (tally.success, tally.failure, tally.unknown, tally.discarded) == counts
    judged = counts[0] + counts[1]
    assert tally.rate == (counts[0] / judged if judged else None)
    assert tally.interval == (wilson(counts[0], judged) if judged else None)


def test_a_folder_of_bags_is_one_run_in_the_order_of_numbers(tmp_path: Path) -> None:
    for number, episodes in ((1, "s"), (2, "f"), (10, "s")):
        write_bag(tmp_path / f"bag_{number}", episodes)
    (tmp_path / "notes").mkdir()
    assert [path.name for path in bags_in(tmp_path)] == ["bag_1", "bag_2", "bag_10"]
    found = read_run(tmp_path)
    assert found.bags == 3
    assert found.tallies[LIFT].outcomes == (True, False, True)


@pytest.mark.parametrize("name", ["a.mcap", "a.db3", "a.mcap.zstd", "a.db3.zst", "metadata.yaml"])
def test_a_bag_of_any_storage_is_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "run/one").mkdir(parents=True)
    (tmp_path / "run/one" / name).touch()
    (tmp_path / "run/notes").mkdir()
    (tmp_path / "run/notes/a.txt").touch()
    assert bags_in(tmp_path / "run") == [tmp_path / "run/one"] == bags_in(tmp_path / "run/one")


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ({"checkpoint": "org/two", "checkpoint_id": "2" * 64}, {}, "checkpoints: 'org/two'"),
        ({"checkpoint_id": "3" * 64}, {}, "checkpoints: 'org/one' with content 333333333333"),
        ({"checkpoint": "org/two", "checkpoint_id": ""}, {"checkpoint_id": ""}, "checkpoints: 'org/two'"),
        ({"robot": "xarm7"}, {}, "robots: 'xarm7'"),
        ({"variant": "n1"}, {"variant": "full"}, "variants: 'n1'"),
    ],
)
def test_a_run_of_several_kinds_is_refused_in_one_line(
    tmp_path: Path, one: dict[str, str], other: dict[str, str], what: str
) -> None:
    write_bag(tmp_path / "run" / "a", "s", **one)
    write_bag(tmp_path / "run" / "b", "s", **other)
    with pytest.raises(BagError) as caught:
        read_run(tmp_path / "run")
    text = str(caught.value)
    assert f"mixes {what}" in text
    assert "first 'a'" in text
    assert "first 'b'" in text
    assert "\n" not in text


@pytest.mark.parametrize("origin", [{"checkpoint": "", "checkpoint_id": ""}, {"checkpoint_id": ""}])
def test_what_a_bag_does_not_say_is_no_other_checkpoint(tmp_path: Path, origin: dict[str, str]) -> None:
    write_bag(tmp_path / "run" / "a", "s", **origin)
    write_bag(tmp_path / "run" / "b", "s")
    found = read_run(tmp_path / "run")
    assert (found.checkpoint, found.checkpoint_id) == ("org/one", "1" * 64)
    assert len(found.notes) == (not origin.get("checkpoint", "org/one"))


@pytest.mark.parametrize("kind", ["nothing", "folder", "no episode"])
def test_what_is_no_run_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run"
    if kind == "folder":
        (path / "inner").mkdir(parents=True)
    if kind == "no episode":
        write_bag(path, "")
    with pytest.raises(BagError, match="holds no episode" if kind == "no episode" else "is no bag and holds none"):
        read_run(path)


@pytest.mark.parametrize(
    ("first", "second", "zero"),
    [
        ("s" * 9 + "f", "f" * 10, False),
        ("ssff", "sfff", True),
        ("ssss", "ssss", True),
        ("f" * 40, "s" * 6 + "f" * 34, False),
    ],
)
def test_it_is_said_whether_the_interval_contains_zero(first: str, second: str, zero: bool) -> None:
    (found,) = compare_runs([run("a", first), run("b", second)]).differences
    counts = [(part.count("s"), len(part)) for part in (second, first)]
    assert found.interval == newcombe(counts[0], counts[1])
    assert found.method == UNPAIRED
    assert found.contains_zero is zero
    assert ("do not tell them apart" in in_words(found)) is zero
    if not zero:
        assert ("b succeeds more often" in in_words(found)) is (found.difference > 0)


def test_unknown_and_discarded_episodes_do_not_count() -> None:
    found = compare_runs([run("a", "ssfudd"), run("b", "sff")])
    (difference,) = found.differences
    assert difference.difference == pytest.approx(1 / 3 - 2 / 3)
    assert any("1 of 4 episodes are unknown" in note for note in found.notes)


def test_pairs_are_compared_as_pairs() -> None:
    first, second = "ssffsu", "sfffss"
    (found,) = compare_runs([run("a", first), run("b", second)], paired=True).differences
    pairs = [(b == "s", a == "s") for a, b in zip(first, second, strict=True) if a != "u"]
    assert (found.method, found.pairs) == (PAIRED, 5)
    assert found.interval == newcombe_paired(pairs)


@pytest.mark.parametrize(("first", "second"), [("ss", "sss"), ("uu", "ss")])
def test_runs_that_are_no_pairs_are_refused(first: str, second: str) -> None:
    runs = [run("a", "s" + first, STACK), run("b", "s" + second, STACK)]
    if first == "uu":
        runs = [run("a", "us"), run("b", "su")]
    with pytest.raises(BagError, match="--paired"):
        compare_runs(runs, paired=True)


def test_runs_of_nothing_in_common_are_refused() -> None:
    with pytest.raises(BagError, match="no instruction in common"):
        compare_runs([run("a", "s"), run("b", "s", STACK)])
    with pytest.raises(BagError, match="no judged episode of 2"):
        compare_runs([run("a", "s"), run("b", "uu")])
    with pytest.raises(BagError, match="one run is nothing to compare"):
        compare_runs([run("a", "s")])


def test_differences_of_robots_and_of_shares_are_told() -> None:
    first = run("a", "ssff")
    first.tallies[STACK] = Tally((True,))
    second = run("b", "sf", robot="xarm7", checkpoint_id="a")
    second.tallies[STACK] = Tally((True, True, True))
    second.tallies["wave"] = Tally((True,))
    found = compare_runs([first, second])
    told = "\n".join(found.notes)
    for part in ("the robots differ", "are of the same checkpoint", "in other shares", "'wave' is not compared with a"):
        assert part in told
    assert [item.instruction for item in found.differences] == ["", LIFT, STACK]


def test_in_words_each_run_as_a_whole_and_what_tells_it_apart() -> None:
    first, second = run("a", "s" * 12), run("b", "f" * 12)
    first.tallies[STACK] = second.tallies[STACK] = Tally((True, False))
    found = compare_runs([first, second, run("c", "s" * 12)])
    assert [(item.run, item.instruction) for item in told(found)] == [("b", ""), ("b", LIFT), ("c", LIFT)]


@pytest.mark.parametrize(("count", "drawn"), [(1, 1), (6, 7), (7, 1)])
def test_many_instructions_are_drawn_together(tmp_path: Path, count: int, drawn: int) -> None:
    runs = [run(name, "sf", "task 0") for name in ("a", "b")]
    for one in runs:
        one.tallies.update({f"task {k}": Tally((True, False)) for k in range(count)})
    plot_comparison(compare_runs(runs), tmp_path / "a.svg")
    words = [str(item.text) for item in ElementTree.parse(tmp_path / "a.svg").getroot().iter(TEXT)]
    assert words.count("+0.0") == drawn
    assert sum(word.startswith("a: ") and word.endswith(")") for word in words) == drawn


def test_the_command_prints_writes_and_draws(tmp_path: Path) -> None:
    first = write_bag(tmp_path / "first", "sssf")
    second = write_bag(tmp_path / "second", "ffsf", checkpoint="org/two", checkpoint_id="2" * 64)
    report, plot = tmp_path / "a.json", tmp_path / "a.svg"
    result = CliRunner().invoke(app, ["compare", str(first), str(second), "--json", str(report), "--plot", str(plot)])
    assert result.exit_code == 0, result.output
    assert "second minus first" in result.output
    assert "The interval contains zero" in " ".join(result.output.split())
    found = json.loads(report.read_text(encoding="utf-8"))
    assert [(item["success"], item["failure"]) for item in found["runs"]] == [(3, 1), (1, 3)]
    assert found["differences"][0]["difference"] == pytest.approx(-0.5)
    words = {str(item.text) for item in ElementTree.parse(plot).getroot().iter(TEXT)}
    assert {"first: checkpoint org/one", "second: checkpoint org/two", "-50.0"} <= words


def test_one_run_named_twice_is_refused(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "first", "s")
    result = CliRunner().invoke(app, ["compare", str(bag), str(tmp_path / "." / "first")])
    assert "named twice" in str(result.exception)
