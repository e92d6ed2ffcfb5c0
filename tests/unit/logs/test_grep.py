"""A pattern that is searched for in many lines at once finds the lines that it matches."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.logs.choice import Choice
from slashservice.supervise.logs.grep import BadPattern, Grep

ATOMS = (
    *("a", "b", "B", "1", " ", ".", "^", "$", r"\s", r"\S", r"\d", r"\D", r"\w", r"\W", r"\b"),
    *(r"\.", "[ab]", "[^a]", "[]b]", "[^]b]", "[A-c]", r"[\s\S]", r"[\x00-\xff]", r"\x41", "(a|b)"),
    *(r"\\", "(?:a)", "(?P<n>a)", "(?=a)", "(?<!a)", r"\A", r"\Z", r"\B", "[[]", r"\[", "(b)"),
)
SUFFIXES = ("", "", "", "*", "+", "?", "{2}", "*?", "|")

PATTERNS = some.lists(
    some.tuples(some.sampled_from(ATOMS), some.sampled_from(SUFFIXES)), min_size=1, max_size=5
).map(lambda parts: "".join(atom + suffix for atom, suffix in parts))

LINES = some.lists(some.text("abAB1 .[]\\", max_size=6), min_size=1, max_size=8)

STAMP = b"@400000006b0187ca00000000 "


@pytest.mark.filterwarnings("ignore:Possible nested set")
@given(PATTERNS, LINES, some.booleans(), some.booleans(), some.booleans())
def test_the_lines_that_match(
    pattern: str, lines: list[str], stamped: bool, ignore_case: bool, ends: bool
) -> None:
    try:
        expected = re.compile(pattern.encode(), re.I if ignore_case else 0)
        grep = Grep(pattern.encode(), ignore_case)
    except (re.error, BadPattern):
        return
    rests = [line.encode() for line in lines]
    stamp = STAMP if stamped else b""
    chunk = b"\n".join(stamp + rest for rest in rests) + (b"\n" if ends or not rests[-1] else b"")
    found = [line[2] for line in Choice(grep=grep).of(chunk, SimpleNamespace(time=0))]
    assert found == [rest for rest in rests if expected.search(rest)]


@pytest.mark.parametrize(
    ("pattern", "ignore_case"),
    [
        *(("error", False), ("error", True), ("^err|warn$", True), ("[^x]*b", False)),
        *(
            (r'" 5\d\d ', True),
            (r"\[error\]", True),
            ("[Ee]rror", True),
            (r"(?P<a>x)(?P=a)", False),
        ),
    ],
)
def test_usual_patterns_are_searched_for_at_once(pattern: str, ignore_case: bool) -> None:
    assert Grep(pattern.encode(), ignore_case).find


@pytest.mark.parametrize("pattern", ["(?=a)", "(?i)a", r"a\Z", "(?<=a)b", r"\Aa"])
def test_what_sees_more_is_searched_for_line_by_line(pattern: str) -> None:
    assert not Grep(pattern.encode()).find


@pytest.mark.parametrize("pattern", ["(", "*", "a{2", "[", "a{99999999999999999999}", "(" * 5000])
def test_what_is_no_pattern(pattern: str) -> None:
    if pattern == "a{2":
        assert Grep(pattern.encode()).search(b"a{2")
        return
    with pytest.raises(BadPattern):
        Grep(pattern.encode())


def test_nothing_is_said_of_a_doubtful_pattern(recwarn: pytest.WarningsRecorder) -> None:
    Grep(b"[[:digit:]]")
    assert not recwarn.list


def test_a_class_does_not_run_on_through_all_lines() -> None:
    """``[^x]*`` takes the rest of the line, not of the chunk, at each place where it begins."""
    grep = Grep(rb"[^x]*\W*\s*[\s\S]*error")
    assert grep.find
    line = b"ordinary\n"
    found = grep.find(grep.prepared(line + b"error\n"), 0)
    assert found
    assert found.start() == len(line)
