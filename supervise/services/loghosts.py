"""Hosted logs: log services that run inside a log host instead of a process each.

A log service whose run script says nothing but ``exec [setuidgid ACCOUNT] multilog ...`` in
plain words (:mod:`~slashservice.supervise.logs.run_script`) is run by a *log host*, one process
per account. ``exec 2>&1`` may be before it, if that means nothing here. To its supervisor a
hosted logger is a process like any other: it has a pid (the host's), takes signals, and exits.

svscan talks to a host over a socket pair, in messages of NUL-separated words: ``start ID
ARG...`` with the logger's input, its directory and its journal as descriptors, ``signal ID
NUMBER``, and back ``exited ID STATUS``. A host whose svscan is killed goes on. The next
svscan opens all pipes, then sends it TERM. Its loggers finish at the end of a line and let go
of their directories. Their successors, in a new host, wait for that.
"""

from __future__ import annotations

import errno
import os
import socket
import stat

from slashservice.supervise import signal_numbers
from slashservice.supervise.chain import environment, in_process, launchers, pathexec
from slashservice.supervise.logs import run_script
from slashservice.supervise.protocol import names
from slashservice.supervise.services import adoption
from slashservice.supervise.services.heritage import start_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage


MESSAGE = 4096
"""No message from a host is longer."""

NO_MESSAGES = (errno.EPROTONOSUPPORT, errno.EPROTOTYPE)
"""The errors of a system whose local sockets keep no messages apart; macOS is one."""

SECONDS_UNTIL_MORE = 0.01
"""How long until a message is sent again that a host didn't take at once."""

SECONDS_OF_IDLENESS = 5.0
"""How long a host without loggers is kept."""


class RemoteLogger:
    """A logger inside a host: the process of a log service that has none of its own."""

    __slots__ = ("_host", "_number", "pid")

    def __init__(self, host: Host, number: bytes) -> None:
        self.pid = host.pid
        self._host = host
        self._number = number

    def signal(self, number: int) -> None:
        """Have the logger do what its own process would do at this signal."""
        self._host.send(b"signal", self._number, b"%d" % number)

    def leave(self) -> None:
        """Let go of it; it runs on."""


class Host:
    """The log host of one account (None: of our own)."""

    def __init__(
        self,
        loop: Loop,
        heritage: Heritage,
        null: int,
        account: bytes | None,
        ended: Callable[[Host, int], None],
    ) -> None:
        self.account = account
        self._loop = loop
        self._ended = ended
        self._loggers: dict[bytes, Exited] = {}
        self._backlog: list[tuple[bytes, list[int]]] = []
        self._count = 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        command = [*launchers.command("loghost"), b"%d" % theirs.fileno()]
        if account is not None:
            command = [*launchers.command("setuidgid"), account, *command]
        try:
            self.pid = start_command(heritage, command, theirs.fileno(), null)
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        loop.add(self._socket.fileno(), self._heard)
        loop.on_exit(self.pid, self._died)

    def start(self, argv: list[bytes], descriptors: Sequence[int], exited: Exited) -> RemoteLogger:
        """Start a logger; ``descriptors`` are its input, its directory and its journal."""
        self._count += 1
        number = b"%d" % self._count
        self._loggers[number] = exited
        self.send(b"start", number, *argv, descriptors=descriptors)
        return RemoteLogger(self, number)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more messages: it is ending, or has ended."""
        return self._socket.fileno() < 0

    @property
    def is_idle(self) -> bool:
        """Whether no logger is left in it."""
        return not self._loggers

    def send(self, *words: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send a message, now or as soon as the host takes more."""
        self._backlog.append((b"\0".join(words), [os.dup(fd) for fd in descriptors]))
        if len(self._backlog) == 1:
            self._flush()

    def close(self) -> None:
        """Let the host end, once its loggers have."""
        if not self.is_closed:
            self._loop.remove(self._socket.fileno())
            self._socket.close()
        while self._backlog:
            self._drop()

    def _flush(self) -> None:
        while self._backlog:
            data, descriptors = self._backlog[0]
            try:
                socket.send_fds(self._socket, [data], descriptors)
            except BlockingIOError:
                self._loop.after(SECONDS_UNTIL_MORE, self._flush)
                return
            except OSError:
                pass  # it has ended or is dying, and its loggers with it
            self._drop()

    def _drop(self) -> None:
        """Forget the first message."""
        for fd in self._backlog.pop(0)[1]:
            os.close(fd)

    def _heard(self) -> None:
        try:
            data = self._socket.recv(MESSAGE)
        except OSError:
            data = b""
        if not data:
            self.close()  # its death is reported by the loop
            return
        word, number, status = data.split(b"\0")
        exited = self._loggers.pop(number, None)
        if word == b"exited" and exited:
            exited(int(status))
        if self.is_idle:
            self._loop.after(SECONDS_OF_IDLENESS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.is_idle:
            self.close()

    def _died(self, status: int) -> None:
        self.close()
        self._ended(self, status)
        loggers, self._loggers = self._loggers, {}
        for exited in loggers.values():
            exited(status)


class LogHosts:
    """All log hosts of an svscan."""

    def __init__(self, loop: Loop, heritage: Heritage, null: int) -> None:
        self._loop = loop
        self._heritage = heritage
        self._null = null
        self._hosts: dict[bytes | None, Host] = {}
        self._unusable: set[bytes | None] = set()
        self._retired: set[tuple[int, int]] = set()

    def start(self, directory: ServiceDirectory, stdin: int, exited: Exited) -> RemoteLogger | None:
        """Run the log service in a host; None if it has to be run as it is written.

        Raises ``OSError`` if the host can't be started.
        """
        wanted = self._plain(directory)
        if wanted is None:
            return None
        host = self._hosts.get(wanted.account)
        if host is None or host.is_closed:
            try:
                host = Host(self._loop, self._heritage, self._null, wanted.account, self._ended)
            except OSError as error:
                if error.errno not in NO_MESSAGES:
                    raise
                self._unusable.add(wanted.account)
                return None
            self._hosts[wanted.account] = host
        opened: list[int] = []
        try:
            opened.append(os.open(directory.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            opened += _journal(os.path.join(directory.path, names.JOURNAL))
            return host.start(wanted.actions, [stdin, *opened], exited)
        finally:
            for fd in opened:
                os.close(fd)

    def retire(self, pid: int, start: int) -> None:
        """Have the host of a killed svscan end, as soon as we have opened all its pipes."""
        if (pid, start) not in self._retired:
            self._retired.add((pid, start))
            self._loop.after(0, lambda: self._end(pid, start))

    def _end(self, pid: int, start: int) -> None:
        adoption.Adopted(self._loop, pid, start, lambda status: None).signal(signal_numbers.SIGTERM)

    def _plain(self, directory: ServiceDirectory) -> run_script.Plain | None:
        """Read what the log service runs; None unless it is plain, and ours to run."""
        run = directory.path + b"/run"
        try:
            fd = os.open(run, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                text = os.read(fd, run_script.LONGEST + 1)
            finally:
                os.close(fd)
        except OSError:
            return None
        wanted = run_script.parse(text)
        if wanted is None or wanted.account in self._unusable or not os.access(run, os.X_OK):
            return None
        if wanted.merged and not complaints_go_where_output_goes():
            return None
        for name, word in wanted.programs.items():
            if not self._is_ours(name, word, directory.path):
                return None
        return wanted

    def _is_ours(self, name: str, word: bytes, directory: bytes) -> bool:
        """Tell whether the program named ``word`` in a run script is our command ``name``."""
        path = environment.get(b"PATH", self._heritage.environment)
        for candidate in pathexec.candidates(word, path):
            program = os.path.join(directory, candidate)
            if os.access(program, os.X_OK) and not os.path.isdir(program):
                return in_process.command_at(program) == name
        return False

    def _ended(self, host: Host, status: int) -> None:
        if self._hosts.get(host.account) is host:  # and not one that took its place
            del self._hosts[host.account]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            # It was not killed: it can't work. Run the log services of this account as written.
            self._unusable.add(host.account)


def complaints_go_where_output_goes() -> bool:
    """Tell whether our standard output and error, which a host has from us, are the same file.

    Then ``exec 2>&1`` in a run script changes nothing. So it is under svscanboot, in a terminal,
    and under systemd. A descriptor that was closed at our start is not handed on.
    """
    try:
        same = os.path.sameopenfile(1, 2)
        return same and os.get_inheritable(1) and os.get_inheritable(2)
    except OSError:
        return False


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
