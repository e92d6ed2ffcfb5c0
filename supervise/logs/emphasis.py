"""What stands out in a line on a terminal: how bad it is, and what was looked for.

How bad a line is, is told by a prefix as the kernel's messages and systemd have it, ``<3>``, or by
a word in it. The prefix colours the whole line, the word only itself: it may have another meaning.
"""

from __future__ import annotations

import re

from slashservice.supervise.printable import printable_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Span = tuple[int, int, bytes]
    """Where something begins and ends, and what switches its look on."""

PLAIN = b"\x1b[0m"
RED = b"\x1b[1;31m"
YELLOW = b"\x1b[33m"
DIM = b"\x1b[2m"
REVERSE = b"\x1b[7m"

LONGEST = 1 << 13
"""Bytes of a line in which we look for anything to stand out."""

WORDS = re.compile(
    rb"(?P<bad>(?<![\w-])(?:emerg(?:ency)?|panic(?:ked)?|alert|crit(?:ical)?|fatal|err(?:or)?s?"
    rb"|fail(?:ed|ure)?|severe|exception|traceback)(?![\w-]))"
    rb"|(?P<warning>(?<![\w-])warn(?:ing)?s?(?![\w-]))"
    rb"|(?P<debug>(?<![\w-])(?:debug|trace)(?![\w-]))",
    re.IGNORECASE,
)

PREFIX = re.compile(rb"<([0-7])>")

LOOKS = {
    **dict.fromkeys((b"0", b"1", b"2", b"3"), RED),
    b"4": YELLOW,
    b"7": DIM,
}
"""By priority: 3 is an error, 4 a warning, 5 a notice, 6 for information, 7 for debugging."""


class Emphasis:
    """Makes lines with colours; ``search`` is the expression whose matches are reversed."""

    def __init__(self, expression: re.Pattern[bytes] | None) -> None:
        self._expression = expression

    def line(self, text: bytes, clean: Callable[[bytes], bytes] = printable_bytes) -> bytes:
        """Return the line as it is to be shown; ``clean`` is used for each part of it."""
        if len(text) > LONGEST:
            return clean(text)
        whole, words = _priority(text)
        spans = [*self._matches(text)] or []
        for begin, end, look in words:
            if all(end <= other[0] or begin >= other[1] for other in spans):
                spans.append((begin, end, look))
        if not spans and not whole:
            return clean(text)
        parts = [whole]
        at = 0
        for begin, end, look in sorted(spans):
            parts += [clean(text[at:begin]), look, clean(text[begin:end]), PLAIN, whole]
            at = end
        parts.append(clean(text[at:]))
        if whole:
            parts.append(PLAIN)
        return b"".join(parts)

    def _matches(self, text: bytes) -> Iterator[Span]:
        if self._expression:
            for found in self._expression.finditer(text):
                if found.end() > found.start():
                    yield found.start(), found.end(), REVERSE


def _priority(text: bytes) -> tuple[bytes, list[Span]]:
    """Return how a whole line looks, and the words in it that have a look of their own."""
    prefix = PREFIX.match(text)
    if prefix:
        return LOOKS.get(prefix[1], b""), []
    spans: list[Span] = []
    whole = b""
    for found in WORDS.finditer(text):
        if found["debug"]:
            whole = DIM
        else:
            spans.append((found.start(), found.end(), RED if found["bad"] else YELLOW))
    return (b"" if spans else whole), spans
