"""What stands out in a line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.logs.emphasis import (
    DIM,
    LONGEST,
    PLAIN,
    RED,
    REVERSE,
    YELLOW,
    Emphasis,
)
from slashservice.supervise.printable import printable_bytes

LINES = {
    b"all is well": b"all is well",
    b"an ERROR came": b"an " + RED + b"ERROR" + PLAIN + b" came",
    b"[warning] x": b"[" + YELLOW + b"warning" + PLAIN + b"] x",
    b"no terror, no error-free": b"no terror, no error-free",
    b"level=debug x": DIM + b"level=debug x" + PLAIN,
    b"debug: fatal": b"debug: " + RED + b"fatal" + PLAIN,
    b"<3>broken": RED + b"<3>broken" + PLAIN,
    b"<4>odd": YELLOW + b"<4>odd" + PLAIN,
    b"<7>detail": DIM + b"<7>detail" + PLAIN,
    b"<6>error 0": b"<6>error 0",
    b"<9>x": b"<9>x",
}


@pytest.mark.parametrize("line", LINES)
def test_how_bad_a_line_is(line: bytes) -> None:
    assert Emphasis(None).line(line) == LINES[line]


def test_what_was_looked_for() -> None:
    emphasis = Emphasis(re.compile(rb"o+|ro"))
    assert emphasis.line(b"<3>foo") == b"".join((RED, b"<3>f", REVERSE, b"oo", PLAIN, RED, PLAIN))
    assert emphasis.line(b"error") == b"er" + REVERSE + b"ro" + PLAIN + b"r"


@given(
    some.binary(max_size=40),
    some.sampled_from((None, re.compile(b"."), re.compile(b"[\x80-\xff]+"))),
)
def test_only_looks_are_added(text: bytes, expression: re.Pattern[bytes] | None) -> None:
    """No escape sequence of the line's own comes through, whatever parts it is cut into."""
    shown = Emphasis(expression).line(text)
    for look in (PLAIN, RED, YELLOW, DIM, REVERSE):
        shown = shown.replace(look, b"")
    assert b"\x1b" not in shown
    assert shown.decode().replace("\t", " ").isprintable()
    if expression is None:
        assert shown == printable_bytes(text)


def test_a_long_line_is_not_searched() -> None:
    line = b"error " * LONGEST
    assert Emphasis(re.compile(b"e")).line(line) == line
