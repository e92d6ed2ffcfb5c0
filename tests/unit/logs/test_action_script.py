"""The words of a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import logs
from helpers.logs import run_well
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.logs.action_script import (
    LEAST_SIZE,
    MOST_SIZE,
    NEVER,
    ActionScript,
    Directory,
)
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.messages import Quit


def directory(*words: bytes) -> Directory:
    found = ActionScript(words).actions[-1]
    assert isinstance(found, Directory)
    return found


HUGE = b"9" * 5000
"""More digits than Python makes a number of."""

AGES = {b"a90": 90, b"a15m": 900, b"a2h": 7200, b"a1d": 86400, b"a1w": 604800}
NO_AGES = dict.fromkeys([b"a", b"ax", b"a1y", b"a-1", b"a1mm"], 0)


@pytest.mark.parametrize(("word", "seconds"), [*AGES.items(), *NO_AGES.items()])
def test_ages(word: bytes, seconds: int) -> None:
    assert directory(word, b"./d").settings.age == seconds


NUMBERS = [
    b"",
    b"0",
    b"4095",
    b"5000x",
    b"-1",
    b"+9",
    b" 9",
    b"\xb2",
    b"99999999",
    b"1" + HUGE,
    HUGE,
]
NUMBERS += [b"0" * 5000 + b"6000", b"%d" % 2**63, b"%d" % 2**64, b"%d" % (2**64 + 5000)]


@pytest.mark.parametrize("word", NUMBERS)
@pytest.mark.parametrize("letter", [b"s", b"n", b"a", b"w", b"z"])
def test_no_number_is_too_odd(letter: bytes, word: bytes, place: Path) -> None:
    run_well(place, [letter + word, b"s4096", b"./d"], b"line\n" * 700)
    assert (place / "d/current").exists()


@pytest.mark.parametrize("digits", [b"0" * 5000 + b"1", HUGE, b"10"])
def test_no_level_is_too_odd(digits: bytes, place: Path) -> None:
    run_well(place, [b"!gzip -" + digits, b"s4096", b"./d"], b"line\n" * 700)
    assert list((place / "d").glob("@*.s"))


@pytest.mark.parametrize("letter", [b"s", b"n"])
def test_numbers_are_taken_as_c_takes_them(letter: bytes, place: Path, oracle: Path) -> None:
    text = b"".join(b"line %d\n" % number for number in range(4000))
    for at, word in enumerate(NUMBERS):
        script = [b"s4096", letter + word, b"./d"]
        for name in ("ours", "c"):
            (place / f"{at}" / name).mkdir(parents=True)
        ours, theirs = place / f"{at}/ours", place / f"{at}/c"
        assert logs.run_here(script, text, ours) == (0, b"")
        assert logs.run_program(oracle / "multilog", script, text, theirs) == (0, b"")
        assert logs.picture(ours) == logs.picture(theirs), word[:40]


def test_an_age_that_nothing_reaches() -> None:
    assert directory(b"a" + HUGE + b"w", b"./d").settings.age == NEVER
    assert directory(b"a" + b"0" * 5000 + b"5", b"./d").settings.age == 5


LETTERS = b"+ - * [ ] \\ ! = . / e t F T S s n a w fdrop 1d [! [:x:]".split()
PIECES = st.one_of(
    st.binary(max_size=8).map(lambda word: word.replace(b"\0", b"")),
    st.sampled_from([*LETTERS, b"9" * 30]),
)
WORDS = st.lists(st.lists(PIECES, max_size=5).map(b"".join), max_size=8)


@given(words=WORDS, line=st.binary(max_size=40))
def test_any_words_make_a_logger(words: list[bytes], line: bytes) -> None:
    """Or are refused in one line; nothing else comes out of them."""
    try:
        Logger([word for word in words if word[:1] not in b"./="])
        logger = Logger([word for word in words if word[:1] not in b"./=e"])
        Logger(words)
    except Quit as refusal:
        assert refusal.line.count(b"\n") == 1
        return
    carry_out(logger.feed(line))
    if not logger.at_line_end:
        carry_out(logger.feed(b"\n"))
    for action in ActionScript(words).actions:
        if isinstance(action, Directory):
            assert LEAST_SIZE <= action.settings.size <= MOST_SIZE
            assert action.settings.number >= 2
            assert 0 <= action.settings.age <= NEVER * 604800
