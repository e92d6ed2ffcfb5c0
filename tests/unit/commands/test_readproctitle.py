"""What readproctitle shows of what it reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.commands.readproctitle import shift

titles = st.integers(5, 60).map(lambda length: b"." * length)


def test_shifting() -> None:
    assert shift(b".....", b"") == b"....."
    assert shift(b".......", b"ab") == b".....ab"
    assert shift(b".....ab", b"cdef") == b"...cdef"
    assert shift(b".....ab", b"c") == b"....abc"
    assert shift(b".....", b"one\ntwo\n") == b"...o\n"
    assert shift(b".......", b"a\0b\0") == b".....ab"


@given(titles, st.lists(st.binary(max_size=100)))
def test_how_it_arrives_does_not_matter(title: bytes, pieces: list[bytes]) -> None:
    shown = title
    for piece in pieces:
        shown = shift(shown, piece)
    assert shown == shift(title, b"".join(pieces))
    assert len(shown) == len(title)
    assert shown.startswith(b"...")
    kept = b"".join(pieces).replace(b"\0", b"")
    assert (b"." * len(title) + kept).endswith(shown[3:])
