"""Processes: starting a run script, sending it signals, learning that it died.

**Two ways to start.** A supervisor may be killed at any instruction, and the next one must
know every process that runs. If the parent wrote the record of its child there would be a
moment in which the daemon runs unrecorded. So the child writes it, about itself, before it
becomes the daemon; and the flock on the service, which a fork shares and an exec closes,
stays held until then. Whoever gets the lock next finds either the record of a process or
no process. That needs our own code between fork and exec, and forking an interpreter costs
half a millisecond that ``posix_spawn`` does not.

For one service that is nothing; for the thousand that a boot starts it is what makes us
slower than C. So the first scan starts them with ``posix_spawn``, after recording the
intent and its time, and records the pid behind it. A supervisor killed in between, which
can only happen in that first scan, leaves an intent without a pid, and the next one looks
for the process: a session leader, started since, in the service's directory or on its pipe,
or else the orphan with our environment that got the next pid
(``find`` in :mod:`slashservice.supervise.platform.linux`).

**What the daemon inherits** is what it would get from C: the descriptors that were open
when we were started (ours are all close-on-exec), the umask, the soft descriptor limit and
the signals as they were then, a signal mask without SIGCHLD, the environment to the byte.
On purpose it gets two things more: a session of its own, so that one which signals its
process group can't hit the supervisor, and ``/dev/null`` as its input under ``svscan``.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.messages import TROUBLE, complain, message
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory


SECONDS_BETWEEN_LOOKS = 1.0


class Heritage:
    """What every daemon is given: taken down once, when the supervisor starts."""

    def __init__(self, environment: Sequence[bytes], life: bytes, mask: set[int]) -> None:
        self.environment = environment
        self.life = life
        self.mask = mask - {signal_numbers.SIGCHLD}
        self.descriptor_limit: tuple[int, int] | None = None
        """Soft and hard limit to put back, once ``raise_descriptor_limit`` changed it."""
        self.bulk: Bulk | None = None
        """What starts the services while there are many to start at once."""

    def raise_descriptor_limit(self) -> int:
        """Take as many descriptors as we may; return how many that is."""
        before, now = posix.raise_descriptor_limit()
        if before != now:
            self.descriptor_limit = (before, now)
        return now


def reserve_standard_descriptors() -> None:
    """Occupy any of descriptors 0 to 2 that was closed, or our own files would become them.

    What occupies them is closed at an exec, so that a daemon finds them as we did.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if fd > 2:
            os.close(fd)
            return


class Child:
    """A process that we started."""

    def __init__(self, loop: Loop, pid: int, exited: Exited) -> None:
        self.pid = pid
        loop.on_exit(pid, exited)

    def signal(self, number: int) -> None:
        """Send it a signal, if we may. Its pid is its own until we fetch its status."""
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

    def __init__(self, loop: Loop, pid: int, start: int, exited: Exited) -> None:
        self.pid = pid
        self._start = start
        self._loop = loop
        self._exited = exited
        self._fd = -1
        # Not at once: all services are to have their descriptors first.
        loop.after(0, self._watch)

    def signal(self, number: int) -> None:
        """Send it a signal, if we may and it is not dead already."""
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
            self._loop.on_exit(self.pid, self._gone)  # PID 1 may fetch its status first
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


def start(
    loop: Loop, heritage: Heritage, directory: ServiceDirectory, streams: dict[int, int]
) -> int:
    """Run ``./run`` in ``directory``; return its pid. Raises ``OSError`` if there can be none.

    ``streams`` maps the daemon's descriptors to ours.
    """
    if heritage.bulk:
        return heritage.bulk.start(directory, streams)
    # A signal that reached the child before its exec would write into our signal pipe,
    # which it shares: we would take a daemon's TERM for our own.
    before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
    try:
        pid = os.fork()
        if pid == 0:
            _become(loop.inherited, heritage, directory, streams)
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)
    return pid


def _become(
    dispositions: dict[int, int],
    heritage: Heritage,
    directory: ServiceDirectory,
    streams: dict[int, int],
) -> None:
    """In the child: become the daemon, or say why not and end. Never returns."""
    try:
        os.setsid()
        os.chdir(directory.path)
        for theirs, ours in streams.items():
            os.dup2(ours, theirs)
        if heritage.descriptor_limit:
            posix.set_descriptor_limit(*heritage.descriptor_limit)
        directory.record(os.getpid(), heritage.life)
        signals.set_wakeup_fd(-1)
        for number, disposition in dispositions.items():
            signals.signal(number, disposition)
        signals.pthread_sigmask(signals.SIG_SETMASK, heritage.mask)
        pathexec.execute(b"./run", [b"./run"], heritage.environment)
    except OSError as error:
        complain(not_started(directory.name, error))
    finally:
        os._exit(TROUBLE)


class Bulk:
    """Starts many services, one after the other, without a copy of ourselves for each."""

    def __init__(self, loop: Loop, heritage: Heritage) -> None:
        self._heritage = heritage
        self._environment = pathexec.Entries(heritage.environment)
        self._started: list[tuple[ServiceDirectory, int]] = []
        self._ignored = [n for n, was in loop.inherited.items() if was == signals.SIG_IGN]

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
            pid = self._spawn_ignoring(streams) if self._ignored else self._spawn(streams)
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
        """Complete the records: when a process started is slow to learn while it execs."""
        for directory, pid in self._started:
            directory.record(pid, self._heritage.life)

    def _spawn_ignoring(self, streams: dict[int, int]) -> int:
        """Spawn it with the signals ignored that we found ignored, and catch.

        The child takes over what is ignored; a signal that is blocked meanwhile is not lost.
        """
        before = signals.pthread_sigmask(signals.SIG_BLOCK, self._ignored)
        handlers = [(number, signals.signal(number, signals.SIG_IGN)) for number in self._ignored]
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


def bulk(loop: Loop, heritage: Heritage) -> Bulk | None:
    """Return what starts many services faster, if it can be used here."""
    if system.CAN_FIND and pathexec.is_plain(heritage.environment):
        return Bulk(loop, heritage)
    return None


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


def not_started(name: bytes, error: OSError) -> bytes:
    """Compose the complaint that the run script of ``name`` can't be run."""
    return message("supervise", b"fatal", b"unable to start " + name + b"/run", error)
