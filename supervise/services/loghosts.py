"""Hosted logs: log services that run inside a log host instead of a process each.

A log service whose run script is plain (:mod:`~slashservice.supervise.scripts.run_script`) is run
by a *log host*, one process per account, or more where descriptors are few. ``exec 2>&1`` in it
asks for a host that complains there, unless it means nothing here. What the script prepares is done
before (:mod:`~slashservice.supervise.services.preparation`). To its supervisor a hosted logger is a
process like any other: it has a pid (the host's), takes signals, and exits.

:mod:`~slashservice.supervise.services.loghost` is one host as svscan sees it. A host whose
svscan is killed goes on. The next svscan starts new loggers in a new host, then sends TERM to the
old one (:mod:`~slashservice.supervise.services.predecessors`). Its loggers finish their blocks and
let go of their directories. Their successors wait for that. If it does not end it is killed.

Where hosts of an account don't work, its logs are run as they are written, for a while.
"""

from __future__ import annotations

import errno
import os
import stat

from slashservice.supervise import signal_numbers
from slashservice.supervise.protocol import names
from slashservice.supervise.services import log_script, trouble
from slashservice.supervise.services.account_numbers import AccountNumbers
from slashservice.supervise.services.loghost import Host
from slashservice.supervise.services.predecessors import Predecessors
from slashservice.supervise.services.preparation import Preparation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.account_numbers import Numbers
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage
    from slashservice.supervise.services.remote_logger import RemoteLogger

    Whose = tuple[bytes | None, Numbers | None, int]
    """An account and its numbers, and the descriptor of ours that complaints go to.

    None stands for our own account, and for unknown numbers.
    """

NO_MESSAGES = (errno.EPROTONOSUPPORT, errno.EPROTOTYPE)
"""The errors of a system whose local sockets keep no messages apart; macOS is one."""

SECONDS_AS_WRITTEN = 60.0
"""How long logs are run as they are written when their host does not work.

A host that was replaced works if no other was replaced in that time before it.
"""

FOR_EVER = float("inf")


class LogHosts:
    """All log hosts of an svscan, which may have begun with all services."""

    def __init__(self, loop: Loop, heritage: Heritage, null: int, all_is_seen: bool = True) -> None:
        self._loop = loop
        self._heritage = heritage
        self._null = null
        self._numbers = AccountNumbers()
        self._hosts: dict[Whose, list[Host]] = {}
        self._as_written: dict[Whose | bytes, float] = {}
        """Until when logs are run as written: those of an account, or in a directory."""
        self._preparing: set[Preparation] = set()
        self._replaced: dict[Whose, float] = {}
        """When a host was replaced last."""
        self.predecessors = Predecessors(loop, self._pids, all_is_seen)
        self.takes = True
        """Whether they take any logs at all."""

    def start(
        self, directory: ServiceDirectory, stdin: int, exited: Exited
    ) -> RemoteLogger | Preparation | None:
        """Run the log service in a host; None if it has to be run as it is written.

        Raises ``OSError`` if the host can't be started.
        """
        logger = self._start(directory, stdin, exited) if self.takes else None
        if logger is None:
            self.predecessors.is_started(directory)
            trouble.forget(directory)
        return logger

    def _start(
        self, directory: ServiceDirectory, stdin: int, exited: Exited
    ) -> RemoteLogger | Preparation | None:
        wanted = log_script.read(directory, self._heritage.environment)
        if wanted is None:
            return None
        whose = (wanted.account, self._numbers.of(wanted.account), wanted.complaints)
        if self._is_run_as_written(whose) or self._is_run_as_written(directory.path):
            return None
        opened: list[int] = []
        try:
            opened.append(os.open(directory.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            journal = _journal(directory.at(names.JOURNAL))
            opened += journal
            for fd in journal:
                self.predecessors.expect(fd)
            host = self._host(whose)
            if host is None:
                return None
            descriptors = [stdin, *opened]
            if not wanted.before:
                return host.start(directory, wanted.program, wanted.actions, descriptors, exited)
            preparation = Preparation(
                self._loop, self._heritage, host, directory, wanted, descriptors, exited
            )
            self._preparing.add(preparation)
            preparation.ended = self._preparing.discard
            return preparation
        finally:
            for fd in opened:
                os.close(fd)

    def _host(self, whose: Whose) -> Host | None:
        """Return a host that takes loggers; None if there can be none. Raises ``OSError``."""
        for host in self._hosts.get(whose, ()):
            if not host.is_closed and not host.is_full:
                return host

        def ended(host: Host, status: int) -> None:
            self._ended(whose, host, status)

        calls = (ended, self._full, self.predecessors.is_started)
        try:
            host = Host(self._loop, self._heritage, self._null, whose[0], whose[2], *calls)
        except OSError as error:
            if error.errno not in NO_MESSAGES:
                raise
            self._as_written[whose] = FOR_EVER
            return None
        self._hosts.setdefault(whose, []).append(host)
        return host

    def _is_run_as_written(self, which: Whose | bytes) -> bool:
        until = self._as_written.get(which)
        if until is None or self._loop.clock() < until:
            return until is not None
        del self._as_written[which]
        return False

    def _full(self, host: Host, directory: ServiceDirectory) -> None:
        """A host has no descriptors for a log service."""
        host.is_full = True
        if host.is_idle:  # nor would another have
            self._as_written[directory.path] = self._loop.clock() + SECONDS_AS_WRITTEN

    def has(self, pid: int) -> bool:
        """Tell whether one of the hosts has this pid."""
        return pid in self._pids()

    def _pids(self) -> set[int]:
        return {host.pid for hosts in self._hosts.values() for host in hosts}

    def kill(self, pid: int) -> bool:
        """Kill the host with this pid, and with it all its loggers; tell whether it is one."""
        found = self.has(pid)
        if found:
            for preparation in self._preparing:
                if preparation.pid == pid:
                    preparation.kill()
            try:
                os.kill(pid, signal_numbers.SIGKILL)
            except OSError:
                pass  # it is dead, and we are about to hear of it
        return found

    def _ended(self, whose: Whose, host: Host, status: int) -> None:
        hosts = self._hosts[whose]
        hosts.remove(host)
        if not hosts:
            del self._hosts[whose]
        now = self._loop.clock()
        works = not (os.WIFEXITED(status) and os.WEXITSTATUS(status))
        if host.is_replaced:
            works = self._replaced.get(whose, -FOR_EVER) + SECONDS_AS_WRITTEN < now
            self._replaced[whose] = now
        if not works:
            self._as_written[whose] = now + SECONDS_AS_WRITTEN


def _journal(path: bytes) -> list[int]:
    """Open the file for a journal, as the host's account may not; return nothing on failure."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except OSError:
        return []
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return [fd]
    except OSError:
        pass
    os.close(fd)
    return []
