"""The log host: all its loggers, and the socket to svscan."""

from __future__ import annotations

import os
import socket

from slashservice.supervise import signal_numbers
from slashservice.supervise.hosting.hosted_logger import HostedLogger
from slashservice.supervise.hosting.workers import SECONDS_UNTIL_STUCK, Workers
from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import NO_JOURNAL, Logger
from slashservice.supervise.platform.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = 1 << 18
"""No message from svscan is longer: an action script as long as a run script can be."""

DESCRIPTORS = 3
"""What comes with a start: the input, the directory, and a file for the journal."""


class LogHost:
    """All loggers, and the socket to svscan."""

    def __init__(self, svscan: socket.socket) -> None:
        self.loop = Loop()
        self._svscan: socket.socket | None = svscan
        self._loggers: dict[bytes, HostedLogger] = {}
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
        self._growing = self._workers.is_behind
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
            data, descriptors, _, _ = socket.recv_fds(self._svscan, MESSAGE, DESCRIPTORS)
        except OSError:
            data, descriptors = b"", []
        words = data.split(b"\0")
        if not data:
            self.loop.remove(self._svscan.fileno())
            self._svscan.close()
            self._svscan = None
            self._stop_if_done()
        elif words[0] == b"start" and len(descriptors) in (DESCRIPTORS - 1, DESCRIPTORS):
            self._start(words[1], words[2:], *descriptors)
        elif words[0] == b"signal" and words[1] in self._loggers:
            self._loggers[words[1]].signal(int(words[2]))

    def _start(
        self, number: bytes, argv: list[bytes], stdin: int, base: int, journal: int = -1
    ) -> None:
        for fd in (stdin, base, journal):
            if fd >= 0:
                os.set_inheritable(fd, False)
        record = Journal(journal, argv) if journal >= 0 else NO_JOURNAL
        logger = HostedLogger(
            self.loop,
            self._submit,
            self._after_death,
            Logger(argv, record),
            stdin,
            base,
            lambda status: self._gone(number, status),
        )
        self._loggers[number] = logger
        logger.start()
        if self._ending:
            logger.signal(signal_numbers.SIGTERM)

    def _gone(self, number: bytes, status: int) -> None:
        del self._loggers[number]
        if self._svscan:
            try:
                self._svscan.send(b"exited\0%b\0%d" % (number, status))
            except OSError:
                pass  # it is gone, or about to be
        self._stop_if_done()

    def _end(self) -> None:
        self._ending = True
        for logger in list(self._loggers.values()):
            logger.signal(signal_numbers.SIGTERM)
        self._stop_if_done()

    def _stop_if_done(self) -> None:
        if not self._loggers and (self._svscan is None or self._ending):
            self.loop.stop()
