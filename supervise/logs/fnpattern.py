"""Shell patterns as ``fnmatch(3)`` reads them in the C locale, for multilog's ``F`` alone.

The patterns of all other rules are in :mod:`~slashservice.supervise.logs.patterns`.

Python's own ``fnmatch`` knows neither the backslash nor character classes.
"""

from __future__ import annotations

import re

CLASSES = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": b" \\t",
    b"cntrl": b"\\x00-\\x1f\\x7f",
    b"digit": b"0-9",
    b"graph": b"\\x21-\\x7e",
    b"lower": b"a-z",
    b"print": b"\\x20-\\x7e",
    b"punct": b"\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
    b"space": b" \\t\\n\\v\\f\\r",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}

NOTHING = b"(?!)"


def translate(pattern: bytes) -> bytes:
    """Return the regular expression that matches, from the start, what ``pattern`` matches."""
    pieces: list[bytes] = []
    at = 0
    while at < len(pattern):
        character = pattern[at : at + 1]
        at += 1
        if character == b"*":
            at += len(pattern) - at - len(pattern[at:].lstrip(b"*"))
            if at == len(pattern):
                return b"".join(pieces)
            pieces.append(b".*")
        elif character == b"?":
            pieces.append(b".")
        elif character == b"[":
            bracket, at = _bracket(pattern, at)
            pieces.append(bracket)
        elif character == b"\\":
            if at == len(pattern):
                return NOTHING
            pieces.append(re.escape(pattern[at : at + 1]))
            at += 1
        else:
            pieces.append(re.escape(character))
    return b"".join(pieces) + rb"\Z"


def _bracket(pattern: bytes, start: int) -> tuple[bytes, int]:
    """Translate the bracket expression behind a ``[``; return it, and where it ends.

    Without an end, the ``[`` is a plain character.
    """
    at = start
    inverted = pattern[at : at + 1] in (b"!", b"^")
    at += inverted
    members = []
    first = True
    while first or pattern[at : at + 1] != b"]":
        first = False
        if pattern[at : at + 2] == b"[:":
            end = pattern.find(b":]", at)
            name = pattern[at + 2 : end] if end > 0 else b""
            if name in CLASSES:
                members.append(CLASSES[name])
                at = end + 2
                continue
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == b"-" and pattern[at + 1 : at + 2] not in (b"]", b""):
            high, at = _member(pattern, at + 1)
        if not low or not high:
            return re.escape(b"["), start
        if low <= high:
            members.append(b"%s-%s" % (re.escape(low), re.escape(high)))
    if not members:
        return (b"." if inverted else NOTHING), at + 1
    return b"[%s%s]" % (b"^" if inverted else b"", b"".join(members)), at + 1


def _member(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Return the character at ``at``, without a backslash before it, and where the next one is.

    The character is empty at the end of the pattern.
    """
    if pattern[at : at + 1] == b"\\":
        at += 1
    return pattern[at : at + 1], at + 1
