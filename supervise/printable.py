r"""What a terminal may be shown of others' text: names, lines of logs, what files say.

Whatever is not printable by Python's word, which is Unicode's, is written in ASCII:

- a control character as ``\x1b`` or ``\n``; C1 and DEL are such, too;
- what turns the direction of writing, parts lines or paragraphs, joins characters or is not seen,
  a space other than the usual one, and what Unicode has not assigned, as ``\u202e``;
- a byte that is no UTF-8 as ``\xff``; in text it is what ``surrogateescape`` makes of it. Any other
  lone surrogate is written as ``\ud800``.

A caller may keep newlines or tabs. All else is printable and stays, whatever its language, and so
does a backslash. So to show what was shown before changes nothing, but nobody can tell what it was
made of: ``\x1b`` may have been these four characters. Who needs to know reads JSON; what is to be
typed again is written by ``admin/typed.py``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = bytes((9, *range(32, 127)))
"""Bytes that a terminal shows as they are, the tab among them."""

PIECE = 1 << 16
"""Bytes that are looked at in one go: each may become an object, and four characters."""

DELETE = "\x7f"
"""The one character that JSON in ASCII leaves as it is, and that is not printable."""


def printable(text: str, keep: str = "") -> str:
    """Return text as a terminal may be shown it; the characters in ``keep`` stay as well."""
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() or c in keep else _written(c) for c in text])


def printable_bytes(text: bytes) -> bytes:
    """Return a line of bytes as a terminal may be shown it; tabs stay."""
    if not text.translate(None, HARMLESS):
        return text
    return b"".join(pieces(text))


def pieces(text: bytes) -> Iterator[bytes]:
    """Yield ``text`` as :func:`printable_bytes` has it, in pieces: it may be very long."""
    at = 0
    while at < len(text):
        end = _end(text, at + PIECE)
        piece = text[at:end]
        at = end
        if piece.translate(None, HARMLESS):
            piece = printable(piece.decode("utf-8", "surrogateescape"), "\t").encode()
        yield piece


def printable_json(text: str) -> str:
    """Return JSON, in ASCII, as a terminal may be shown it: it says the same."""
    return text.replace(DELETE, "\\u007f")


def _written(one: str) -> str:
    code = ord(one)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return one.encode("unicode_escape").decode("ascii")


def _end(text: bytes, end: int) -> int:
    """Return ``end``, or a place before it where it would part a character of UTF-8."""
    if end >= len(text):
        return len(text)
    for back in range(4):
        if text[end - back] & 0xC0 != 0x80:
            return end - back
    return end
