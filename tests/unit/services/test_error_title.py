"""What runsvdir shows of standard error, beside its loop over single bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.services.error_title import KEPT, SHORTEST, shift


@given(st.binary(min_size=SHORTEST, max_size=40), st.lists(st.binary(max_size=60)))
def test_shifted_as_runit_does(text: bytes, pieces: list[bytes]) -> None:
    shown = bytearray(text)
    for byte in b"".join(pieces):
        if byte:
            shown[KEPT:-1] = shown[KEPT + 1 :]
            shown[-1] = byte
    for piece in pieces:
        text = shift(text, piece)
    assert text == shown
