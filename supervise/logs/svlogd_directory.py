"""A log directory of svlogd: as multilog's, but for what is told apart here.

- A full ``current`` is marked as complete, renamed to ``@LABEL.s`` in one step, and followed by a
  new one. Where there is a processor it is called ``@LABEL.u`` first, and the processor runs
  beside the logger (:mod:`~slashservice.supervise.logs.background`).
- A ``current`` that is not marked as complete at the start becomes ``@LABEL.u``, and stays so.
- Of too many files one is removed at each rotation.
- The file ``config`` is read at the start and again at HUP.
"""

from __future__ import annotations

import errno
import os
import time

from slashservice.supervise import tai
from slashservice.supervise.logs.action_script import DELETE
from slashservice.supervise.logs.background import Background
from slashservice.supervise.logs.dropped import NO_SPACE
from slashservice.supervise.logs.folder import COMPLETE, COMPLETE_BIT, UNDER_WAY, Folder, Step
from slashservice.supervise.logs.logdir import LogDirectory
from slashservice.supervise.logs.no_journal import NoJournal
from slashservice.supervise.logs.retention import Finished
from slashservice.supervise.logs.steps import Pause, Wait
from slashservice.supervise.logs.svlogd_config import SvlogdConfig
from slashservice.supervise.logs.svlogd_words import SvlogdAttempts, inform
from slashservice.supervise.messages import complain, message, warn
from slashservice.supervise.tai import LABEL_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.journal import Journal
    from slashservice.supervise.logs.steps import Steps

NAME_LENGTH = LABEL_LENGTH + 2

LONGEST_CONFIG = 1 << 20
"""Bytes of a configuration that are read."""

UNPROCESSED = b".u"

UNDONE = b".t"
"""The suffix of what a processor has not finished."""

WITHOUT = NoJournal()


class OldFiles(Finished):
    """The old files of ``folder``; one of too many is removed for each that is added.

    Only finished ones count. What has not been processed, or not been closed, stays.
    """

    __slots__ = ("_attempts", "_verbose")

    def __init__(
        self, folder: Folder, number: int, attempts: SvlogdAttempts, verbose: bool
    ) -> None:
        super().__init__(folder, number or 1 << 62, 1)
        self._attempts = attempts
        self._verbose = verbose

    def names(self) -> list[bytes]:
        """Return their names, oldest first; remove what a processor has left of its own."""
        found = []
        for name in self._folder.names():
            if name[:1] == b"@" and len(name) == NAME_LENGTH:
                if name.endswith(UNDONE):
                    self._folder.remove_if_possible(name)
                else:
                    found.append(name)
        return sorted(found)

    def _counted(self, names: list[bytes]) -> list[bytes]:
        return [name for name in names if not name.endswith(UNPROCESSED)]

    def _remove(self, name: bytes) -> None:
        if self._verbose:
            inform(b"delete: %s/%s" % (self._attempts.name, name))
        try:
            self._folder.remove(name)
        except FileNotFoundError:
            raise
        except OSError as error:
            warn("svlogd", b"unable to unlink oldest logfile: " + self._attempts.name, error)


class SvlogdDirectory(LogDirectory):
    """The log directory ``path``, output ``number`` of a logger that keeps ``journal``.

    ``config`` is what its configuration says, and ``text`` that as it stands there. ``longest``
    characters of a line count.
    """

    __slots__ = ("_due", "_longest", "_said", "_verbose", "config", "processor", "text")

    def __init__(
        self,
        path: bytes,
        journal: Journal | NoJournal,
        number: int,
        longest: int,
        verbose: bool,
    ) -> None:
        self._said = SvlogdAttempts(path)
        self.text = b""
        self.config = SvlogdConfig()
        super().__init__(path, self.config, journal, number, self._said)
        self._longest = longest
        self._verbose = verbose
        self._due = 0.0
        """When ``current`` is to be finished for its age, by the monotonic clock."""
        self.processor: Background | None = None

    @property
    def is_open(self) -> bool:
        """Whether lines can be written to it."""
        return self._fd >= 0

    def look_ahead(self, base: int) -> None:
        """Know the configuration before the directory, seen from ``base``, is opened."""
        try:
            self.text = _text(self._path + b"/config", base)
        except OSError:
            self.text = b""
        self.config = SvlogdConfig(self.text)

    def is_the_same_as(self, other: SvlogdDirectory) -> bool:
        """Tell whether ``other``, which is open, is this very directory."""
        try:
            here = os.stat(self._path, dir_fd=self._base)
            return os.path.samestat(here, os.fstat(other._folder.fd))
        except OSError:
            return False

    def open(self, base: int, seconds: float, again: bool = False) -> Steps[bool]:
        """Open and lock the directory, and read its configuration; tell whether that worked.

        What went wrong is said. Waits as many ``seconds`` for another process that has locked it.
        If it is to be tried ``again``, raises ``BlockingIOError`` then.
        """
        self._base = base
        folder = self._folder
        try:
            folder.open(base)
        except OSError as error:
            self._said.warn(self._trouble_of_opening(base), error)
            return False
        try:
            yield from self.lock.take(seconds)
        except OSError as error:
            folder.close()
            if again and isinstance(error, BlockingIOError):
                raise
            self._said.warn(b"unable to lock directory", error)
            return False
        self._configure()
        return True

    def _trouble_of_opening(self, base: int) -> bytes:
        """Tell what of opening failed: C opens whatever it is, and then goes there."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK, dir_fd=base)
        except OSError:
            return b"unable to open log directory"
        os.close(fd)
        return b"unable to change directory"

    def _configure(self) -> None:
        """Read the configuration."""
        text: bytes | None = None
        try:
            text = _text(b"config", self._folder.fd)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._said.warn(b"unable to read config", error)
        if self._verbose and text is not None:
            inform(b"read: %s/config" % self._path)
        self.text = text or b""
        self.config = config = SvlogdConfig(self.text)
        for what, about in config.complaints:
            complain(message("svlogd", b"warning", what + b": " + about))
        self._finished = OldFiles(self._folder, config.number, self._said, self._verbose)
        self._due = time.monotonic() + config.age

    def enter(self) -> Steps[None]:
        """Tidy the directory, and open ``current``. Close it, and say so, if that is impossible."""
        attempt, folder = self._attempts.attempt, self._folder
        try:
            about = folder.stat(b"current")
        except OSError as error:
            self._said.warn(b"unable to stat current", error)
            folder.close()
            return
        is_new = about is None or (not about.st_mode & COMPLETE_BIT and bool(about.st_size))
        yield from self._tidy()
        yield from attempt(b"unable to open current", self._begin)
        yield from attempt(b"unable to set mode of %s/current", folder.mark, self._fd, UNDER_WAY)
        if self._verbose:
            inform(b"%s: %s/current" % (b"new" if is_new else b"append", self._path))

    def _tidy(self) -> Steps[None]:
        """Put away a ``current`` that was not closed."""
        folder = self._folder
        about = folder.stat(b"current")
        if about and about.st_size and not about.st_mode & COMPLETE_BIT:
            final = self._free_label(b"u") + b".u"
            trouble = b"unable to rename current"
            yield from self._attempts.attempt(trouble, folder.rename, b"current", final)
            yield from self._tell_of(final)

    def _make_ready(self) -> Steps[None]:
        yield from self._tidy()

    def _free_label(self, code: bytes) -> bytes:
        """Return the label of this moment, with which there is no file yet."""
        while True:
            label = tai.label(tai.now())
            if not self._folder.stat(label + b"." + code):
                return label

    def _tell_of(self, name: bytes) -> Steps[None]:
        """Have the oldest file removed if there are too many, now that there is one more."""
        trouble = b"unable to open directory, want rotate"
        yield from self._attempts.attempt(trouble, self._finished.added, name)

    def add(self, data: bytes, before: int = 0) -> Steps[None]:
        """Write ``data``, and rotate where C would.

        ``before`` bytes of the same block were written by a killed logger.
        """
        size = self.config.size
        if not size:
            yield from self._write(data, 0, len(data), before)
            return
        full = size - self._longest if size >= self._longest else size + 1
        done = 0
        while done < len(data):
            if self.size >= size:
                yield from self.turn_over()
            stop = min(len(data), done + size - self.size)
            newline = data.find(b"\n", max(done, done + full - self.size - 1), stop)
            if newline >= 0:
                stop = newline + 1
            yield from self._write(data, done, stop, before)
            done = stop
            if newline >= 0:
                yield from self.turn_over()

    def note(self, text: bytes, before: int) -> Steps[None]:
        """Write a text that is none of the lines, after ``before`` bytes of a block."""
        journal = self._journal
        journal.retract(self._number, before)
        self._journal = WITHOUT
        try:
            yield from self.add(text)
        finally:
            self._journal = journal

    def _make_room(self, error: OSError) -> bool:
        """Remove the oldest file if there is no space, and more of them than need be kept."""
        config = self.config
        if error.errno not in NO_SPACE or config.when_full != DELETE:
            return False
        try:
            names = self._finished.names()
            if len(names) <= config.least:
                return False
            what = b"out of disk space, delete: %s/%s" % (self._path, names[0])
            complain(message("svlogd", b"warning", what))
            return self._finished.remove_one()
        except OSError:
            return False

    def seconds_until_old(self) -> float | None:
        """Return in how many seconds ``current`` is to be finished; None if it never is.

        A time that came while it was empty is passed over.
        """
        age = self.config.age
        if not age or not self.size:
            return None
        late = self._begun - self._due
        if late > 0:
            self._due += age * (late // age + 1)
        return self._due - time.monotonic()

    def turn_over(self, done: int = Step.NOTHING) -> Steps[None]:
        """Finish ``current``, once the processor is done with the one before; begin a new one."""
        yield from self.await_processor()
        if self.config.age and self._due <= time.monotonic():
            self._due = time.monotonic() + self.config.age
        yield from super().turn_over(done)

    def _rename_and_finish(self, done: int) -> Steps[None]:
        """Do the steps behind the first. Raises ``FileNotFoundError`` if a file vanishes."""
        attempt, folder, command = self._attempts.attempt, self._folder, self.config.processor
        yield from attempt(b"unable to set mode of %s/current", folder.mark, self._fd, COMPLETE)
        os.close(self._fd)
        self._fd = -1
        code = b"s" if command is None else b"u"
        label = self._free_label(code)
        final = label + b"." + code
        if self._verbose:
            inform(b"rename: %s/current %s %d" % (self._path, final, self.size))
        yield from attempt(b"unable to rename current", folder.rename, b"current", final)
        yield from attempt(b"unable to create %s/current", self._begin)
        yield from attempt(b"unable to set mode of %s/current", folder.mark, self._fd, UNDER_WAY)
        yield from self._tell_of(final)
        if command is not None:
            yield from self._process(label, command)

    def _process(self, label: bytes, command: bytes) -> Steps[None]:
        trouble = b"unable to change directory, want processor"
        folder = yield from self._attempts.attempt(trouble, self._folder.again)
        self.processor = Background(self._said, folder, label, self._verbose)
        yield from self.processor.start(command)

    def processed(self, status: int) -> Steps[None]:
        """Know that the processor has ended."""
        if self.processor and (yield from self.processor.ended(status)):
            self.processor.release()
            self.processor = None
            self._finished.forget()

    def seconds_until_processed_again(self) -> float | None:
        """Return in how many seconds a processor that failed is run again; None if none did."""
        if not self.processor or self.processor.pid:
            return None
        return self.processor.again_at - time.monotonic()

    def process_again(self) -> Steps[None]:
        """Run the processor that failed again, if the configuration still names one."""
        if self.processor and self.config.processor is not None:
            yield from self.processor.start(self.config.processor)
        elif self.processor:
            self.processor.release()
            self.processor = None

    def await_processor(self) -> Steps[None]:
        """Return once no processor runs, or is to be run again."""
        while self.processor:
            if not self.processor.pid:
                yield Pause(max(0.0, self.processor.again_at - time.monotonic()))
                yield from self.process_again()
                continue
            try:
                status = yield Wait(self.processor.pid)
            except OSError as error:
                self._attempts.complain(b"error waiting for processor", "wait", error)
                status = 1
            yield from self.processed(status)

    def close_cleanly(self) -> Steps[None]:
        """Put ``current`` on disk and mark it as complete; then let go of everything."""
        if not self.is_open:
            return
        if self._verbose:
            inform(b"close: " + self._path)
        yield from super().close_cleanly()

    def release(self) -> None:
        """Let go of everything, as a process that ends at once would."""
        self._folder.unlock()
        super().release()
        self.size = 0


def _text(path: bytes, where: int) -> bytes:
    """Return the content of a file, seen from a directory. Raises ``OSError``."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK, dir_fd=where)
    try:
        parts = []
        length = 0
        while length < LONGEST_CONFIG and (part := os.read(fd, LONGEST_CONFIG)):
            parts.append(part)
            length += len(part)
        return b"".join(parts)
    except BlockingIOError:
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO)) from None
    finally:
        os.close(fd)
