"""Two ways to start a run script: by ``Forking``, and many at a time in ``Bulk``.

A supervisor may be killed at any instruction, and the next one must know every process that
runs. If the parent wrote the record of its child there would be a moment in which the
daemon runs unrecorded. So the child writes it, about itself, before it becomes the daemon.
The child shares the lock of the service until its exec closes the descriptor. Whoever gets
the lock next finds either the record of a process or no process. That needs
our own code between fork and exec, and forking an interpreter costs half a millisecond that
``posix_spawn`` does not.

For one service that is nothing. For the thousand that a boot starts it is what makes us
slower than C. So the first scan starts them with ``posix_spawn``, after recording the
intent and its time, and records the pid behind it. A supervisor killed in between, which
can only happen in that first scan, leaves an intent without a pid. The next supervisor then
searches ``/proc`` (``find`` in :mod:`slashservice.supervise.platform.linux`). It takes the
session leader, started since, that works in the service's directory or holds its pipe. Failing
that, it takes the first orphan started just after, with a later pid and our environment.

What is handed over is in :mod:`~slashservice.supervise.services.heritage`.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.messages import TROUBLE, complain
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import record
from slashservice.supervise.services import ahead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage

    class Starter(Protocol):
        """A way to start run scripts."""

        def expect(self, folder: bytes, names: Iterable[bytes]) -> None:
            """These entries of ``folder`` may be services that are to be started now."""

        def start(self, directory: ServiceDirectory, streams: dict[int, int]) -> int:
            """Run ``./run`` in ``directory``; return the pid, which is on record.

            ``streams`` maps the daemon's descriptors to ours. Raises ``BlockingIOError`` if
            no process can be had; may raise another ``OSError`` if the script can't be run.
            """

        def end(self) -> None:
            """Nothing more is to be started in this way."""


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


class Forking:
    """Starts a service from a copy of ourselves, which writes the record."""

    def __init__(self, loop: Loop, heritage: Heritage) -> None:
        self._loop = loop
        self._heritage = heritage

    def expect(self, folder: bytes, names: Iterable[bytes]) -> None:
        """There is nothing to prepare."""

    def start(self, directory: ServiceDirectory, streams: dict[int, int]) -> int:
        """Run ``./run`` and return its pid. If it can't be run, the child complains and ends."""
        # A signal that reached the child before its exec would write into our signal pipe,
        # which it shares: we would take a daemon's TERM for our own.
        before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
        try:
            pid = os.fork()
            if pid == 0:
                self._become(directory, streams)
        finally:
            signals.pthread_sigmask(signals.SIG_SETMASK, before)
        return pid

    def end(self) -> None:
        """Nothing is left to do."""

    def _become(self, directory: ServiceDirectory, streams: dict[int, int]) -> None:
        """In the child: become the daemon, or say why not and end. Never returns."""
        heritage = self._heritage
        try:
            os.setsid()
            os.chdir(directory.path)
            for theirs, ours in streams.items():
                os.dup2(ours, theirs)
            if heritage.descriptor_limit:
                posix.set_descriptor_limit(*heritage.descriptor_limit)
            directory.record(os.getpid(), heritage.life)
            signals.set_wakeup_fd(-1)
            for number, disposition in self._loop.inherited.items():
                signals.signal(number, disposition)
            signals.pthread_sigmask(signals.SIG_SETMASK, heritage.mask)
            pathexec.execute(b"./run", [b"./run"], heritage.environment)
        except OSError as error:
            complain(directory.not_started(error))
        finally:
            os._exit(TROUBLE)


class Bulk:
    """Starts many services, one after the other, by ``posix_spawn``, and keeps the records."""

    def __init__(self, loop: Loop, heritage: Heritage) -> None:
        self._loop = loop
        self._heritage = heritage
        self._environment = pathexec.Entries(heritage.environment)
        self._started: list[tuple[ServiceDirectory, int]] = []

    def expect(self, folder: bytes, names: Iterable[bytes]) -> None:
        """Have another process make the files of these services, if they are fresh."""
        ahead.make([os.path.join(folder, name) for name in sorted(names) if name[:1] != b"."])

    def start(self, directory: ServiceDirectory, streams: dict[int, int]) -> int:
        """Run ``./run`` and return its pid. Raises ``OSError`` also if it can't be run."""
        life = self._heritage.life
        intent = record.intent(life)
        directory.record_intent(intent)
        limit = self._heritage.descriptor_limit
        if limit:
            posix.set_descriptor_limit(*limit)
        try:
            os.chdir(directory.path)
            pid = self._spawn_ignoring(streams)
        except BaseException:
            directory.record(0, life)
            raise
        finally:
            os.chdir("/")
            if limit:
                posix.set_descriptor_limit(limit[1], limit[1])
        intent.pid = pid
        directory.record_intent(intent)
        self._started.append((directory, pid))
        return pid

    def end(self) -> None:
        """Complete the records. While a process execs, its start time is slow to read."""
        for directory, pid in self._started:
            directory.record(pid, self._heritage.life)

    def _spawn_ignoring(self, streams: dict[int, int]) -> int:
        """Spawn it while we ignore the signals that were ignored when we were started.

        We catch them, but the child inherits what is ignored. They are blocked meanwhile, so
        that none is lost to us.
        """
        ignored = [n for n, was in self._loop.inherited.items() if was == signals.SIG_IGN]
        if not ignored:
            return self._spawn(streams)
        before = signals.pthread_sigmask(signals.SIG_BLOCK, ignored)
        handlers = [(number, signals.signal(number, signals.SIG_IGN)) for number in ignored]
        try:
            return self._spawn(streams)
        finally:
            for number, handler in handlers:
                signals.signal(number, handler)
            signals.pthread_sigmask(signals.SIG_SETMASK, before)

    def _spawn(self, streams: dict[int, int]) -> int:
        return os.posix_spawn(
            b"./run",
            [b"./run"],
            self._environment,  # type: ignore[arg-type]
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams.items()],
            setsid=True,
            setsigmask=self._heritage.mask,
            setsigdef=signals.IGNORED_BY_PYTHON,
        )


def for_first_scan(loop: Loop, heritage: Heritage) -> Starter:
    """Return the fastest way to start many services that can be used here."""
    if system.CAN_FIND and pathexec.is_plain(heritage.environment):
        return Bulk(loop, heritage)
    return Forking(loop, heritage)
