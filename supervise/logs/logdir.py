"""A log directory: ``current``, the files before it, and the ways between.

What is on disk tells at any moment what has happened (``multilog(8)`` describes it):

- ``current`` has mode 0644 while it is written to, 0744 once it is closed and on disk;
- a file that is full goes to disk, becomes ``previous``, gets mode 0744, and is linked to
  its final name ``@LABEL.s`` (where there is a processor, its output ``processed`` is,
  once that has mode 0744);
- whoever opens the directory finds out from these names and modes what was going on, and
  finishes it: what had not got as far as ``.s`` becomes ``.u``.

So each step here is one system call that can be the last, and their order is C's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from slashservice.supervise import tai
from slashservice.supervise.logs.action_script import DELETE, DROP
from slashservice.supervise.logs.c_writes import cut
from slashservice.supervise.logs.folder import Folder
from slashservice.supervise.logs.retention import Finished
from slashservice.supervise.logs.steps import PAUSE, Attempts, Pause
from slashservice.supervise.messages import fatal, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.logs.action_script import Settings
    from slashservice.supervise.logs.journal import Journal
    from slashservice.supervise.logs.steps import Steps
    from slashservice.supervise.messages import Quit

    Intend = Callable[[int, int, int, int], None]

MARGIN = 2000
"""A file whose last line ends within so many bytes of the size is full."""

CLEAN = 0o100
"""The bit of a mode that tells a file which was closed and is on disk."""

NONE = -1

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)

COMPLETE = 0o744
UNDER_WAY = 0o644

LOCK_FIRST = 0.1
LOCK_LAST = 1.0
"""Seconds until a lock that another log host still holds is tried again; doubled each time."""


class LogDirectory:
    """The log directory ``path``."""

    __slots__ = (
        "_attempts",
        "_begun",
        "_cut",
        "_dropped",
        "_fd",
        "_finished",
        "_folder",
        "_lock",
        "_path",
        "_settings",
        "bytes",
    )

    _folder: Folder
    _finished: Finished

    def __init__(self, path: bytes, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._attempts = Attempts("multilog", path)
        self._lock = -1
        self._fd = -1
        """Of ``current``."""
        self.bytes = 0
        """Size of ``current``."""
        self._begun = 0.0
        """When, by the monotonic clock, ``current`` got its first line."""
        self._dropped = NONE
        """Ends of lines that found no space since the last that did."""
        self._cut = False
        """Whether only the beginning of the first of them is there."""

    def acquire(self, base: int, patient: bool) -> Steps[None]:
        """Make and lock the directory, seen from ``base``.

        If it is locked by another process, wait if ``patient``. Trouble ends the program, by
        raising ``Quit``.
        """
        try:
            os.mkdir(self._path, 0o700, dir_fd=base)
        except OSError:
            pass
        trouble = b"unable to open directory %s"
        try:
            self._folder = Folder(self._path, base)
            self._finished = Finished(self._folder, self._settings.number)
            trouble = b"unable to lock directory %s"
            self._lock = self._folder.append_to(b"lock")
            yield from self._acquire_lock(patient)
        except OSError as error:
            raise self._fatal(trouble, error) from None

    def enter(self) -> Steps[None]:
        """Tidy the directory, and open ``current``.

        Any trouble but the kind that C too sits out ends the program, by raising ``Quit``.
        """
        trouble = b"unable to stat %s/current"
        try:
            if self._folder.mode(b"current") & CLEAN:
                trouble = b"unable to append to %s/current"
                self._fd = self._folder.append_to(b"current")
                self.bytes = os.fstat(self._fd).st_size
                # The directory was last changed when the file before was finished.
                age = time.time() - os.fstat(self._folder.fd).st_mtime
                self._begun = time.monotonic() - max(0.0, age)
            else:
                trouble = b"unable to stat %s/processed"
                yield from self._tidy()
                trouble = b"unable to write to %s/state"
                self._folder.empty(b"state")
                trouble = b"unable to write to %s/current"
                self._begin()
            trouble = b"unable to set mode of %s/current"
            os.fchmod(self._fd, UNDER_WAY)
        except OSError as error:
            raise self._fatal(trouble, error) from None

    def settle(self, output: int, journal: Journal) -> None:
        """Let the journal see how far a killed logger's write to this directory got."""
        try:
            names = [b"current", b"previous", *map(os.fsencode, self._finished.names())]
            journal.settle_write(output, self._folder, names)
        except OSError as error:
            raise self._fatal(b"unable to read %s", error) from None

    def _fatal(self, trouble: bytes, error: OSError) -> Quit:
        return fatal("multilog", trouble.replace(b"%s", self._path, 1), error)

    def _acquire_lock(self, patient: bool) -> Steps[None]:
        delay = LOCK_FIRST
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if not patient or error.errno != errno.EWOULDBLOCK:
                    raise
            yield Pause(delay)
            delay = min(2 * delay, LOCK_LAST)

    def _tidy(self) -> Steps[None]:
        """Finish what was going on when the directory was left in the middle of it."""
        folder = self._folder
        folder.remove_if_possible(b"state")
        folder.remove_if_possible(b"newstate")
        if folder.mode(b"processed") & CLEAN:
            folder.remove_if_possible(b"previous")
            yield from self._finish_if_there(b"processed", self._settings.code)
        else:
            folder.remove_if_possible(b"processed")
            yield from self._finish_if_there(b"previous", b"u")
        yield from self._finish_if_there(b"current", b"u")

    def append(
        self,
        data: bytes,
        stretches: Callable[[int], Iterable[tuple[int, bool]]],
        intend: Intend | None = None,
    ) -> Steps[None]:
        """Write ``data``; files become full where C, with these stretches of it, fills them.

        ``stretches`` is told how many bytes fit anyway. ``intend`` is told of each write before
        it is tried: the file's inode number and size, where in ``data`` it begins, and how much
        it is.
        """
        limit = self._settings.size - MARGIN
        done = 0
        if self.bytes + len(data) >= limit:
            at = 0
            for length, divisible in stretches(limit - 1 - self.bytes):
                if self.bytes + at + length - done < limit:
                    at += length
                    continue
                for piece in cut(data, at, at + length) if divisible else (length,):
                    at += piece
                    if self.bytes + at - done >= limit:
                        yield from self._fill(data, done, at - piece, at, intend)
                        done = at
                if self.bytes + len(data) - done < limit:
                    break
        yield from self._write(data, done, len(data), intend)

    def _fill(
        self, data: bytes, done: int, start: int, end: int, intend: Intend | None
    ) -> Steps[None]:
        """Write ``data[done:end]``, from ``start`` a piece that may fill ``current``."""
        size = self._settings.size
        while start < end:
            room = size - self.bytes - (start - done)
            if room <= 0:
                yield from self.turn_over()
                room = size
            stop = min(end, start + room)
            if stop - start >= room - MARGIN:
                newline = data.rfind(b"\n", start, stop)
                stop = newline + 1 if newline >= 0 else stop
            yield from self._write(data, done, stop, intend)
            done = start = stop
            if self.bytes >= size - MARGIN and data[stop - 1] == 0x0A:
                yield from self.turn_over()

    def _write(self, data: bytes, start: int, end: int, intend: Intend | None) -> Steps[None]:
        """Write ``data[start:end]`` to ``current``."""
        view = memoryview(data)
        while start < end:
            if intend:
                intend(os.fstat(self._fd).st_ino, self.bytes, start, end - start)
            try:
                if self._dropped != NONE:
                    self._tell_of_dropped()
                if not self.bytes:
                    self._begun = time.monotonic()
                written = os.write(self._fd, view[start:end])
            except OSError as error:
                if error.errno in NO_SPACE and self._settings.when_full == DROP:
                    self._drop(data, start, end, error)
                    return
                if not self._make_room(error):
                    self._attempts.complain(b"unable to write to %s/current", os.write, error)
                    yield PAUSE
            else:
                self.bytes += written
                start += written

    def _make_room(self, error: OSError) -> bool:
        """Remove the oldest file if that is what to do when there is no space, and there is one."""
        delete = error.errno in NO_SPACE and self._settings.when_full == DELETE
        return delete and self._finished.remove_one()

    def _drop(self, data: bytes, start: int, end: int, error: OSError) -> None:
        """Let ``data[start:end]`` go, for which there is no space."""
        if self._dropped == NONE:
            trouble = b"unable to write to %s/current, dropping lines"
            warn("multilog", trouble.replace(b"%s", self._path, 1), error)
            self._cut = start > 0 and data[start - 1] != 0x0A
            self._dropped = 0
        self._dropped += data.count(b"\n", start, end)

    def _tell_of_dropped(self) -> None:
        """Write down how many lines were dropped. Raises ``OSError`` if there is still no space."""
        notice = b"multilog: dropped %d lines: out of disk space\n" % max(self._dropped, 1)
        if self._cut:
            notice = b"\n" + notice
        written = os.write(self._fd, notice)
        self.bytes += written
        if written < len(notice):
            self._cut = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._dropped = NONE
        self._cut = False

    def seconds_until_old(self) -> float | None:
        """Return how long until ``current`` is so old that it is to be finished; None if never."""
        if not self._settings.age or not self.bytes:
            return None
        return self._begun + self._settings.age - time.monotonic()

    def turn_over(self) -> Steps[None]:
        """Finish ``current``, process it, and go on in a new one."""
        attempt, folder = self._attempts.attempt, self._folder
        yield from attempt(b"unable to write %s/current to disk", os.fsync, self._fd)
        os.close(self._fd)
        self._fd = -1
        trouble = b"unable to rename current to previous in directory %s"
        yield from attempt(trouble, folder.rename, b"current", b"previous")
        yield from attempt(b"unable to create %s/current", self._begin)
        yield from attempt(b"unable to set mode of %s/current", os.fchmod, self._fd, UNDER_WAY)
        trouble = b"unable to set mode of %s/previous"
        yield from attempt(trouble, folder.change_mode, b"previous", COMPLETE)
        if self._settings.processor is not None:
            yield from self._process(self._settings.processor)
            yield from self._finish(b"processed", self._settings.code)
        else:
            yield from self._finish(b"previous", self._settings.code)

    def _begin(self) -> None:
        self._fd = self._folder.append_to(b"current")
        self.bytes = 0

    def _process(self, command: bytes) -> Steps[None]:
        """Make ``processed`` of ``previous``, and a new ``state``."""
        from slashservice.supervise.logs.processor import process

        attempt, folder = self._attempts.attempt, self._folder
        yield from process(self._attempts, folder, command, self._make_room)
        yield from self._secure(b"processed", COMPLETE)
        yield from self._secure(b"newstate", None)
        yield from attempt(b"unable to remove %s/previous", folder.remove, b"previous")
        trouble = b"unable to rename newstate to state in directory %s"
        yield from attempt(trouble, folder.rename, b"newstate", b"state")

    def _secure(self, name: bytes, mode: int | None) -> Steps[None]:
        """Put a file of the processor on disk, and then give it a mode."""
        attempt = self._attempts.attempt
        fd = yield from attempt(b"unable to create %s/" + name, self._folder.append_to, name)
        yield from attempt(b"unable to write %s/" + name + b" to disk", os.fsync, fd)
        if mode:
            yield from attempt(b"unable to set mode of %s/" + name, os.fchmod, fd, mode)
        os.close(fd)

    def _finish_if_there(self, name: bytes, code: bytes) -> Steps[None]:
        """Do :meth:`_finish` if there is such a file, and it has no final name yet."""
        about = yield from self._attempts.attempt(
            b"unable to stat %s/" + name, self._folder.stat, name
        )
        if about and about.st_nlink:
            yield from self._finish(name, code, about.st_nlink == 1)

    def _finish(self, name: bytes, code: bytes, nameless: bool = True) -> Steps[None]:
        """Give the file ``name`` its final name, if it is ``nameless``; remove the oldest."""
        attempt = self._attempts.attempt
        final = b""
        if nameless:
            final = yield from self._link(name, code)
        yield from attempt(b"unable to remove %s/" + name, self._folder.remove, name)
        yield from attempt(b"unable to read %s", self._finished.added, os.fsdecode(final))

    def _link(self, name: bytes, code: bytes) -> Steps[bytes]:
        """Link the file ``name`` to a final name with the time of the attempt; return that."""
        while True:
            final = tai.label(tai.now()) + b"." + code
            try:
                self._folder.link(name, final)
            except OSError as error:
                self._attempts.complain(b"unable to link to %s/" + final, self._link, error)
            else:
                return final
            yield PAUSE

    def close_cleanly(self) -> Steps[None]:
        """Put ``current`` on disk and mark it as complete; then let go of everything."""
        attempt = self._attempts.attempt
        if self._dropped != NONE:
            try:
                self._tell_of_dropped()
            except OSError:
                pass
        yield from attempt(b"unable to write %s/current to disk", os.fsync, self._fd)
        yield from attempt(b"unable to set mode of %s/current", os.fchmod, self._fd, COMPLETE)
        self.release()

    def release(self) -> None:
        """Let go of everything, as a process that ends at once would."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1
        if hasattr(self, "_folder"):
            self._folder.close()
            del self._folder
