"""Standard error shown in the title of our own process, as runsvdir does it.

Services write to a pipe that we read. They have both of its ends, so that nobody is sent SIGPIPE
when we are killed. It is never waited for: what finds no room is lost, as with runit.
"""

from __future__ import annotations

import os

from slashservice.supervise.platform import posix, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.platform.loop import Loop


SHORTEST = 7
KEPT = 5
"""The first bytes stay: ``log: ``."""

SECONDS_BETWEEN_DOTS = 900.0
"""A dot is written so often, that old errors are seen to be old."""


class ErrorTitle:
    """Shows what is written to standard error in place of the argument ``text``.

    ``behind`` is how many bytes of the command line come after that. Raises ``OSError``.
    """

    def __init__(self, loop: Loop, text: bytes, behind: int) -> None:
        self._loop = loop
        self._text = text
        self._show = title.shower(len(text), behind)
        self._read_end, write_end = os.pipe()
        both_ends = posix.both_ends(write_end)
        os.dup2(both_ends, 2)
        os.close(both_ends)
        os.set_blocking(self._read_end, False)
        loop.add(self._read_end, self._read)
        self._dot()

    def _read(self) -> None:
        try:
            data = os.read(self._read_end, 65536)
        except OSError:
            return
        self._text = shift(self._text, data)
        self._show(self._text)

    def _dot(self) -> None:
        self._text = shift(self._text, b".")
        self._show(self._text)
        self._loop.after(SECONDS_BETWEEN_DOTS, self._dot)


def shift(text: bytes, data: bytes) -> bytes:
    """Return ``text`` with ``data`` shifted in from the right, behind the bytes that stay."""
    room = len(text) - KEPT
    return text[:KEPT] + (text[KEPT:] + data.replace(b"\0", b""))[-room:]
