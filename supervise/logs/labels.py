"""Filters of TAI64N labels, for the tai64n commands: from input to output, block by block.

All that a read brings goes out before the next read. So a filter never holds back what its
reader could already have. Trouble with either end is told by the exit status alone.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.messages import TROUBLE, write_all
from slashservice.supervise.tai import EPOCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    ShowNanoseconds = Callable[[int], bytes | None]
    """Returns the text to write instead of a label, or None to leave the label."""


BLOCK = 65536


def replace(show_second: Callable[[int], ShowNanoseconds]) -> int:
    """Replace the labels of standard input, see :class:`LabelFilter`; return the exit status."""
    labels = LabelFilter(show_second)
    return run(labels.convert, labels.rest)


def no_rest() -> bytes:
    """Return nothing: all that was read has gone out."""
    return b""


def run(convert: Callable[[bytes], bytes], rest: Callable[[], bytes] = no_rest) -> int:
    """Write ``convert(block)`` for each block read, and ``rest()`` at the end of input.

    Return the exit status. A reader that went away ends the process by SIGPIPE, as in C.
    """
    signals.restore_defaults()
    try:
        while block := os.read(0, BLOCK):
            write_all(1, convert(block))
        write_all(1, rest())
    except OSError:
        return TROUBLE
    return 0


HEX = b"0123456789abcdef"

LONGEST = 1000
"""Digits that are kept of a label which has not ended yet; only its last 24 count."""


class LabelFilter:
    """Replaces the TAI64N labels that lines begin with.

    ``show_second`` gets a label's Unix time in seconds. It returns a function that shows the
    moments of this second by their nanoseconds, and that is asked again for the lines after,
    as most of them are of the same second.
    """

    def __init__(self, show_second: Callable[[int], ShowNanoseconds]) -> None:
        self._show_second = show_second
        self._high: bytes | None = None
        """The digits, but for the last eight, of the last label; ``_show`` shows its second."""
        self._show: ShowNanoseconds = _leave
        self._held = b""
        """The beginning of a line that is nothing but a label so far."""
        self._inside = False
        """Whether the beginning of the current line has gone out already."""

    def convert(self, block: bytes) -> bytes:
        """Return what is to be written for ``block``."""
        lines = (self._held + block).split(b"\n")
        begins = int(self._inside)
        last = len(lines) - 1
        lines[begins:last] = map(self._line, lines[begins:last])
        self._held = b""
        if last >= begins:
            text = lines[last]
            self._inside = bool(text)
            if text[:1] == b"@" and not text[1:].strip(HEX):
                self._inside = False
                self._held = text if len(text) <= LONGEST else b"@" + text[-24:]
                text = b""
            lines[last] = self._line(text)
        return b"\n".join(lines)

    def rest(self) -> bytes:
        """Return what is left at the end of input: a label that never ended, as it came."""
        return self._held

    def _line(self, line: bytes) -> bytes:
        if line[:1] != b"@":
            return line
        behind = line[1:].lstrip(HEX)
        digits = line[1 : len(line) - len(behind)][-24:]
        if not digits:
            return line
        high = digits[:-8]
        if high != self._high:
            self._high = high
            self._show = self._show_second(_seconds(high))
        shown = self._show(int(digits[-8:], 16))
        return line if shown is None else shown + behind


def _leave(nanoseconds: int) -> None:
    """Show no label."""


def _seconds(high: bytes) -> int:
    """Return the Unix time, in seconds, of a label's high part."""
    value = (int(high or b"0", 16) - EPOCH) & 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value
