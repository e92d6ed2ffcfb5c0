"""Rules that select lines: one expression for them all, and patterns of fnmatch(3)."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from helpers.logs import run_well
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.logs import patterns
from slashservice.supervise.logs.patterns import matcher, one_by_one

signs = st.tuples(st.booleans(), st.text("ab*", max_size=4).map(str.encode), st.just(False))


@given(
    rules=st.lists(signs, max_size=8).map(tuple), line=st.text("abc", max_size=6).map(str.encode)
)
def test_one_expression_decides_as_rule_after_rule(
    rules: tuple[tuple[bool, bytes, bool], ...], line: bytes
) -> None:
    def star(pattern: bytes, text: bytes) -> bool:
        """Match as the original's documentation says."""
        while pattern:
            if pattern == b"*":
                return True
            if pattern[:1] == b"*":
                found = text.find(pattern[1:2])
                if found < 0:
                    return False
                text, pattern = text[found:], pattern[1:]
                continue
            if text[:1] != pattern[:1]:
                return False
            text, pattern = text[1:], pattern[1:]
        return not text

    selected = True
    for selects, pattern, _ in rules:
        if star(pattern, line):
            selected = selects
    assert bool(one_by_one(rules)(line)) == selected
    for any_number in (b"*", patterns.ANY_NUMBER):  # before Python 3.11, and now
        with mock.patch.object(patterns, "ANY_NUMBER", any_number):
            match = matcher(rules)
        assert (match is None or bool(match(line))) == selected


def test_many_changes_of_mind() -> None:
    rules = tuple((n % 2 == 0, b"%d*" % n, False) for n in range(300))
    match = matcher(rules)
    assert match is not None
    assert [bool(match(b"%d" % n)) for n in (7, 8, 77, 78, 298, 299)] == [False, True] * 2 + [
        True,
        False,
    ]


def test_fnmatch_mode(place: Path) -> None:
    script = [b"-*", b"F", b"+*[45][0-9][0-9]*", b"S", b"-*x", b"./d"]
    run_well(place, script, b"a 404 b\na 200 b\na 500x\na 500\n")
    assert (place / "d/current").read_bytes() == b"a 404 b\na 500\n"
