"""What a terminal may be shown of others' bytes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = bytes((9, *range(32, 127)))
"""Bytes that a terminal shows as they are."""

PIECE = 1 << 16
"""Bytes that are looked at in one go: each may become an object, and four characters."""


def printable(text: bytes) -> bytes:
    r"""Return ``text`` with what could steer a terminal written as ``\x1b`` is.

    That is each control character but the tab, and all else that is not seen, such as what
    turns the direction of writing. So is what is no UTF-8.
    """
    if not text.translate(None, HARMLESS):
        return text
    return b"".join(pieces(text))


def pieces(text: bytes) -> Iterator[bytes]:
    """Yield ``text`` as :func:`printable` has it, in pieces: it may be very long."""
    at = 0
    while at < len(text):
        end = _end(text, at + PIECE)
        piece = text[at:end]
        at = end
        if not piece.translate(None, HARMLESS):
            yield piece
            continue
        yield "".join(
            c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode()
            for c in piece.decode("utf-8", "backslashreplace")
        ).encode()


def _end(text: bytes, end: int) -> int:
    """Return ``end``, or a place before it where it would part a character of UTF-8."""
    if end >= len(text):
        return len(text)
    for back in range(4):
        if text[end - back] & 0xC0 != 0x80:
            return end - back
    return end
