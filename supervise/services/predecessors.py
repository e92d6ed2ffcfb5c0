"""The log hosts of killed svscans, which end when others have taken over from them.

Such a host goes on reading, and holds the pipes of its logs. A service may die at any moment,
and svscan may be killed again: then what is in its pipe is lost, if nobody else holds that. So a
host is sent TERM when svscan has seen all services, and another host has said, for each log that
this one is on record for, that it has the pipe. Before that a request may wait in svscan. The new
loggers wait for the journals, which the old ones let go of as soon as they are done with their
blocks.

**Those on no record.** An svscan that is killed in its first scan has put its own hosts on record
by then, and may not have sent TERM to the host of the svscan before it. When the next one is killed
as early, its host is on no record either, and waits for the journals of the first. Whichever of
them got one would keep it for ever, and the new loggers would wait. So we look who else has the
journals open, again and again until nobody has.
"""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.messages import warn
from slashservice.supervise.platform import flocks
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import names
from slashservice.supervise.services import adoption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.services.directory import ServiceDirectory

SECONDS_TO_TAKE_OVER = 5.0
"""How long a host is kept for logs that can't be started elsewhere, once all are seen."""

SECONDS_TO_HAND_OVER = 5.0
"""How long a host may take to end."""

SECONDS_TO_LET_GO = 2.0
"""How long after a start it is looked who else has the journal; as a rule nobody has by then."""

LOOK_LAST = 64.0
"""Seconds between two such looks at most; they double."""

LITTLE = 1 << 18
"""Bytes of room on a disk that may be too few for a block in a journal."""


class Host:
    """One of them, and the log services that it is on record for."""

    __slots__ = ("awaited", "logs", "pid", "start")

    def __init__(self, pid: int, start: int) -> None:
        self.pid = pid
        self.start = start
        self.logs: list[ServiceDirectory] = []
        self.awaited: set[ServiceDirectory] = set()
        """Those that are about to be started elsewhere."""


class Predecessors:
    """All log hosts that killed svscans have left. ``ours`` returns the pids of our own."""

    def __init__(self, loop: Loop, ours: Callable[[], set[int]], all_is_seen: bool) -> None:
        self._loop = loop
        self._ours = ours
        self._all_is_seen = all_is_seen
        self._known: dict[int, Host] = {}
        """The last of each pid."""
        self._staying: list[Host] = []
        """Those that have yet to be told to end."""
        self._suspects = False
        """Whether there may be some that are on no record."""
        self._needed: set[tuple[int, int]] = set()
        """The journals, by device and inode, that others may have as well as our own loggers."""

    def retire(
        self, pid: int, start: int, log: ServiceDirectory | None = None, goes_on: bool = False
    ) -> None:
        """Have a host end as soon as it may.

        ``log`` is a log service which it may run, and which, if it ``goes_on``, is about to be
        started elsewhere.
        """
        host = self._known.get(pid)
        if host is None or abs(host.start - start) > system.STARTS_VARY_BY:
            host = self._known[pid] = Host(pid, start)
            self._staying.append(host)
            self._suspects = True
            self._loop.after(0, self._end_some)
        if log:
            host.logs.append(log)
            if goes_on:
                host.awaited.add(log)

    def all_is_seen(self) -> None:
        """Know that svscan has opened the pipes of all services."""
        if not self._all_is_seen:
            self._all_is_seen = True
            self._end_some()

    def is_started(self, log: ServiceDirectory) -> None:
        """Know that another host has the pipe of a log service, or that it needs no host."""
        for host in self._staying:
            if log in host.awaited:
                host.awaited.remove(log)
                if not host.awaited:
                    self._loop.after(0, self._end_some)

    def expect(self, journal: int) -> None:
        """A journal is about to be a new logger's: end the hosts that have it, too."""
        if self._suspects or is_held(journal):
            if not self._needed:
                self._retire_later(SECONDS_TO_LET_GO)
            about = os.fstat(journal)
            self._needed.add((about.st_dev, about.st_ino))

    def _retire_later(self, seconds: float) -> None:
        def retire() -> None:
            if self._retire_users():
                self._retire_later(min(2 * seconds, LOOK_LAST))
            else:
                self._suspects = False
                self._needed.clear()

        self._loop.after(seconds, retire)

    def _retire_users(self) -> bool:
        """Retire the hosts that have one of the journals; tell whether there are any."""
        found = list(users(self._needed, self._ours()))
        for pid, start in found:
            self.retire(pid, start)
        return found != []

    def end_all(self) -> None:
        """Tell all to end, as we are about to end, and bring down what they are for."""
        if self._needed:
            self._retire_users()
        for host in list(self._staying):
            self._end(host)

    def _end_some(self) -> None:
        """Tell those to end whom nothing keeps."""
        if not self._all_is_seen:
            return
        for host in list(self._staying):
            if host.awaited or (not host.logs and self._are_any_awaited()):
                self._end_later(host)
            else:
                self._end(host)

    def _are_any_awaited(self) -> bool:
        return any(host.awaited for host in self._staying)

    def _end_later(self, host: Host) -> None:
        self._loop.after(SECONDS_TO_TAKE_OVER, lambda: self._end(host))

    def _end(self, host: Host) -> None:
        if host not in self._staying:
            return
        self._staying.remove(host)
        gone: list[int] = []
        process = adoption.Adopted(self._loop, host.pid, host.start, gone.append)
        # If it is stopped, only a later svscan might see the end of our patience.
        is_stopped = b"T" in system.thread_states(host.pid)
        process.signal(signal_numbers.SIGKILL if is_stopped else signal_numbers.SIGTERM)

        def insist(again: bool = False) -> None:
            if gone:
                return
            logs = [log for log in host.logs if waits_for_space(log.path)]
            if not logs:
                process.signal(signal_numbers.SIGKILL)
                return
            if not again:
                what = b"log host %d, left by another svscan, waits for disk space, and with it "
                warn("svscan", what % host.pid + b", ".join(log.name for log in logs))
            self._loop.after(SECONDS_TO_HAND_OVER, lambda: insist(True))

        self._loop.after(SECONDS_TO_HAND_OVER, insist)


def is_held(journal: int) -> bool:
    """Tell whether some logger still has this journal, newly opened, for its own."""
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(journal, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def waits_for_space(directory: bytes) -> bool:
    """Tell whether a logger of the log service there may have lines that found no room yet.

    It holds the journal, which can't be written, or it could open none.
    """
    path = os.path.join(directory, names.JOURNAL)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        disk = os.fstatvfs(fd)
        return is_held(fd) and disk.f_bavail * disk.f_frsize < LITTLE and disk.f_blocks > 0
    except OSError:
        return False
    finally:
        os.close(fd)


def users(journals: set[tuple[int, int]], ours: set[int]) -> Iterator[tuple[int, int]]:
    """Yield pid and start time of the log hosts, except ``ours``, that have such a file open.

    The journals are known by device and inode.
    """
    others = [pid for pid in flocks.processes() if pid not in ours and is_host(pid)]
    for pid in sorted(flocks.users_of_any(journals, others)):
        try:
            start = system.started(pid)
        except OSError:
            continue
        if start:
            yield pid, start


def is_host(pid: int) -> bool:
    """Tell whether a process calls itself a log host."""
    return any(b"loghost" in word for word in system.words_of(pid))
