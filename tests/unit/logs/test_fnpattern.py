"""Patterns as fnmatch(3) has them."""

from __future__ import annotations

import ctypes
import ctypes.util
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.supervise.logs import fnpattern

libc = ctypes.CDLL(ctypes.util.find_library("c"))
bits = st.text("ab-]![^*?\\:[]alph.\n", max_size=8).map(str.encode)
classes = st.sampled_from([b"[[:alpha:]]", b"[[:digit:]x]", b"[!a-b]", b"[]a]", b"[a-]", b"[b-a]"])
patterns = st.lists(st.one_of(bits, classes), max_size=3).map(b"".join)


@settings(max_examples=1000, deadline=None)
@given(pattern=patterns, line=st.text("ab-]![^*?\\:1x", max_size=6).map(str.encode))
def test_fnmatch_is_the_systems(pattern: bytes, line: bytes) -> None:
    if strange(pattern):
        return
    expected = libc.fnmatch(pattern, line, 0) == 0
    assert bool(re.compile(fnpattern.translate(pattern), re.DOTALL).match(line)) == expected


@pytest.mark.parametrize("pattern", [b"[", b"[a", b"[!", b"[]", b"x[a-z", b"[b-a"])
def test_a_bracket_without_an_end_is_a_character(pattern: bytes) -> None:
    expression = re.compile(fnpattern.translate(pattern), re.DOTALL)
    for line in (pattern, pattern.replace(b"[", b""), b"a", b"xa", b"x"):
        expected = line == pattern
        assert (libc.fnmatch(pattern, line, 0) == 0) == bool(expression.match(line)) == expected


def strange(pattern: bytes) -> bool:
    """Tell whether implementations differ: unknown classes, collating symbols, open brackets."""
    known = re.sub(rb"\[:(alpha|digit):\]", b"", pattern)
    return bool(re.search(rb"\[[:.=]", known)) or bool(
        re.search(rb"\[[^\]]*$|\[[!^]?\][^\]]*$", known)
    )
