"""Which instructions the policy takes, and what happens with a text that is too long."""

import ast
import re
import warnings
from pathlib import Path

import pytest

from hume_core.errors import ObservationError
from hume_core.tokenizer import InstructionTokenizer

FIXTURE = Path(__file__).parents[3] / "test" / "fixtures" / "parity" / "dev_a"


@pytest.mark.parametrize("instruction", ["open the drawer", "open the drawer\n", "\u4f60\u597d \U0001f4a1", "a\u200db"])
def test_an_instruction_of_words_is_taken(instruction):
    InstructionTokenizer(FIXTURE, 48).check(instruction)


@pytest.mark.parametrize(
    ("instruction", "problem"),
    [
        ("", "is empty"),
        (" \n\t ", "is empty"),
        ("open\tthe drawer", "control character U[+]0009"),
        ("open\nthe drawer", "control character U[+]000A"),
        ("open \u202erewarda", "control character U[+]202E"),
        ("open\x00", "control character U[+]0000"),
        ("<pad>open", "special token '<pad>'"),
    ],
)
def test_what_is_no_instruction_is_refused(instruction, problem):
    with pytest.raises(ObservationError, match=problem):
        InstructionTokenizer(FIXTURE, 48).check(instruction)


@pytest.mark.parametrize("limit", [4, 9, 12, 48])
@pytest.mark.parametrize("beyond", [0, 1, 7])
def test_an_instruction_is_refused_once_the_policy_would_not_see_its_end(limit, beyond):
    """The first word is two tokens with the one at the beginning, each further word and the end of the line is one."""
    tokenizer = InstructionTokenizer(FIXTURE, limit)
    fits = limit - 1 - int(InstructionTokenizer(FIXTURE, 9)(["drawer"])[1].sum())
    tokenizer.check("drawer" + " drawer" * (fits + 1))
    told = f"has {limit + 1 + beyond} tokens, the checkpoint takes {limit}. It would be cut before (.*). Say"
    with pytest.raises(ObservationError, match=told) as caught:
        tokenizer.check("drawer" + " drawer" * (fits + 2 + beyond))
    cut = ast.literal_eval(re.search(told, str(caught.value)).group(1))
    assert cut == " drawer" * beyond + "\n"


def test_a_text_that_is_cut_is_warned_about_once():
    tokenizer = InstructionTokenizer(FIXTURE, 12)
    with pytest.warns(UserWarning, match="the checkpoint takes 12"):
        tokenizer(["open the drawer", "open " * 40, "close " * 40])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer(["open " * 41])
