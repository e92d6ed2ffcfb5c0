"""Adoption: how the daemon of a supervisor that is gone is recognised, and watched over.

A supervisor that was killed leaves the daemon running, its record in the lock file and the
status file. Whoever takes the lock next adopts the daemon if the record is of this life of
the machine, was made for this directory and not for one it is a copy of, and its process still
runs (:mod:`~slashservice.supervise.protocol.record`). Then no other process can be meant. What
is wanted of the service, and whether it is paused, is in the status file.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import names, status
from slashservice.supervise.protocol.deaths import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.protocol.record import Record
    from slashservice.supervise.protocol.status import Status


SECONDS_BETWEEN_LOOKS = 1.0


class Left:
    """What a killed supervisor left: the status, and the process if it still runs.

    ``pid`` is 0 if it does not, and ``dead`` is its pid then. ``start`` is when it started, in the
    unit of ``system.started``. ``hosted`` tells that it is a log host, ``finish`` that it is the
    finish script's, or with neither that one is still to be run. ``notes`` is whether the death
    of ``dead`` may be news.
    """

    __slots__ = ("dead", "finish", "hosted", "notes", "pid", "start", "status")

    def __init__(self, found: Status, record: Record, start: int) -> None:
        self.status = found
        self.pid = record.pid if start else 0
        self.dead = 0 if start else record.pid
        self.start = start
        self.hosted = record.hosted
        self.finish = record.finish
        self.notes = record.notes or found.pid != 0  # an earlier version saw it die


def forget_lines(at: Callable[[bytes], bytes]) -> None:
    """Take away the lines that came with a copy: they are the original's. ``at`` says where."""
    for file in (names.JOURNAL, names.UNREAD, names.DEATHS):
        try:
            os.unlink(at(file))
        except OSError:
            pass


def look(found: Record, path: bytes, status_file: bytes, default: bytes) -> Left:
    """Return what a supervisor left in the service directory ``path``, with the record ``found``.

    The record is of this life of the machine, and was made for this directory. ``default`` is
    what is wanted of a service whose status file says nothing. Raises ``OSError`` if it can't be
    told now: nothing is to be started then.
    """
    found.find(path)
    start = found.runs()
    pid = found.pid if start else 0
    try:
        said = status.unpack(status.read(status_file))
    except OSError as error:
        if posix.may_pass(error):
            raise
        said = None
    if said is None or said.want not in (b"u", b"d", b"\0"):
        said = status.Status(tai.now(), pid, False, default)
    return Left(said, found, start)


class Adopted:
    """A process that a supervisor before us started, watched through a pidfd.

    Where there is none (an old kernel, another system, or no descriptor to spare) it is
    looked at once a second. How it ended is told as far as the kernel tells those who are not the
    parent (``system.exit_status``). ``later`` calls back when no service is to have the descriptor
    first; of itself that is in the loop's next round.
    """

    __slots__ = ("_exited", "_fd", "_loop", "_start", "pid")

    def __init__(
        self,
        loop: Loop,
        pid: int,
        start: int,
        exited: Exited,
        later: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self.pid = pid
        self._start = start
        self._loop = loop
        self._exited = exited
        self._fd = -1
        if later:
            later(self._watch)
        else:
            loop.after(0, self._watch)

    def signal(self, number: int) -> None:
        """Send it a signal, if we may and it is not dead already."""
        assert self.pid > 0, "kill(2) takes 0 and less for groups of processes"
        try:
            if self._fd >= 0:
                system.signal_process(self._fd, number)
            elif self._runs():
                os.kill(self.pid, number)
        except OSError:
            pass

    def kill_group(self) -> None:
        """Send KILL to it and to all others of its process group, which it leads."""
        try:
            if self._runs():
                os.killpg(self.pid, signal_numbers.SIGKILL)
        except OSError:
            pass
        self.signal(signal_numbers.SIGKILL)

    def leave(self) -> None:
        """Let go of it; it runs on."""
        if self._fd >= 0:
            self._loop.remove(self._fd)
            self._loop.ignore_exit(self.pid)
        self._close()

    def _watch(self) -> None:
        self._open()
        # The pid may have been given to another process before the pidfd was opened.
        try:
            runs = self._runs()
        except OSError:
            if self._fd >= 0:
                self._loop.remove(self._fd)
            self._close()
            self._loop.after(SECONDS_BETWEEN_LOOKS, self._watch)
            return
        if not runs:
            if self._fd >= 0:
                self._loop.remove(self._fd)
            status = self._status()
            self._close()
            self._exited(status)
        elif self._fd >= 0:
            self._loop.on_exit(self.pid, self._gone)  # as PID 1 we may fetch its status first
        else:
            self._loop.after(SECONDS_BETWEEN_LOOKS, self._watch)

    def _open(self) -> None:
        try:
            self._fd = system.open_process(self.pid)
        except OSError:
            return
        if not posix.has_room(self._fd, posix.descriptor_limit()):
            self._close()
            return
        try:
            self._loop.add(self._fd, lambda: self._gone(self._status()))
        except OSError:  # the kernel can't watch one more
            self._close()

    def _runs(self) -> bool:
        start = system.started(self.pid)
        return start > 0 and abs(start - self._start) <= system.STARTS_VARY_BY

    def _status(self) -> int:
        """Return its wait status, or ``UNKNOWN``."""
        if self._fd < 0:
            return UNKNOWN
        try:
            return system.exit_status(self._fd, self.pid, self._start)
        except OSError:
            return UNKNOWN

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _gone(self, status: int) -> None:
        self._loop.remove(self._fd)
        self._loop.ignore_exit(self.pid)
        self._close()
        self._exited(status)
