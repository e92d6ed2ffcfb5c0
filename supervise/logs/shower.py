"""Showing lines of logs: as text for people, or as JSON for programs."""

from __future__ import annotations

import os
import time

from slashservice.supervise.messages import fatal, write_all
from slashservice.supervise.printable import pieces, printable_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slashservice.supervise.logs.choice import Line
    from slashservice.supervise.logs.reader import LogReader
    from slashservice.supervise.logs.svlog_arguments import Wishes

    LineOf = tuple[int | None, bytes, bytes, LogReader]
    """A line (see :class:`~slashservice.supervise.logs.choice.Choice`) and its reader."""

AT_ONCE = 4096
BYTES_AT_ONCE = 1 << 20
"""Lines written in one go, or fewer of so many bytes."""

DIM = b"\x1b[2m"
PLAIN = b"\x1b[0m"
COLOURS = [b"\x1b[%dm" % number for number in (36, 33, 32, 35, 34, 31)]


def merged(logs: Sequence[tuple[Iterable[Line], LogReader]]) -> Iterable[LineOf]:
    """Return the lines of logs, each with its reader, in the order of time."""
    import heapq

    def labelled(lines: Iterable[Line], reader: LogReader) -> Iterable[LineOf]:
        for when, stamp, rest in lines:
            yield when, stamp, rest, reader

    return heapq.merge(*(labelled(*log) for log in logs), key=time_of)


def time_of(line: LineOf) -> int:
    """Return by what lines of several logs are put in order."""
    return line[0] or 0


def _unchanged(text: bytes) -> bytes:
    return text


class Shower:
    """Writes lines; ``_line`` makes one of them, of parts that are written one after another."""

    def show(self, lines: Iterable[LineOf]) -> None:
        """Write the lines."""
        out: list[bytes] = []
        size = 0
        for when, stamp, rest, reader in lines:
            if len(rest) > BYTES_AT_ONCE:
                self._write(out)
                for part in self._parts(when, stamp, rest, reader):
                    self._write([part])
                size = 0
                continue
            out.append(b"".join(self._parts(when, stamp, rest, reader)))
            size += len(out[-1])
            if len(out) >= AT_ONCE or size >= BYTES_AT_ONCE:
                self._write(out)
                size = 0
        self._write(out)

    def add(self, readers: Sequence[LogReader]) -> None:
        """Learn of logs whose lines may come."""

    def begin(self) -> None:
        """Learn that from now on logs are read, whose lines are to be shown then."""

    def _parts(
        self, when: int | None, stamp: bytes, rest: bytes, reader: LogReader
    ) -> Iterable[bytes]:
        raise NotImplementedError

    def _write(self, out: list[bytes]) -> None:
        try:
            write_all(1, b"".join(out))
        except OSError as error:
            raise fatal("svlog", b"unable to write output", error) from None
        out.clear()


class TextShower(Shower):
    """Writes lines with the time and, if there are several logs, the name of the service."""

    def __init__(self, wishes: Wishes, readers: Sequence[LogReader]) -> None:
        self._raw = wishes.raw
        self._second = -1
        self._shown = b""
        self._clean: Callable[[bytes], bytes] = printable_bytes if os.isatty(1) else _unchanged
        self._coloured = wishes.colour == b"always" or (
            wishes.colour == b"auto"
            and os.isatty(1)
            and not os.environb.get(b"NO_COLOR")
            and os.environb.get(b"TERM") != b"dumb"
        )
        self._dim, self._plain = (DIM, PLAIN) if self._coloured else (b"", b"")
        self._emphasised = self._clean
        if self._coloured:
            from slashservice.supervise.logs.emphasis import Emphasis

            grep = None if wishes.invert else wishes.choice.grep
            emphasis = Emphasis(grep.expression if grep else None)
            self._emphasised = lambda text: emphasis.line(text, self._clean)
        self._width = 0
        self._known: list[LogReader] = []
        self._names: dict[LogReader, bytes] = {}
        self.add(readers)

    def add(self, readers: Sequence[LogReader]) -> None:
        """Learn of logs whose lines may come; from the second one on, all have names in front."""
        self._known += readers
        names = [self._clean(reader.name) for reader in self._known]
        self._width = max([self._width, *map(len, names)])
        for number, reader in enumerate(self._known):
            name = names[number].ljust(self._width) + b" " if len(names) > 1 else b""
            if self._coloured and name:
                name = COLOURS[number % len(COLOURS)] + name[:-1] + PLAIN + b" "
            self._names[reader] = name

    def _parts(
        self, when: int | None, stamp: bytes, rest: bytes, reader: LogReader
    ) -> Iterable[bytes]:
        head = self._time(when or 0, stamp) + self._names[reader]
        if len(rest) <= BYTES_AT_ONCE:
            return head, self._emphasised(rest), b"\n"
        return head, *([rest] if self._clean is _unchanged else pieces(rest)), b"\n"

    def _time(self, when: int, stamp: bytes) -> bytes:
        """Return a line's time as it is shown, with a space behind it."""
        if not stamp:
            return b""
        if self._raw:
            return self._clean(stamp) + b" "
        second, nanoseconds = divmod(when, 1_000_000_000)
        if second != self._second:
            try:
                self._shown = b"%d-%02d-%02d %02d:%02d:%02d" % time.localtime(second)[:6]
            except (OverflowError, ValueError, OSError):
                return self._clean(stamp) + b" "  # no calendar goes so far
            self._second = second
        milliseconds = nanoseconds // 1_000_000
        return b"%s%s.%03d%s " % (self._dim, self._shown, milliseconds, self._plain)
