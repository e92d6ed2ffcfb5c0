"""``svlog [-afirv] [-n NUMBER] [-s TIME] [-g PATTERN] [-c WHEN] DIR...``: show logs.

Each DIR is a service directory, a log directory, or a scan directory with many of them. The
lines of all their logs are shown in the order of time, in local time, with the service's name in
front if there are several.

Whoever writes to a log may write what steers a terminal, and what is no file of a log at all. A
terminal is shown such bytes in words. What can't be read is named, and the rest is shown.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signals
from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.logs import moments
from slashservice.supervise.logs.find import find
from slashservice.supervise.logs.reader import EVER, printable
from slashservice.supervise.messages import TROUBLE, fatal, usage, warn, write_all
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slashservice.supervise.logs.reader import LogReader

    LineOf = tuple[int, bytes, bytes, LogReader]
    """A line (see :class:`~slashservice.supervise.logs.reader.LogReader`) and its reader."""

USAGE = "svlog [-afirv] [-n number] [-s time] [-g pattern] [-c auto|always|never] dir ..."

LONG = {
    b"--all": b"-a",
    b"--follow": b"-f",
    b"--ignore-case": b"-i",
    b"--raw": b"-r",
    b"--invert": b"-v",
    b"--lines": b"-n",
    b"--since": b"-s",
    b"--grep": b"-g",
    b"--color": b"-c",
    b"--colour": b"-c",
}
"""Long names of options, which are easier to remember."""

LINES = 10
"""How many lines are shown unless another number is asked for."""

SECONDS_BETWEEN_LOOKS = 0.5
"""How often a log is looked at whose changes the kernel does not report."""

AT_ONCE = 4096
BYTES_AT_ONCE = 1 << 20
"""Lines written in one go, or fewer of so many bytes."""

DIM = b"\x1b[2m"
PLAIN = b"\x1b[0m"
COLOURS = [b"\x1b[%dm" % number for number in (36, 33, 32, 35, 34, 31)]


def main(argv: Sequence[bytes]) -> int:
    """Show logs; go on until killed with ``-f``."""
    wishes = Wishes(argv)
    signals.restore_defaults()
    readers = []
    for directory in wishes.directories:
        found = find(places.path(directory))
        if not found:
            warn("svlog", b"no log in " + directory)
        readers += found
    if not readers:
        raise fatal("svlog", b"no log found")
    shower = Shower(wishes, readers)
    if wishes.since is not None or wishes.all:
        shower.show(merged(readers, EVER if wishes.since is None else wishes.since))
    else:
        last = [[(*line, r) for line in r.last_lines(wishes.lines)] for r in readers]
        together = sorted((line for lines in last for line in lines), key=lambda line: line[0])
        shower.show(together[-wishes.lines :] if wishes.lines else [])
    if wishes.follow:
        follow(readers, shower)
    return TROUBLE if any(reader.failed for reader in readers) else 0


class Wishes:
    """The command line."""

    def __init__(self, argv: Sequence[bytes]) -> None:
        self.all = self.follow = self.raw = self.invert = False
        self.lines = LINES
        self.since: int | None = None
        self.colour = b"auto"
        pattern: bytes | None = None
        ignore_case = False
        options = Options("svlog", _short(argv), "afirvn:s:g:c:")
        for letter, value in options:
            if letter == BAD:
                raise usage("svlog", USAGE)
            if letter == "n" and value.isdigit():
                self.lines = int(value)
            elif letter == "s":
                self.since = moment(value)
            elif letter == "g":
                pattern = value
            elif letter == "c" and value in (b"auto", b"always", b"never"):
                self.colour = value
            elif letter in "nc":
                raise usage("svlog", USAGE)
            self.all |= letter == "a"
            self.follow |= letter == "f"
            self.raw |= letter == "r"
            self.invert |= letter == "v"
            ignore_case |= letter == "i"
        self.directories = options.rest
        if not self.directories:
            raise usage("svlog", USAGE)
        self.search: Callable[[bytes], object] | None = None
        if pattern is not None:
            import re

            try:
                self.search = re.compile(pattern, re.IGNORECASE if ignore_case else 0).search
            except re.error as error:
                what = b"bad pattern " + pattern + b": " + str(error).encode()
                raise fatal("svlog", what) from None


def _short(argv: Sequence[bytes]) -> list[bytes]:
    """Put short options for the long ones."""
    words: list[bytes] = []
    for at, word in enumerate(argv):
        if word == b"--":
            return [*words, *argv[at:]]
        name, equals, value = word.partition(b"=")
        if word[:2] == b"--" and name not in LONG:
            raise usage("svlog", USAGE)
        if name in LONG:
            words.append(LONG[name])
            if equals:
                words.append(value)
        else:
            words.append(word)
    return words


def moment(text: bytes) -> int:
    """Return the Unix time, in nanoseconds, that ``text`` means now. Raises ``Quit``."""
    try:
        return moments.moment(text, time.time())
    except ValueError:
        raise fatal("svlog", b"not a time: " + text) from None


def merged(readers: Sequence[LogReader], since: int) -> Iterable[LineOf]:
    """Return the lines of all readers in the order of time."""
    import heapq

    def labelled(reader: LogReader) -> Iterable[LineOf]:
        for when, stamp, rest in reader.lines(since):
            yield when, stamp, rest, reader

    return heapq.merge(*map(labelled, readers), key=lambda line: line[0])


def follow(readers: Sequence[LogReader], shower: Shower) -> None:
    """Show the lines that are written from now on, for ever."""
    from slashservice.supervise.platform import watch
    from slashservice.supervise.platform.current import watcher as kernel_watcher

    watcher = kernel_watcher()
    told = watcher is not None and watcher.tells_names
    if watcher:
        for reader in readers:
            try:
                watcher.add(reader.directory, watch.ENTRIES | watch.CONTENT | watch.MODIFY)
            except OSError:
                told = False
    while True:
        lines = [(*line, reader) for reader in readers for line in reader.new_lines()]
        shower.show(sorted(lines, key=lambda line: line[0]))
        if watcher and told:
            watcher.wait(10 * SECONDS_BETWEEN_LOOKS)
            watcher.events()
        else:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _unchanged(text: bytes) -> bytes:
    return text


class Shower:
    """Writes lines in the way that was asked for."""

    def __init__(self, wishes: Wishes, readers: Sequence[LogReader]) -> None:
        self._search = wishes.search
        self._invert = wishes.invert
        self._raw = wishes.raw
        self._second = -1
        self._shown = b""
        self._clean = printable if os.isatty(1) else _unchanged
        coloured = wishes.colour == b"always" or (
            wishes.colour == b"auto"
            and os.isatty(1)
            and not os.environb.get(b"NO_COLOR")
            and os.environb.get(b"TERM") != b"dumb"
        )
        self._dim, self._plain = (DIM, PLAIN) if coloured else (b"", b"")
        self._names = dict.fromkeys(readers, b"")
        if len(readers) > 1:
            names = [self._clean(reader.name) for reader in readers]
            width = max(map(len, names))
            for number, reader in enumerate(readers):
                colour = COLOURS[number % len(COLOURS)] if coloured else b""
                name = names[number].ljust(width)
                self._names[reader] = b"%s%s%s " % (colour, name, PLAIN if coloured else b"")

    def show(self, lines: Iterable[LineOf]) -> None:
        """Write those of the lines that were asked for."""
        out: list[bytes] = []
        size = 0
        for when, stamp, rest, reader in lines:
            if self._search and bool(self._search(rest)) == self._invert:
                continue
            shown = self._time(when, stamp), self._names[reader], self._clean(rest)
            out.append(b"%s%s%s\n" % shown)
            size += len(out[-1])
            if len(out) >= AT_ONCE or size >= BYTES_AT_ONCE:
                self._write(out)
                size = 0
        self._write(out)

    def _write(self, out: list[bytes]) -> None:
        try:
            write_all(1, b"".join(out))
        except OSError as error:
            raise fatal("svlog", b"unable to write output", error) from None
        out.clear()

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
