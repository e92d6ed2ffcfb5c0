"""A log directory: ``current``, the files before it, and the ways between.

Names and marks tell at any moment how far a logger has got (``multilog(8)`` describes it):

- ``current`` is marked as under way (by mode 0644) while it is written to, and as complete
  (0744) once it is closed and on disk.
- A file that is full goes to disk, becomes ``previous``, is marked as complete, and is linked to
  its final name ``@LABEL.s``. Where there is a processor, its output ``processed`` is marked and
  linked instead.
- Where files get full many times a second, one is marked as complete while it is ``current``, and
  gets its final name at once. That takes half the system calls, and svlogd always does so.
- The next logger that opens the directory finishes what was going on. A file that had not got
  as far as ``.s`` becomes ``.u``.

So each step here is one system call that can be the last one.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.logs.action_script import DELETE, DROP
from slashservice.supervise.logs.c_writes import cut
from slashservice.supervise.logs.dropped import NO_SPACE, Dropped
from slashservice.supervise.logs.folder import COMPLETE, UNDER_WAY, Folder, Step
from slashservice.supervise.logs.lock import FOR_EVER, Lock
from slashservice.supervise.logs.retention import Finished, link_finally
from slashservice.supervise.logs.steps import Attempts
from slashservice.supervise.messages import fatal, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.logs.action_script import Settings
    from slashservice.supervise.logs.journal import Journal
    from slashservice.supervise.logs.no_journal import NoJournal
    from slashservice.supervise.logs.steps import Steps
    from slashservice.supervise.messages import Quit

MARGIN = 2000
"""A file is full when a line ends within so many bytes of the size that is set."""


class LogDirectory:
    """The log directory ``path``, output ``number`` of a logger that keeps ``journal``.

    ``size`` is how many bytes ``current`` has; ``lock`` is the directory's.
    """

    __slots__ = (
        *("_attempts", "_base", "_begun", "_dropped", "_fd", "_finished", "_folder"),
        *("_journal", "_number", "_path", "_settings", "lock", "size"),
    )

    def __init__(
        self,
        path: bytes,
        settings: Settings,
        journal: Journal | NoJournal,
        number: int,
        attempts: Attempts | None = None,
    ) -> None:
        self._path = path
        self._settings = settings
        self._journal = journal
        self._number = number
        self._attempts = attempts or Attempts("multilog", path)
        self._folder = Folder(path)
        self.lock = Lock(self._folder, self._attempts)
        self._finished = Finished(self._folder, settings.number - 1)
        self._base = -1
        self._fd = -1
        """Of ``current``."""
        self.size = 0
        self._begun = 0.0
        """When, by the monotonic clock, ``current`` got its first line."""
        self._dropped = Dropped(self._attempts)

    def acquire(self, base: int, patient: bool) -> Steps[None]:
        """Make and lock the directory, seen from ``base``, which stays open.

        If ``patient``, wait for another process that has locked it. Raises ``Quit`` on any error.
        """
        self._base = base
        self._folder.make(base)
        trouble = b"unable to open directory %s"
        try:
            self._folder.open(base)
            trouble = b"unable to lock directory %s"
            yield from self.lock.take(FOR_EVER if patient else 0.0)
        except OSError as error:
            raise self._fatal(trouble, error) from None

    def enter(self) -> Steps[None]:
        """Tidy the directory, and open ``current``.

        Raises ``Quit`` on any error, except those that C multilog retries for ever.
        """
        folder = self._folder
        trouble = b"unable to stat %s/current"
        try:
            if folder.is_complete(b"current"):
                trouble = b"unable to append to %s/current"
                self._fd, self.size = folder.open_current()
                # The directory was last changed when the file before was finished.
                age = time.time() - folder.last_change()
                self._begun = time.monotonic() - max(0.0, age)
            else:
                trouble = b"unable to stat %s/processed"
                yield from self._tidy()
                trouble = b"unable to write to %s/state"
                folder.empty(b"state")
                trouble = b"unable to write to %s/current"
                self._begin()
            trouble = b"unable to set mode of %s/current"
            folder.mark(self._fd, UNDER_WAY)
        except OSError as error:
            raise self._fatal(trouble, error) from None

    def settle(self) -> None:
        """Let the journal see how far the last write of a killed logger got.

        Raises ``Quit`` if the directory can't be read.
        """
        try:
            names = [b"current", b"previous", *self._finished.names()]
            self._journal.settle_write(self._number, self._folder, names)
        except OSError as error:
            raise self._fatal(b"unable to read %s", error) from None

    def _fatal(self, trouble: bytes, error: OSError) -> Quit:
        return fatal(self._attempts.program, trouble.replace(b"%s", self._path, 1), error)

    def _tidy(self) -> Steps[None]:
        """Finish what the last logger was doing when it ended without closing its log."""
        folder = self._folder
        folder.remove_if_possible(b"state")
        folder.remove_if_possible(b"newstate")
        if folder.is_complete(b"processed"):
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
        before: int = 0,
    ) -> Steps[None]:
        """Write ``data``, and turn over where C would if it wrote these stretches of it.

        ``stretches`` is called with the number of bytes that fit in any case. ``before`` bytes
        of the same block, which come before ``data``, were written by a killed logger.
        """
        limit = self._settings.size - MARGIN
        done = 0
        if self.size + len(data) >= limit:
            at = 0
            for length, divisible in stretches(limit - 1 - self.size):
                if self.size + at + length - done < limit:
                    at += length
                    continue
                stop = at + length
                while at < stop:
                    wanted = done + limit - self.size  # where current would be full
                    at, end = cut(data, at, stop, wanted) if divisible else (at, stop)
                    if end >= wanted:
                        yield from self._fill(data, done, at, end, before)
                        done = end
                    at = end
                if self.size + len(data) - done < limit:
                    break
        yield from self._write(data, done, len(data), before)

    def _fill(self, data: bytes, done: int, start: int, end: int, before: int) -> Steps[None]:
        """Write ``data[done:end]``. The piece from ``start`` on may fill ``current``."""
        size = self._settings.size
        while start < end:
            room = size - self.size - (start - done)
            if room <= 0:
                yield from self.turn_over()
                room = size
            stop = min(end, start + room)
            if stop - start >= room - MARGIN:
                newline = data.rfind(b"\n", start, stop)
                stop = newline + 1 if newline >= 0 else stop
            is_full = self.size + stop - done >= size - MARGIN and data[stop - 1] == 0x0A
            yield from self._write(data, done, stop, before, is_full)
            begin, done, start = done, stop, stop
            if self.size < size - MARGIN or data[stop - 1] != 0x0A:
                continue
            if not os.fstat(self._fd).st_nlink:
                done = start = begin  # it went with the file
                self._journal.retract(self._number, before + begin)
                yield from self._begin_anew()
            elif (step := self._turn_over_at_once()) != Step.BEGUN:
                yield from self.turn_over(step)

    def _write(
        self, data: bytes, start: int, end: int, before: int, is_full: bool = False
    ) -> Steps[None]:
        """Write ``data[start:end]`` to ``current``, which goes aside next if it ``is_full``."""
        view = memoryview(data)
        first = start
        while start < end:
            self._journal.intend(self._number, self._fd, self.size, before + start, end - start)
            try:
                if self._dropped:
                    self.size += self._dropped.tell(self._fd)
                if not self.size:
                    self._begun = time.monotonic()
                written = os.write(self._fd, view[start:end])
            except OSError as error:
                if error.errno in NO_SPACE and self._settings.when_full == DROP:
                    self._dropped.add(data, start, end, error)
                    self.size = os.fstat(self._fd).st_size  # some of a notice may be there
                    return
                if not self._make_room(error):
                    self._attempts.complain(b"unable to write to %s/current", "write", error)
                    yield self._attempts.pause
            else:
                self.size += written
                start += written
                if self._attempts.trouble:
                    self._attempts.succeeded("write")
                if not is_full and not self._folder.has_current():
                    if not os.fstat(self._fd).st_nlink:
                        start = first  # it went with the file
                        self._journal.retract(self._number, before + start)
                    yield from self._begin_anew()
        self._journal.reached(self._number, before + end)

    def _make_room(self, error: OSError) -> bool:
        """Remove the oldest file if there is no space and the settings say so. Tell whether."""
        delete = error.errno in NO_SPACE and self._settings.when_full == DELETE
        return delete and self._finished.remove_one()

    @property
    def trouble(self) -> bytes | None:
        """What keeps lines from being written, or files from being finished; None if nothing."""
        return self._attempts.trouble

    def seconds_until_old(self) -> float | None:
        """Return in how many seconds ``current`` reaches its age; None if it never does."""
        if not self._settings.age or not self.size:
            return None
        return self._begun + self._settings.age - time.monotonic()

    def _turn_over_at_once(self) -> int:
        """Do what :meth:`turn_over` does as long as there is no trouble; return what is done.

        It does nothing where it has not been seen, a moment ago, that the lock is still ours and
        which files are there.
        """
        newest = self._finished.newest
        is_plain = self._settings.processor is None and not self.trouble
        if newest is None or not is_plain or not self.lock.is_trusted:
            return Step.NOTHING
        fd, self._fd = self._fd, -1
        done, self._fd, final = self._folder.turn_over(fd, self._settings.code, newest)
        if done < Step.NAMED:
            return done
        self.size = 0
        try:
            if done == Step.BEGUN:
                self._finished.added(final)
        except OSError:
            return Step.NAMED
        return done

    def turn_over(self, done: int = Step.NOTHING) -> Steps[None]:
        """Finish ``current``: begin a new one, and process and name the old one."""
        attempt, folder = self._attempts.attempt, self._folder
        if not done:
            yield from attempt(b"unable to write %s/current to disk", folder.put_on_disk, self._fd)
        if done or folder.has_current():
            yield from self.lock.keep()
            try:
                return (yield from self._rename_and_finish(done))
            except FileNotFoundError:
                pass
        yield from self._begin_anew()

    def _rename_and_finish(self, done: int) -> Steps[None]:
        """Do the steps that are not done. Raises ``FileNotFoundError`` if a file vanishes."""
        attempt, folder = self._attempts.attempt, self._folder
        if done < Step.NAMED:
            os.close(self._fd)
            self._fd = -1
            trouble = b"unable to rename current to previous in directory %s"
            yield from attempt(trouble, folder.rename, b"current", b"previous")
        if self._fd < 0:
            yield from attempt(b"unable to create %s/current", self._begin)
        trouble = b"unable to set mode of %s/current"
        yield from attempt(trouble, folder.mark, self._fd, UNDER_WAY)
        if done == Step.NAMED:
            yield from attempt(b"unable to read %s", self._finished.added, b"")
            return
        trouble = b"unable to set mode of %s/previous"
        yield from attempt(trouble, folder.mark_closed, b"previous", COMPLETE)
        if (command := self._settings.processor) is not None:
            from slashservice.supervise.logs import processor

            yield from processor.replace(self._attempts, folder, command, self._make_room)
            yield from self._finish(b"processed", self._settings.code)
        else:
            yield from self._finish(b"previous", self._settings.code)

    def _begin_anew(self) -> Steps[None]:
        """Go on where somebody has removed or replaced files, or the whole directory."""
        what = b"files of %s were removed or replaced, going on" % self._path
        warn(self._attempts.program, what)
        if self._fd >= 0:
            if self._folder.has_current():
                return
            os.close(self._fd)
            self._fd = -1
        while True:
            try:
                self._begin()
                break
            except FileNotFoundError:
                yield from self._open_again()
            except OSError as error:
                self._attempts.complain(b"unable to create %s/current", "begin", error)
                yield self._attempts.pause
        self._attempts.succeeded("begin")
        trouble = b"unable to set mode of %s/current"
        yield from self._attempts.attempt(trouble, self._folder.mark, self._fd, UNDER_WAY)

    def _open_again(self) -> Steps[None]:
        """Make, open, lock and tidy the directory, which is gone; or the one in its place."""
        folder = self._folder
        while True:
            folder.close()
            folder.make(self._base)
            try:
                folder.open(self._base)
                yield from self.lock.take(FOR_EVER)
                if not folder.is_complete(b"current"):
                    yield from self._make_ready()
            except OSError as error:
                self._attempts.complain(b"unable to open directory %s", "open", error)
                yield self._attempts.pause
            else:
                self._attempts.succeeded("open")
                return

    def _make_ready(self) -> Steps[None]:
        yield from self._tidy()
        self._folder.empty(b"state")

    def _begin(self) -> None:
        self._fd, self.size = self._folder.open_current()

    def _finish_if_there(self, name: bytes, code: bytes) -> Steps[None]:
        """Do :meth:`_finish` if there is such a file, and it has no final name yet."""
        trouble = b"unable to stat %s/" + name
        links = yield from self._attempts.attempt(trouble, self._folder.links, name)
        if links:
            yield from self._finish(name, code, links == 1)

    def _finish(self, name: bytes, code: bytes, nameless: bool = True) -> Steps[None]:
        """Give the file ``name`` its final name, if it is ``nameless``; remove the oldest."""
        attempt = self._attempts.attempt
        final = b""
        if nameless:
            final = yield from link_finally(self._attempts, self._folder, name, code)
        yield from attempt(b"unable to remove %s/" + name, self._folder.remove_if_there, name)
        yield from attempt(b"unable to read %s", self._finished.added, final)

    def close_cleanly(self) -> Steps[None]:
        """Put ``current`` on disk and mark it as complete; then let go of everything."""
        attempt, folder = self._attempts.attempt, self._folder
        if self._dropped:
            try:
                self._dropped.tell(self._fd)
            except OSError:
                pass
        yield from attempt(b"unable to write %s/current to disk", folder.put_on_disk, self._fd)
        yield from attempt(b"unable to set mode of %s/current", folder.mark, self._fd, COMPLETE)
        self.release()

    def release(self) -> None:
        """Let go of everything, as a process that ends at once would."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._folder.close()
