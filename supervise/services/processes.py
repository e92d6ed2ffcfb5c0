"""Processes: what they inherit, sending them signals, learning that they died.

**What a daemon inherits** is what it would get from C: the descriptors that were open
when we were started (ours are all close-on-exec), the umask, the soft descriptor limit and
the signals as they were then, a signal mask without SIGCHLD, the environment to the byte.
On purpose it gets two things more: a session of its own, so that one which signals its
process group can't hit the supervisor, and ``/dev/null`` as its input under ``svscan``.

How a daemon is started is in :mod:`~slashservice.supervise.services.starters`.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from slashservice.supervise.platform.loop import Exited, Loop

    class Process(Protocol):
        """The process of a service that is up: ours, adopted, or a logger in a log host.

        Whoever makes one gives it a function, which it calls with the wait status when the
        process is dead.
        """

        @property
        def pid(self) -> int:
            """The pid that clients are told."""

        def signal(self, number: int) -> None:
            """Send it a signal, if we may; that it is dead is no trouble."""

        def leave(self) -> None:
            """Let go of it; it runs on."""


SECONDS_BETWEEN_LOOKS = 1.0


class Heritage:
    """What every daemon is given. It is determined once, when the supervisor starts."""

    def __init__(self, environment: Sequence[bytes], life: bytes, mask: set[int]) -> None:
        self.environment = environment
        self.life = life
        self.mask = mask - {signal_numbers.SIGCHLD}
        self.descriptor_limit: tuple[int, int] | None = None
        """Soft and hard limit to give daemons, if ``raise_descriptor_limit`` changed ours."""

    def raise_descriptor_limit(self) -> int:
        """Take as many descriptors as we may; return how many that is."""
        before, now = posix.raise_descriptor_limit()
        if before != now:
            self.descriptor_limit = (before, now)
        return now


def reserve_standard_descriptors() -> None:
    """Open ``/dev/null`` on those of descriptors 0 to 2 that are closed.

    Otherwise our own files would get these numbers. They are closed at an exec, so that a
    daemon finds them as we did.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if fd > 2:
            os.close(fd)
            return


class Child:
    """A process that we started."""

    __slots__ = ("pid",)

    def __init__(self, loop: Loop, pid: int, exited: Exited) -> None:
        self.pid = pid
        loop.on_exit(pid, exited)

    def signal(self, number: int) -> None:
        """Send it a signal, if we may. No other process gets its pid before we fetch its status."""
        assert self.pid > 0, "kill(2) takes 0 and less for groups of processes"
        try:
            os.kill(self.pid, number)
        except OSError:
            pass  # it runs under another account, and we are not root

    def leave(self) -> None:
        """Let go of it; it runs on."""


class Adopted:
    """A process that a supervisor before us started, watched through a pidfd.

    Where there is none (an old kernel, another system, or no descriptor to spare) it is
    looked at once a second. Its exit status can't be known.
    """

    __slots__ = ("_exited", "_fd", "_loop", "_start", "pid")

    def __init__(self, loop: Loop, pid: int, start: int, exited: Exited) -> None:
        self.pid = pid
        self._start = start
        self._loop = loop
        self._exited = exited
        self._fd = -1
        # Later, as the descriptors of the services come first.
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

    def leave(self) -> None:
        """Let go of it; it runs on."""
        self._close()

    def _watch(self) -> None:
        self._open()
        # The pid may have been given to another process before the pidfd was opened.
        if not self._runs():
            self._close()
            self._exited(0)
        elif self._fd >= 0:
            self._loop.on_exit(self.pid, self._gone)  # as PID 1 we may fetch its status first
            self._loop.add(self._fd, lambda: self._gone(0))
        else:
            self._loop.after(SECONDS_BETWEEN_LOOKS, self._watch)

    def _open(self) -> None:
        try:
            self._fd = system.open_process(self.pid)
        except OSError:
            return
        if not posix.has_room(self._fd, posix.descriptor_limit()):
            self._close()

    def _runs(self) -> bool:
        return system.started(self.pid) == self._start

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _gone(self, status: int) -> None:
        self._loop.remove(self._fd)
        self._loop.ignore_exit(self.pid)
        self._close()
        self._exited(status)


def start_command(heritage: Heritage, command: Sequence[bytes], keep: int, null: int) -> int:
    """Start a program of our own, which may have descriptor ``keep``; return its pid.

    It gets what a daemon gets. Raises ``OSError``.
    """
    os.set_inheritable(keep, True)
    try:
        return os.posix_spawn(
            command[0],
            list(command),
            pathexec.Entries(heritage.environment),  # type: ignore[arg-type]
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 0)],
            setsid=system.SPAWNS_SESSIONS,
            setsigmask=heritage.mask,
            setsigdef=signals.IGNORED_BY_PYTHON,
        )
    finally:
        os.set_inheritable(keep, False)
