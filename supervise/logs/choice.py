"""Which lines of a log are chosen: those of some time, in which a pattern matches or does not.

The stamps of a log are taken to be in order. So a chunk that begins and ends before the time is
passed over, and one that begins and ends after it is the end.
"""

from __future__ import annotations

from slashservice.supervise.logs.chunks import lines_of
from slashservice.supervise.logs.stamps import EVER, LENGTH, NEVER, stamp_time, time_before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from slashservice.supervise.logs.grep import Grep

    Line = tuple[int | None, bytes, bytes]
    """Unix time in nanoseconds, the line's stamp as it stands there, and the rest of it.

    The time is that of the last line with a stamp; None if that is not known yet.
    """

    class Place(Protocol):
        """Where in a log we are: ``time`` is that of the last line with a stamp."""

        time: int | None


class Choice:
    """Lines from the time ``since`` to ``until``, both included, that ``grep`` is for.

    With ``invert``, ``grep`` is for the lines in which it does not match.
    """

    def __init__(
        self,
        since: int = EVER,
        until: int = NEVER,
        grep: Grep | None = None,
        invert: bool = False,
    ) -> None:
        self.since = since
        self.until = until
        self.grep = grep
        self.invert = invert

    def takes_time(self, when: int | None) -> bool:
        """Tell whether a line is of the right time; one whose time is not known may be."""
        return when is None or self.since <= when <= self.until

    def is_over(self, chunk: bytes) -> bool:
        """Tell whether a chunk, and so what comes after it, is after the time."""
        if self.until >= NEVER:
            return False
        first, last = stamp_time(chunk[:LENGTH]), _last_time(chunk)
        return first is not None and last is not None and min(first, last) > self.until

    def of(self, chunk: bytes, place: Place) -> Iterator[Line]:
        """Yield the lines of a chunk that are chosen; set the time of the place."""
        if self.since > EVER:
            first, last = stamp_time(chunk[:LENGTH]), _last_time(chunk)
            if first is not None and last is not None and max(first, last) < self.since:
                place.time = last
                return
        if self.grep and self.grep.find and not self.invert:
            yield from self._found(chunk, place)
            return
        search = self.grep.search if self.grep else None
        for line in lines_of(chunk):
            when = stamp_time(line)
            if when is None:
                stamp, rest = b"", line
            else:
                place.time = when
                stamp, _, rest = line.partition(b" ")
            if self.takes_time(place.time) and (not search or bool(search(rest)) != self.invert):
                yield place.time, stamp, rest

    def _found(self, chunk: bytes, place: Place) -> Iterator[Line]:
        """Yield the chosen lines of a chunk; look only at those where the pattern may match."""
        assert self.grep
        assert self.grep.find
        text = self.grep.prepared(chunk)
        at = 0
        while at < len(chunk) and (found := self.grep.find(text, at)):
            begin = chunk.rfind(b"\n", at, found.start()) + 1 or at
            end = chunk.find(b"\n", found.start())
            line = chunk[begin : end if end >= 0 else len(chunk)]
            when = stamp_time(line)
            if when is None:
                stamp, rest = b"", line
                before = time_before(chunk, begin, at)
                when = place.time if before is None else before
            else:
                stamp, _, rest = line.partition(b" ")
            place.time = when
            at = begin + len(line) + 1
            if self.takes_time(when) and self.grep.search(rest):
                yield when, stamp, rest
        before = time_before(chunk, len(chunk), at)
        place.time = place.time if before is None else before


def _last_time(chunk: bytes) -> int | None:
    """Return the time of the last line of a chunk if it has a stamp."""
    begin = chunk.rfind(b"\n", 0, -1) + 1
    return stamp_time(chunk[begin : begin + LENGTH])
