"""Reading a log directory as one log, from its oldest line to the newest.

The lines are in the finished files, in the order of their names, then in ``previous`` while a
file is being finished, then in ``current``. A reader that follows keeps ``current`` open.
When another file has taken that name, it reads the old one to its end. Then it reads the files
that were finished since, except the one it has just read, which has a final name by then.

svlogd's processors work beside it. So a file changes its suffix after it is finished, and what has
been read is known by its label.

What can't be read is named once for each log, and left out
(:mod:`~slashservice.supervise.logs.log_file`).
"""

from __future__ import annotations

import os

from slashservice.supervise import tai
from slashservice.supervise.logs import log_file
from slashservice.supervise.logs.log_file import Unreadable
from slashservice.supervise.logs.retention import finished
from slashservice.supervise.messages import warn
from slashservice.supervise.tai import LABEL_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Line = tuple[int, bytes, bytes]
    """Unix time in nanoseconds, the line's stamp as it stands there, and the rest of it."""

LONGEST = 1 << 24
"""A line with more bytes than this is shown in parts."""

STAMP_LENGTH = LABEL_LENGTH + 1

EVER = -1 << 96
"""A time before all others that a stamp can name, in Unix nanoseconds."""

HARMLESS = bytes((9, *range(32, 127)))
"""Bytes that a terminal shows as they are."""

UNDONE, UNPROCESSED, PROCESSED = b".t", b".u", b".s"

GONE = (FileNotFoundError, NotADirectoryError)
"""Errors of opening a file that was removed, alone or with the whole directory."""


class LogReader:
    """The log in ``directory``, called ``name``."""

    def __init__(self, directory: bytes, name: bytes) -> None:
        self.directory = directory
        self.name = name
        self.failed = False
        """Whether something in it could not be read."""
        self._known: set[bytes] = set()
        """The labels of files that were read, or passed over."""
        self._skip = 0
        """How many files have been read that are still to get their final names."""
        self._fd = -1
        self._partial = b""
        self._time = 0

    def lines(self, since: int = EVER) -> Iterator[Line]:
        """Yield all lines from ``since`` (Unix nanoseconds) on."""
        for line in self._old_lines(since):
            if line[0] >= since:
                yield line
        for line in self._newest():
            if line[0] >= since:
                yield line

    def last_lines(self, number: int) -> list[Line]:
        """Return the last lines, ``number`` of them if there are so many."""
        from collections import deque

        names = self._begin()
        found = [*deque(self._newest(), number)]
        while names and len(found) < number:
            found = [*deque(self._finished_file(names.pop()), number - len(found)), *found]
        return found

    def new_lines(self) -> Iterator[Line]:
        """Yield the lines that were written since the last call."""
        while True:
            if self._fd >= 0:
                yield from self._read_open()
                if self._is_current():
                    return
                yield from self._read_open()
                if self._partial:
                    yield self._parsed(self._partial)
                os.close(self._fd)
                self._fd = -1
                self._partial = b""
                self._skip += 1
            for name in self._open_current():
                self._known.add(name[:LABEL_LENGTH])
                if self._skip:
                    self._skip -= 1
                else:
                    yield from self._finished_file(name)
            if self._fd < 0:
                return

    def _open_current(self) -> list[bytes]:
        """Open ``current``, unless it is empty; return the new names of files before it.

        A logger writes nothing to ``current`` before the file before it has its final name.
        """
        while True:
            names = self._finished()
            new = [name for name in names if name[:LABEL_LENGTH] not in self._known]
            fd = self._open(b"current")
            if fd < 0:
                return new
            if not os.fstat(fd).st_size:
                os.close(fd)
                return new
            if self._finished() == names:
                self._fd = fd
                return new
            os.close(fd)

    def _begin(self) -> list[bytes]:
        """Return the names of the finished files, which count as known from now on."""
        names = self._finished()
        self._known.update(name[:LABEL_LENGTH] for name in names)
        return names

    def _old_lines(self, since: int) -> Iterator[Line]:
        for name in self._begin():
            if _label_time(name) >= since:
                yield from self._finished_file(name)

    def _newest(self) -> Iterator[Line]:
        """Yield the lines that are in none of the known files; include those of ``previous``."""
        previous = None
        while previous is None:
            yield from self.new_lines()
            # With one to skip, the file being finished is the one just read to its end.
            previous = -1 if self._fd >= 0 or self._skip else self._previous()
        if previous >= 0:
            yield from self._lines_in(b"previous", log_file.contents(previous))

    def _previous(self) -> int | None:
        """Open a file that is being finished and has no final name yet; -1 if there is none.

        None if a file got its final name meanwhile: its lines may have to come before.
        """
        fd = self._open(b"previous")
        if fd >= 0:
            about = os.fstat(fd)
            if about.st_nlink != 1 or not about.st_size:
                os.close(fd)
                fd = -1
        if not self._known.issuperset(name[:LABEL_LENGTH] for name in self._finished()):
            if fd >= 0:
                os.close(fd)
            return None
        self._skip += fd >= 0
        return fd

    def _finished(self) -> list[bytes]:
        try:
            names = os.listdir(self.directory)
        except GONE:
            return []
        except OSError as error:
            self._fail(b"", Unreadable(error=error))
            return []
        return without_twins(finished(names))

    def _is_current(self) -> bool:
        """Tell whether the file that is open still is ``current``."""
        try:
            about = os.lstat(self.directory + b"/current")
        except OSError:
            return False
        ours = os.fstat(self._fd)
        return (about.st_dev, about.st_ino) == (ours.st_dev, ours.st_ino)

    def _read_open(self) -> Iterator[Line]:
        """Yield the lines that ``current`` has got; keep the beginning of an unfinished one."""
        blocks = log_file.blocks(self._fd)
        try:
            for line in _split(blocks, self._partial):
                self._partial = line
                if line[-1:] == b"\n" or len(line) >= LONGEST:
                    self._partial = b""
                    yield self._parsed(line)
        except Unreadable as trouble:
            self._fail(b"current", trouble)

    def _finished_file(self, name: bytes) -> Iterator[Line]:
        """Yield the lines of a finished file; none if the file is gone."""
        fd = self._open(name)
        if fd < 0 and name.endswith(UNPROCESSED):
            fd = self._open(name[: -len(UNPROCESSED)] + PROCESSED)
        if fd >= 0:
            yield from self._lines_in(name, log_file.contents(fd))

    def _lines_in(self, name: bytes, blocks: Iterable[bytes]) -> Iterator[Line]:
        try:
            for line in _split(blocks, b""):
                yield self._parsed(line)
        except Unreadable as trouble:
            self._fail(name, trouble)

    def _open(self, name: bytes) -> int:
        """Open a file; return -1 if it is gone, or can't be read."""
        try:
            return log_file.open_plain(self.directory + b"/" + name)
        except GONE:
            return -1
        except Unreadable as trouble:
            self._fail(name, trouble)
            return -1

    def _fail(self, name: bytes, trouble: Unreadable) -> None:
        """Name what can't be read, unless something in this log was named before."""
        if self.failed:
            return
        self.failed = True
        path = self.directory + (b"/" + name if name else b"")
        what = b"unable to read " + printable(path)
        if trouble.why:
            what += b": " + trouble.why
        warn("svlog", what, trouble.error)

    def _parsed(self, line: bytes) -> Line:
        """Take a line apart; it may end in a newline."""
        line = line[:-1] if line[-1:] == b"\n" else line
        when = stamp_time(line)
        if when is None:
            return self._time, b"", line
        self._time = when
        stamp, _, rest = line.partition(b" ")
        return when, stamp, rest


def _split(blocks: Iterable[bytes], partial: bytes) -> Iterator[bytes]:
    """Yield the lines in ``partial`` and the blocks, each with its newline.

    The last may have none. Of a line that is too long, the parts have none either.
    """
    parts = [partial]
    size = len(partial)
    for block in blocks:
        first, *lines = block.split(b"\n")
        parts.append(first)
        size += len(first)
        if lines or size >= LONGEST:
            whole = b"".join(parts)
            last = lines.pop() if lines else b""
            yield whole + b"\n" if b"\n" in block else whole
            for line in lines:
                yield line + b"\n"
            parts = [last]
            size = len(last)
    if size:
        yield b"".join(parts)


def printable(text: bytes) -> bytes:
    r"""Return ``text`` with what could steer a terminal written as ``\x1b`` is.

    That is each control character but the tab, and all else that is not seen, such as what
    turns the direction of writing. So is what is no UTF-8.
    """
    if not text.translate(None, HARMLESS):
        return text
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode()
        for c in text.decode("utf-8", "backslashreplace")
    ).encode()


def without_twins(names: list[bytes]) -> list[bytes]:
    """Return the names without those of which there is a better one: what svlogd processes.

    Its processor makes ``.t`` of ``.u``, which is then called ``.s`` before ``.u`` goes.
    """
    present = set(names)
    better = {UNDONE: UNPROCESSED, UNPROCESSED: PROCESSED}
    return [
        name for name in names if name[:-2] + better.get(name[-2:], name[-2:] + b"/") not in present
    ]


def stamp_time(line: bytes) -> int | None:
    """Return the time, in Unix nanoseconds, of the stamp a line begins with; None without one."""
    if line[:1] == b"@" and line[LABEL_LENGTH:STAMP_LENGTH] == b" ":
        return _label_time(line)
    if line[4:5] == b"-" and line[25:26] == b" ":
        return _readable_time(line[:25])
    stamp = line[:20].partition(b" ")[0]
    seconds, _, fraction = stamp.partition(b".")
    if len(fraction) == 6 and len(seconds) >= 9 and (seconds + fraction).isdigit():
        return int(seconds) * 1_000_000_000 + int(fraction) * 1000
    return None


_seconds: dict[bytes, int] = {}
"""The last second that a readable stamp told, and what it is in Unix time."""


def _readable_time(stamp: bytes) -> int | None:
    """Return the time of a stamp as svlogd writes it, ``YYYY-MM-DD_HH:MM:SS.xxxxx``, in UTC."""
    second, fraction = stamp[:19], stamp[20:]
    if second not in _seconds:
        from calendar import timegm

        date = second.translate(None, b"-_T:")
        if len(date) != 14 or not date.isdigit():
            return None
        numbers = [int(date[at : at + 2]) for at in range(4, 14, 2)]
        if not (1 <= numbers[0] <= 12 and 1 <= numbers[1] <= 31):
            return None
        _seconds.clear()
        _seconds[second] = timegm((int(date[:4]) or 1, *numbers))
    if not fraction.isdigit() or stamp[19:20] != b".":
        return None
    return _seconds[second] * 1_000_000_000 + int(fraction) * 10_000


def _label_time(text: bytes) -> int:
    """Return the time, in Unix nanoseconds, of the label ``text`` begins with; 0 without one."""
    try:
        return tai.unpack(bytes.fromhex(text[1:LABEL_LENGTH].decode("ascii")))
    except ValueError:
        return 0
