"""The log host: all its loggers, and the socket to svscan.

It answers each request of svscan (:mod:`~slashservice.supervise.protocol.loghost`) at once.
Nothing that may block is done in the loop, so that no log can keep svscan waiting for an answer.

TERM has every logger end as soon as it is done with its block. An unfinished line stays in the
journal, for the next logger. svscan sends it to the host that a killed svscan has left.
"""

from __future__ import annotations

import os
import stat

from slashservice.supervise import signal_numbers
from slashservice.supervise.hosting.hosted_logger import HostedLogger, reason
from slashservice.supervise.hosting.workers import SECONDS_UNTIL_STUCK, Workers
from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import NO_JOURNAL, Logger
from slashservice.supervise.logs.svlogd_arguments import hosted_directories
from slashservice.supervise.messages import TROUBLE, Quit, complain, message, warn
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import loghost

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from slashservice.supervise.logs.no_journal import NoJournal

OWN_DESCRIPTORS = 12
"""What the host itself has open, about."""

SECONDS_UNTIL_MORE = 0.01
"""How long until a message is sent again that svscan didn't take at once."""


SVLOGD = b"svlogd"


def descriptors(program: bytes, words: Sequence[bytes]) -> int:
    """Return how many descriptors a logger with the words ``words`` holds.

    These are its input, its directory and its journal; for a log directory the directory, its
    lock and ``current``; and for a status file one. A directory of svlogd may have a socket.
    """
    if program == SVLOGD:
        return loghost.DESCRIPTORS + 4 * len(hosted_directories(words) or words)
    holds = {b".": 3, b"/": 3, b"=": 1}
    return loghost.DESCRIPTORS + sum(holds.get(word[:1], 0) for word in words)


def is_directory(path: bytes, base: int) -> bool:
    """Tell whether there is a directory, seen from the directory ``base``."""
    try:
        return stat.S_ISDIR(os.stat(path, dir_fd=base).st_mode)
    except OSError:
        return False


def _logger(program: bytes, words: Sequence[bytes], journal: Journal | NoJournal) -> Logger:
    """Make the logger that the words say. Raises ``Quit``."""
    if program == SVLOGD:
        from slashservice.supervise.logs.svlogd import SvlogdLogger

        return SvlogdLogger(words, journal)
    return Logger(words, journal)


class LogHost:
    """All loggers, and the socket to svscan."""

    def __init__(self, svscan: socket.socket) -> None:
        self.loop = Loop()
        svscan.setblocking(False)
        self._svscan: socket.socket | None = svscan
        self._unsent: list[bytes] = []
        self._loggers: dict[int, HostedLogger] = {}
        self._held: dict[int, int] = {}
        """How many descriptors each logger may hold."""
        self._children: dict[int, Callable[[int], None]] = {}
        self._workers = Workers()
        self._growing = False
        self._ending = False
        self.loop.add(self._workers.fd, self._workers.settle)
        self.loop.add(svscan.fileno(), self._told)
        self.loop.on_signal(signal_numbers.SIGTERM, self._end)
        self.loop.on_signal(signal_numbers.SIGCHLD, self._look_at_children)

    def _submit(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Let a worker do ``work``, then call ``then``. See to it that there is a free worker."""
        self._workers.submit(work, then)
        if not self._growing:
            self._growing = True
            self.loop.after(SECONDS_UNTIL_STUCK, self._grow)

    def _after_death(self, pid: int, call: Callable[[int], None]) -> None:
        """Call with the wait status of the child ``pid`` once it is dead.

        It may be dead already: a worker has started it.
        """
        self._children[pid] = call
        self.loop.after(0, self._look_at_children)

    def _grow(self) -> None:
        self._workers.settle()  # in case that a worker could not wake us
        self._growing = self._workers.is_at_work
        if self._growing:
            self._workers.grow()
            self.loop.after(SECONDS_UNTIL_STUCK, self._grow)

    def _look_at_children(self) -> None:
        for pid in list(self._children):
            try:
                dead, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                dead, status = pid, 0
            if dead:
                self._children.pop(pid)(status)

    def _told(self) -> None:
        """Do what a message from svscan says, or end with svscan."""
        assert self._svscan is not None
        try:
            message, fds = loghost.is_asked(self._svscan)
        except (BlockingIOError, ConnectionResetError):
            return  # reset: svscan is gone, but we have yet to hear what it asked before
        except loghost.Nonsense:
            warn("loghost", b"svscan asks for something unknown")
            return
        except OSError:
            message, fds = None, []
        if message is None:
            self.loop.remove(self._svscan.fileno())
            self._svscan.close()
            self._svscan = None
            self._unsent.clear()
            self._stop_if_done()
        elif message.word == loghost.START:
            self._start(message, fds)
        else:
            logger = self._loggers.get(message.number)
            if logger:
                logger.signal(message.value)
            self._tell(loghost.SIGNALLED, message.number)

    def _start(self, asked: loghost.Message, fds: list[int]) -> None:
        number, program, argv = asked.number, asked.program, asked.words
        needs = descriptors(program, argv)
        held = OWN_DESCRIPTORS + sum(self._held.values()) + posix.RESERVE
        if not fds or number in self._loggers or held + needs > posix.descriptor_limit():
            loghost.close_all(fds)
            self._tell(loghost.FULL, number)
            return
        self._tell(loghost.STARTED, number)
        stdin, base, *journal = fds

        def report(text: bytes | None) -> None:
            """Tell svscan what keeps the log from being written; None: nothing. Any thread may."""
            words = [loghost.shortened(text)] if text else []
            self._workers.call(lambda: self._tell_of_trouble(number, words))

        missing: list[bytes] = []

        def check(base: int) -> bool:
            """Tell svscan whether all that has to be there is. In a worker, as it may hang."""
            missing.extend(path for path in asked.made if not is_directory(path, base))
            if asked.made and not missing:
                self._workers.call(lambda: self._tell(loghost.READY, number))
            return not missing

        try:
            record = Journal(journal[0], argv) if journal else NO_JOURNAL
            made = _logger(program, argv, record)
        except Exception as error:
            loghost.close_all(fds)
            self._not_made(number, program, error)
            return
        logger = HostedLogger(
            self.loop,
            self._submit,
            self._after_death,
            made,
            stdin,
            base,
            lambda status: self._gone(number, status, bool(missing)),
            report,
            check,
        )
        self._loggers[number] = logger
        self._held[number] = needs
        logger.start()
        if self._ending:
            logger.hand_over()

    def _not_made(self, number: int, program: bytes, error: Exception) -> None:
        """The logger was refused before it began, as for a pattern that is too large."""
        if isinstance(error, Quit):
            line, status = error.line, error.status
            why = reason(error)
        else:
            why, status = repr(error).encode("utf-8", "replace"), TROUBLE
            line = message(program.decode(), b"fatal", why)
        self._tell(loghost.TROUBLE, number, *([loghost.shortened(why)] if why else ()))
        self._submit(lambda: complain(line), lambda: None)
        self._tell(loghost.EXITED, number, b"%d" % (status << 8))

    def _tell_of_trouble(self, number: int, words: list[bytes]) -> None:
        if number in self._loggers:
            self._tell(loghost.TROUBLE, number, *words)

    def _gone(self, number: int, status: int, is_unready: bool) -> None:
        del self._loggers[number]
        del self._held[number]
        if is_unready:
            self._tell(loghost.UNREADY, number)
        else:
            self._tell(loghost.EXITED, number, b"%d" % status)
        self._stop_if_done()

    def _tell(self, word: bytes, number: int, *rest: bytes) -> None:
        """Send svscan a message, now or as soon as it takes more."""
        if self._svscan:
            self._unsent.append(loghost.compose(word, number, *rest))
            if len(self._unsent) == 1:
                self._flush()

    def _flush(self) -> None:
        while self._svscan and self._unsent:
            try:
                self._svscan.send(self._unsent[0])
            except OSError as error:
                if not isinstance(error, ConnectionError):
                    self.loop.after(SECONDS_UNTIL_MORE, self._flush)
                    return
                # It is gone, which we shall hear.
            self._unsent.pop(0)
        self._stop_if_done()

    def _end(self) -> None:
        self._ending = True
        for logger in list(self._loggers.values()):
            logger.hand_over()
        self._stop_if_done()

    def _stop_if_done(self) -> None:
        if not self._loggers and not self._unsent and (self._svscan is None or self._ending):
            self.loop.stop()
