"""Reading a log directory as one log, from its oldest line to the newest.

The lines are in the finished files, in the order of their names, then in ``previous`` or
``processed`` while a file is being finished, then in ``current``. A reader that follows keeps
``current`` open. When another file has taken that name, it reads the old one to its end. Then it
reads the files that were finished since, except the one it has just read, which has a final name
by then.

svlogd's processors work beside it. So a file changes its suffix after it is finished, and what has
been read is known by its label.

What can't be read is named once for each log, and left out
(:mod:`~slashservice.supervise.logs.log_file`).
"""

from __future__ import annotations

import os

from slashservice.supervise.logs import log_file, seeking
from slashservice.supervise.logs.choice import Choice
from slashservice.supervise.logs.chunks import LONGEST, chunks
from slashservice.supervise.logs.log_file import Unreadable
from slashservice.supervise.logs.retention import finished
from slashservice.supervise.logs.stamps import EVER, LENGTH, NEVER, label_time, stamp_time
from slashservice.supervise.messages import warn
from slashservice.supervise.printable import printable_bytes
from slashservice.supervise.tai import LABEL_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slashservice.supervise.logs.choice import Line

UNDONE, UNPROCESSED, PROCESSED = b".t", b".u", b".s"

GONE = (FileNotFoundError, NotADirectoryError)
"""Errors of opening a file that was removed, alone or with the whole directory."""


class LogReader:
    """The log in ``directory``, called ``name``: those of its lines that are the ``choice``.

    It yields each of them once. ``failed`` tells whether something in it could not be read,
    ``is_cut`` whether lines were left out because they are too long to be kept.
    """

    def __init__(self, directory: bytes, name: bytes, choice: Choice | None = None) -> None:
        self.directory = directory
        self.name = name
        self.choice = choice or Choice()
        self.failed = self.is_cut = False
        self.time: int | None = 0
        """The time of the last line with a stamp; None while only those behind it are read."""
        self._known: set[bytes] = set()
        """The labels of files that were read, or passed over."""
        self._skip = 0
        """How many files have been read that are still to get their final names."""
        self._fd = -1
        self._partial = b""
        self._number: int | None = None
        """How many of the last lines are wanted, if not all are."""
        self._has_later = False
        """Whether there are finished files whose lines are after the time, and are not read."""
        self._is_begun = False
        """Whether ``current`` has been opened."""
        self._size = 0
        """Bytes that have been read."""

    def lines(self) -> Iterator[Line]:
        """Yield all lines, oldest first."""
        for name in self._begin():
            yield from self._finished_file(name)
        if self._has_later:
            self.time = NEVER
        yield from self._newest()

    def last_lines(self, number: int) -> list[Line]:
        """Return the last lines, ``number`` of them if there are so many."""
        from slashservice.supervise.logs.backwards import Backwards

        self._number = number
        names = self._begin()
        backwards = Backwards(number, self.choice)
        passage: Iterable[Line] | None = self._newest()
        while passage is not None:
            self.time, before = None, self._size
            lines = backwards.take(passage)
            backwards.add(lines, self.time, self._size - before)
            if self._has_later:
                backwards.add([], NEVER, 0)
                self._has_later = False
            goes_on = names and not backwards.is_enough()
            passage = self._finished_file(names.pop()) if goes_on else None
        found = backwards.lines()
        self.time = backwards.time or 0
        self.is_cut |= backwards.is_cut
        return found

    def new_lines(self) -> Iterator[Line]:
        """Yield the lines that were written since the last call."""
        while True:
            if self._fd >= 0:
                yield from self._read_open()
                if self._is_current():
                    return
                yield from self._read_open()
                yield from self.choice.of(self._partial, self)
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

    def close(self) -> None:
        """Let the log go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

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
                if not self._is_begun:
                    os.lseek(fd, self._place(fd), os.SEEK_SET)
                self._is_begun = True
                return new
            os.close(fd)

    def _begin(self) -> list[bytes]:
        """Return the names of the finished files that may have lines of the right time.

        All that there are count as known from now on.
        """
        names = self._finished()
        self._known.update(name[:LABEL_LENGTH] for name in names)
        if self.choice.since > EVER:
            names = [name for name in names if label_time(name) >= self.choice.since]
        if self.choice.until < NEVER:
            begun = self._begun(names)
            self._has_later = begun < len(names)
            del names[begun:]
        return names

    def _begun(self, names: list[bytes]) -> int:
        """Return how many of the files do not begin after the time."""
        low, high = 0, len(names)
        while low < high:
            middle = (low + high) // 2
            first = self._first_time(names[middle])
            if first is not None and first > self.choice.until:
                high = middle
            else:
                low = middle + 1
        return low

    def _first_time(self, name: bytes) -> int | None:
        """Return the time of a file's first line if it has a stamp and can be read."""
        try:
            for block in log_file.contents(log_file.open_plain(self.directory + b"/" + name)):
                return stamp_time(block[:LENGTH])
        except (*GONE, Unreadable):
            pass
        return None

    def _newest(self) -> Iterator[Line]:
        """Yield the lines that are in none of the known files; include those of ``previous``."""
        previous = None
        while previous is None:
            yield from self.new_lines()
            # With one to skip, the file being finished is the one just read to its end.
            previous = -1 if self._fd >= 0 or self._skip else self._previous()
        if previous >= 0:
            yield from self._lines_in(b"previous", log_file.contents(previous))

    def _is_nameless(self, fd: int) -> bool:
        """Tell whether a file being finished has lines, and no final name."""
        about = os.fstat(fd)
        return about.st_nlink == 1 and about.st_size > 0

    def _previous(self) -> int | None:
        """Open a file that is being finished and has no final name yet; -1 if there is none.

        That is ``previous``; when a processor is done with it, it goes before ``processed``, which
        is whole by then, gets the name.
        None if a file got its final name meanwhile: its lines may have to come before.
        """
        fd = self._open(b"previous")
        if fd < 0:
            fd = self._open(b"processed")
        if fd >= 0 and not self._is_nameless(fd):
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
        try:
            blocks = log_file.blocks(self._fd, self._new_bytes())
            for chunk in self._counted(chunks(blocks, self._partial)):
                self._partial = b""
                if chunk[-1:] != b"\n" and len(chunk) < LONGEST:
                    self._partial = chunk
                    return
                yield from self.choice.of(chunk, self)
        except Unreadable as trouble:
            self._fail(b"current", trouble)

    def _new_bytes(self) -> int:
        """Return how many bytes ``current`` has got. If it has lost some, go back to what is left.

        A logger that goes on is read no further than the file reaches now, or this would not end.
        """
        size, at = os.fstat(self._fd).st_size, os.lseek(self._fd, 0, os.SEEK_CUR)
        if size < at:
            left = size - (at - len(self._partial))
            at = size if left >= 0 else 0
            self._partial = self._partial[: max(0, left)]
            os.lseek(self._fd, at, os.SEEK_SET)
        return size - at

    def _counted(self, found: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks up to the one that is after the time."""
        for chunk in found:
            if self.choice.is_over(chunk):
                self.time = stamp_time(chunk[:LENGTH])
                return
            self._size += len(chunk)
            yield chunk

    def _finished_file(self, name: bytes) -> Iterator[Line]:
        """Yield the lines of a finished file; none if the file is gone."""
        fd = self._open(name)
        if fd < 0 and name.endswith(UNPROCESSED):
            fd = self._open(name[: -len(UNPROCESSED)] + PROCESSED)
        if fd >= 0:
            yield from self._lines_in(name, log_file.contents(fd, self._place))

    def _lines_in(self, name: bytes, blocks: Iterable[bytes]) -> Iterator[Line]:
        try:
            for chunk in self._counted(chunks(blocks)):
                yield from self.choice.of(chunk, self)
        except Unreadable as trouble:
            self._fail(name, trouble)

    def _place(self, fd: int) -> int:
        """Return where to begin to read a plain file."""
        choice = self.choice
        try:
            begin = 0
            if choice.since > EVER:
                begin = seeking.place_of_time(fd, choice.since)
            if self._number is not None and not choice.grep:
                end = os.fstat(fd).st_size
                if choice.until < NEVER:
                    end = seeking.place_of_time(fd, choice.until + 1)
                begin = max(begin, seeking.place_of_last(fd, self._number, end))
        except OSError:
            return 0  # reading tells
        return begin

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
        what = b"unable to read " + printable_bytes(path)
        if trouble.why:
            what += b": " + trouble.why
        warn("svlog", what, trouble.error)


def without_twins(names: list[bytes]) -> list[bytes]:
    """Return the names without those of which there is a better one: what svlogd processes.

    Its processor makes ``.t`` of ``.u``, which is then called ``.s`` before ``.u`` goes.
    """
    present = set(names)
    better = {UNDONE: UNPROCESSED, UNPROCESSED: PROCESSED}
    return [
        name for name in names if name[:-2] + better.get(name[-2:], name[-2:] + b"/") not in present
    ]
