"""Reading a log directory as one log, from its oldest line to the newest.

The lines are in the finished files, in the order of their names, then in ``previous`` while a
file is being finished, then in ``current``. A reader that follows keeps ``current`` open.
When another file has taken that name, it reads the old one to its end. Then it reads the files
that were finished since, except the one it has just read, which has a final name by then.
"""

from __future__ import annotations

import os

from slashservice.supervise import tai
from slashservice.supervise.logs.retention import finished
from slashservice.supervise.tai import LABEL_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Line = tuple[int, bytes, bytes]
    """Unix time in nanoseconds, the line's stamp as it stands there, and the rest of it."""

BLOCK = 1 << 18
STAMP_LENGTH = LABEL_LENGTH + 1

GONE = (FileNotFoundError, NotADirectoryError)
"""Errors of opening a file that was removed, alone or with the whole directory."""

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"


class LogReader:
    """The log in ``directory``, called ``name``."""

    def __init__(self, directory: bytes, name: bytes) -> None:
        self.directory = directory
        self.name = name
        self._known: set[bytes] = set()
        self._skip = 0
        """How many files have been read that are still to get their final names."""
        self._fd = -1
        self._partial = b""
        self._time = 0

    def lines(self, since: int = 0) -> Iterator[Line]:
        """Yield all lines from ``since`` (Unix nanoseconds) on."""
        for line in self._old_lines(since):
            if line[0] >= since:
                yield line
        for line in self._newest():
            if line[0] >= since:
                yield line

    def last_lines(self, number: int) -> list[Line]:
        """Return the last lines, ``number`` of them if there are so many."""
        names = self._begin()
        found = [*self._newest()]
        while names and len(found) < number:
            found = [*self._parse(self._read_whole(names.pop())), *found]
        return found[-number:] if number else []

    def new_lines(self) -> Iterator[Line]:
        """Yield the lines that were written since the last call."""
        while True:
            if self._fd >= 0:
                yield from self._read_open()
                if self._is_current():
                    return
                yield from self._read_open()
                if self._partial:
                    yield from self._parse(self._partial + b"\n")
                os.close(self._fd)
                self._fd = -1
                self._partial = b""
                self._skip += 1
            for name in self._open_current():
                self._known.add(name)
                if self._skip:
                    self._skip -= 1
                else:
                    yield from self._parse(self._read_whole(name))
            if self._fd < 0:
                return

    def _open_current(self) -> list[bytes]:
        """Open ``current``, unless it is empty; return the new names of files before it.

        A logger writes nothing to ``current`` before the file before it has its final name.
        """
        while True:
            names = self._finished()
            new = [name for name in names if name not in self._known]
            try:
                fd = os.open(self.directory + b"/current", os.O_RDONLY | os.O_NONBLOCK)
            except GONE:
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
        self._known.update(names)
        return names

    def _old_lines(self, since: int) -> Iterator[Line]:
        for name in self._begin():
            if _label_time(name) >= since:
                yield from self._parse(self._read_whole(name))

    def _newest(self) -> Iterator[Line]:
        """Yield the lines that are in none of the known files; include those of ``previous``."""
        text = None
        while text is None:
            yield from self.new_lines()
            # With one to skip, the file being finished is the one just read to its end.
            text = b"" if self._fd >= 0 or self._skip else self._previous()
        yield from self._parse(text)

    def _previous(self) -> bytes | None:
        """Return the content of a file that is being finished and has no final name yet.

        None if a file got its final name meanwhile: its lines may have to come before.
        """
        path = self.directory + b"/previous"
        text = b""
        try:
            if os.stat(path).st_nlink == 1:
                with open(path, "rb") as file:
                    text = file.read()
        except GONE:
            pass
        if not self._known.issuperset(self._finished()):
            return None
        if text:
            self._skip += 1
        return text

    def _finished(self) -> list[bytes]:
        try:
            names = os.listdir(self.directory)
        except GONE:
            return []
        return finished(names)

    def _is_current(self) -> bool:
        """Tell whether the file that is open still is ``current``."""
        try:
            about = os.stat(self.directory + b"/current")
        except GONE:
            return False
        ours = os.fstat(self._fd)
        return (about.st_dev, about.st_ino) == (ours.st_dev, ours.st_ino)

    def _read_open(self) -> Iterator[Line]:
        while block := os.read(self._fd, BLOCK):
            text = self._partial + block
            end = text.rfind(b"\n") + 1
            self._partial = text[end:]
            yield from self._parse(text[:end])

    def _read_whole(self, name: bytes) -> bytes:
        """Return the content of a finished file, unpacked; nothing if the file is gone."""
        try:
            with open(self.directory + b"/" + name, "rb") as file:
                return unpack(file.read())
        except GONE:
            return b""

    def _parse(self, text: bytes) -> Iterator[Line]:
        lines = text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            when = stamp_time(line)
            if when is None:
                yield self._time, b"", line
            else:
                self._time = when
                stamp, _, rest = line.partition(b" ")
                yield when, stamp, rest


def unpack(data: bytes) -> bytes:
    """Return ``data``, decompressed if it is compressed and we, or a program here, can."""
    if data[:2] == GZIP:
        import zlib

        try:
            return zlib.decompress(data, 31)
        except zlib.error:
            return data
    if data[:4] == ZSTD:
        import subprocess

        try:
            return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True).stdout
        except OSError:
            return data
    return data


def stamp_time(line: bytes) -> int | None:
    """Return the time, in Unix nanoseconds, of the stamp a line begins with; None without one."""
    if line[:1] == b"@" and line[LABEL_LENGTH:STAMP_LENGTH] == b" ":
        return _label_time(line)
    stamp = line[:20].partition(b" ")[0]
    seconds, _, fraction = stamp.partition(b".")
    if len(fraction) == 6 and len(seconds) >= 9 and (seconds + fraction).isdigit():
        return int(seconds) * 1_000_000_000 + int(fraction) * 1000
    return None


def _label_time(text: bytes) -> int:
    """Return the time, in Unix nanoseconds, of the label ``text`` begins with; 0 without one."""
    try:
        return tai.unpack(bytes.fromhex(text[1:LABEL_LENGTH].decode("ascii")))
    except ValueError:
        return 0
