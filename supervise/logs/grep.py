r"""Which lines a regular expression matches, found in many lines at once.

To search each line takes longer than to unpack it. So a chunk is searched as a whole, by an
expression that finds a place in each line that may match. Only these lines are looked at by
themselves. That expression is the pattern without what asks where a line begins, as in a chunk
there is a stamp before that; and nothing in it goes on in the next line. What sees more than the
characters that it matches, as ``(?=...)``, may see something else in a chunk. A pattern with such
a thing is searched for line by line.

Python is slow to see no difference between capitals and small letters. Where the pattern can be
written in small letters, so is the chunk.
"""

from __future__ import annotations

import re
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Finder = Callable[[bytes, int], "re.Match[bytes] | None"]

SEES_MORE = re.compile(rb"\\[AZzB]|\(\?(?!:|P[<=])")
"""What may be, of a pattern, such a thing: an end of the text, or an extension but groups."""

TOKEN = re.compile(
    rb"(?P<escape>\\.)|\[(?P<negated>\^?)(?P<class>\]?(?:\\.|[^\]\\])*)\]"
    rb"|(?P<begin>\^)|(?P<possessive>[*+?}]\+)",
    re.DOTALL,
)

WITHIN = {rb"\s": rb"[^\S\n]", rb"\D": rb"[^\d\n]", rb"\W": rb"[^\w\n]"}
"""Escapes that match a newline, and what matches all else that they do."""

ANY = rb"(?!\n)"

SMALL = (rb"\d", rb"\s", rb"\w", rb"\b")
"""Escapes of letters that mean the same where all letters are small."""


class BadPattern(Exception):  # noqa: N818 - as in "bad pattern"
    """A pattern that is no regular expression; the text says why."""


class Grep:
    """A pattern, as bytes. Raises ``BadPattern``.

    ``search`` tells whether it matches in a line. ``find`` returns a match in the first line from a
    place on in which ``search`` may find one, or before; it is None where none can do that. It is
    given what ``prepared`` makes of a chunk, and asked again from the next line on.
    """

    def __init__(self, pattern: bytes, ignore_case: bool = False) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flags = re.IGNORECASE if ignore_case else re.RegexFlag(0)
            try:
                self.expression = re.compile(pattern, flags)
            except (re.error, OverflowError, RecursionError) as error:
                raise BadPattern(str(error)) from None
            self.search = self.expression.search
            self._is_lowered = ignore_case and _can_be_small(pattern)
            self.find = _finder(pattern.lower(), 0) if self._is_lowered else None
            if not self.find:
                self._is_lowered = False
                self.find = _finder(pattern, flags)

    def prepared(self, chunk: bytes) -> bytes:
        """Return the chunk as ``find`` must be given it; all that is in it keeps its place."""
        return chunk.lower() if self._is_lowered else chunk


def _can_be_small(pattern: bytes) -> bool:
    """Tell whether the pattern in small letters is for a text in small letters what it was."""
    for found in TOKEN.finditer(pattern):
        escape = found["escape"]
        if found["class"] is not None or (escape and escape[1:].isalnum() and escape not in SMALL):
            return False
    return True


def _finder(pattern: bytes, flags: int) -> Finder | None:
    """Return what finds, in many lines, where the pattern may match; None if nothing can."""
    if SEES_MORE.search(pattern):
        return None
    parts = []
    at = 0
    for found in TOKEN.finditer(pattern):
        if found["possessive"]:
            return None
        parts += [pattern[at : found.start()], _loosened(found)]
        at = found.end()
    try:
        return re.compile(b"".join((*parts, pattern[at:])), flags | re.MULTILINE).search
    except (re.error, OverflowError, RecursionError):
        return None


def _loosened(found: re.Match[bytes]) -> bytes:
    """Return what stands for a token of the pattern: it matches all but newlines that that does."""
    inside = found["class"]
    if found["escape"]:
        return WITHIN.get(found["escape"], found[0])
    if inside is None:
        return b"(?:)"
    if found["negated"]:
        return b"[^\\n" + (b"\\" if inside[:1] == b"]" else b"") + inside + b"]"
    return b"(?:%s%s)" % (ANY, found[0]) if re.match(found[0], b"\n") else found[0]
