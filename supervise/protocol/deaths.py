"""The deaths of a service: ``supervise/deaths``, a line for each, the latest one last.

Each line has ``LENGTH`` bytes, filled up with spaces, in these words:

    @40000000692a1c2f0b5c3a1c 12345 exit 1 3.204

That is when the process was found dead (a TAI64N label), its pid, how it ended, and how many
seconds it ran. How it ended is ``exit CODE``, ``signal NUMBER``, with ``core`` if it left one, or
``unknown``. The pid is 0 where there was no process of its own, and the seconds are ``?`` where
they are not known. Being of fixed length, and a part of a page, a line is appended in
one step, so that no reader sees half of it. A reader takes the last ``max-death-tally`` lines, a
file in the service directory with a number (100 unless it is there, 0 for none, ``MOST`` at most);
the file may have twice as many. Once lines have been taken out of it, the first one tells of how
many deaths: ``before 300``.
"""

from __future__ import annotations

import os

from slashservice.supervise import tai
from slashservice.supervise.protocol import names

LENGTH = 64

USUAL = 100
MOST = 4096
"""The number of deaths that is kept, unless the service says otherwise, and at most."""

UNKNOWN = -1
"""Stands for a wait status that nobody could be told."""

CORE = 128
"""In a wait status: a core was left."""

NEW = names.DEATHS + b".new"

BEFORE = b"before "
"""Begins the line that tells how many deaths are no longer in the file."""

LONGEST = 1e12
"""Seconds that a run can have taken."""

ENDLESS = 10**18
"""More deaths than there can be."""


class Death:
    """How a process ended: ``status`` is its wait status, or ``UNKNOWN``.

    ``stamp`` is 12 bytes of TAI64N, ``seconds`` how long it ran; None if that is not known.
    """

    __slots__ = ("pid", "seconds", "stamp", "status")

    def __init__(self, stamp: bytes, pid: int, status: int, seconds: float | None) -> None:
        self.stamp = stamp
        self.pid = pid
        self.status = status
        self.seconds = seconds

    @property
    def code(self) -> int:
        """The exit code; -1 if it was killed by a signal, or if that is not known."""
        return os.WEXITSTATUS(self.status) if self._is_exit else -1

    @property
    def signal(self) -> int:
        """The number of the signal that killed it; 0 if none did, or if that is not known."""
        return 0 if self.status == UNKNOWN or self._is_exit else os.WTERMSIG(self.status)

    @property
    def low_byte(self) -> int:
        """The low byte of the wait status: the signal, and 128 for a core; 0 if it is not known."""
        return 0 if self.status == UNKNOWN else self.status & 0xFF

    @property
    def _is_exit(self) -> bool:
        return self.status != UNKNOWN and os.WIFEXITED(self.status)

    def words(self) -> bytes:
        """Say how it ended."""
        if self.status == UNKNOWN:
            return b"unknown"
        if self._is_exit:
            return b"exit %d" % self.code
        return b"signal %d" % self.signal + (b" core" if self.low_byte & CORE else b"")

    def line(self) -> bytes:
        """Compose the line of ``LENGTH`` bytes."""
        ran = b"?" if self.seconds is None else b"%.3f" % max(0.0, min(self.seconds, LONGEST))
        text = b"%b %d %b %b" % (tai.label(self.stamp), self.pid, self.words(), ran)
        return text[: LENGTH - 1].ljust(LENGTH - 1) + b"\n"


def parse(line: bytes) -> Death | None:
    """Take a line apart; None if it is none."""
    words = line.split()
    if len(line) != LENGTH or len(words) < 4 or len(words[0]) != tai.LABEL_LENGTH:
        return None
    try:
        stamp = bytes.fromhex(words[0][1:].decode("ascii"))
        pid = int(words[1])
        seconds = None if words[-1] == b"?" else float(words[-1])
        if seconds is not None and not 0 <= seconds <= LONGEST:  # nor is it, if it is no number
            return None
        how = words[2:-1]
        if how == [b"unknown"]:
            return Death(stamp, pid, UNKNOWN, seconds)
        number = int(how[1])
    except (ValueError, IndexError):
        return None
    if how[0] == b"exit" and 0 <= number <= 255:
        return Death(stamp, pid, number << 8, seconds)
    if how[0] == b"signal" and 0 < number < CORE - 1:
        return Death(stamp, pid, number | CORE * (how[2:] == [b"core"]), seconds)
    return None


def read(path: bytes, number: int = USUAL) -> list[Death]:
    """Return the last ``number`` deaths in the file, the latest one last; none if it isn't there.

    Raises ``OSError`` if it can't be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | names.AT_ONCE)
    except FileNotFoundError:
        return []
    try:
        return _last(fd, _size(fd), number)
    finally:
        os.close(fd)


def tally(path: bytes, number: int = USUAL) -> tuple[int, list[Death]]:
    """Return how many deaths there were, and the last ``number`` of these as :func:`read` does.

    Those that are no longer in the file are counted. All is of one moment. Raises ``OSError`` if
    it can't be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | names.AT_ONCE)
    except FileNotFoundError:
        return 0, []
    try:
        size = _size(fd)
        return sum(_counted(fd, size)), _last(fd, size, number)
    finally:
        os.close(fd)


def _size(fd: int) -> int:
    """Return how many bytes of the file are whole lines."""
    return os.lseek(fd, 0, os.SEEK_END) // LENGTH * LENGTH


def _counted(fd: int, size: int) -> tuple[int, int]:
    """Return how many deaths are no longer in the file, and how many are."""
    lines = size // LENGTH
    first = os.pread(fd, LENGTH, 0)
    number = first.removeprefix(BEFORE).strip()
    if len(first) < LENGTH or not first.startswith(BEFORE) or not number.isdigit():
        return 0, lines
    return min(int(number), ENDLESS), lines - 1


def _last(fd: int, size: int, number: int) -> list[Death]:
    start = max(0, size - number * LENGTH)
    os.lseek(fd, start, os.SEEK_SET)
    data = os.read(fd, size - start)
    lines = [data[at : at + LENGTH] for at in range(0, len(data), LENGTH)]
    return [death for death in map(parse, lines) if death]


def add(path: bytes, new: bytes, death: Death, number: int = USUAL) -> None:
    """Append a death to the file at ``path``, of which ``number`` lines are to be kept.

    When it has twice as many it is made again, as the file ``new``. Raises ``OSError``.
    """
    if not number:
        return
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o644)
    try:
        size = _size(fd)
        before, lines = _counted(fd, size)
        if lines < 2 * number:
            os.pwrite(fd, death.line(), size)
            return
        kept = [*_last(fd, size, number - 1), death]
    finally:
        os.close(fd)
    gone = BEFORE + b"%d" % (before + lines + 1 - len(kept))
    fd = os.open(new, flags | os.O_TRUNC, 0o644)
    try:
        os.write(fd, gone.ljust(LENGTH - 1) + b"\n" + b"".join(one.line() for one in kept))
    finally:
        os.close(fd)
    os.rename(new, path)
