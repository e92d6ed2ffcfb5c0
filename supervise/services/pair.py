"""A service and its log service, with the pipe between them.

The pipe is a FIFO in the service's supervise directory. ``svscan`` holds it open for
reading and for writing, and the daemon gets a descriptor for both: as long as either lives
the kernel keeps what is unread, and nobody is sent SIGPIPE while no logger reads.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from slashservice.supervise.messages import complain, message, warn
from slashservice.supervise.platform import posix
from slashservice.supervise.services.directory import make_fifo
from slashservice.supervise.services.refusal import SECONDS_OF_PATIENCE, Refused
from slashservice.supervise.services.supervised import Supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.services.inode import Inode
    from slashservice.supervise.services.loghosts import LogHosts
    from slashservice.supervise.services.processes import Heritage


SECONDS_TO_RETURN = 5.0
"""A service told to exit whose entry is still there comes back: C rescans as often."""

SECONDS_OF_GRACE = 5.0
"""How long a log service may wait for an end of input that strays of its service hold up."""

RETRY_FIRST = 0.02
RETRY_LAST = 5.0
"""Seconds until a refused directory is tried again; doubled each time."""


class Context:
    """What all services of a supervisor share."""

    def __init__(self, loop: Loop, heritage: Heritage, null: int, limit: int) -> None:
        self.loop = loop
        self.heritage = heritage
        self.null = null
        self.limit = limit
        self._hosts: LogHosts | None = None

    def log_hosts(self) -> LogHosts:
        """Return what runs the log services that need no process of their own."""
        if self._hosts is None:
            from slashservice.supervise.services.loghosts import LogHosts

            self._hosts = LogHosts(self.loop, self.heritage, self.null)
        return self._hosts


class Pair:
    """The service at ``path`` and, if it has one, its log service.

    ``key`` is the directory's device and inode, ``names`` its entries in the scan directory.
    ``active`` tells that the scan directory has an entry for it; without one, a service that
    ends supervision does not come back. ``ended`` is called when neither part is left.
    """

    __slots__ = (
        "_context",
        "_delay",
        "_ended",
        "_has_log",
        "_log",
        "_main",
        "_not_before",
        "_pipe",
        "_said",
        "active",
        "key",
        "name",
        "names",
        "path",
    )

    def __init__(
        self,
        context: Context,
        key: Inode,
        path: bytes,
        name: bytes,
        has_log: bool,
        ended: Callable[[Pair], None],
    ) -> None:
        self._context = context
        self._ended = ended
        self._has_log = has_log
        self._main: Supervised | None = None
        self._log: Supervised | None = None
        self._pipe = (-1, -1)
        self._not_before = 0.0
        self._delay = RETRY_FIRST
        self._said = b""
        self.key = key
        self.path = path
        self.name = name
        self.names = {name}
        self.active = True

    def start(self) -> None:
        """Supervise both parts, as far as they are not yet; try again later where refused."""
        if not self.active:
            return
        try:
            if self._main is None and self._context.loop.clock() >= self._not_before:
                self._start_main()
            if self._has_log and self._log is None:
                self._start_log()
            self._delay = RETRY_FIRST
            self._said = b""
        except Refused as refused:
            self._complain(refused)
            self._context.loop.after(self._delay, self.start)
            self._delay = min(2 * self._delay, RETRY_LAST)

    def drain(self) -> None:
        """Bring the service down, then let its log read all there is, then end."""
        self.active = False
        if self._main:
            self._main.drain()
        self._settle()

    def deactivate(self) -> None:
        """The entry is gone from the scan directory; what runs is still supervised."""
        self.active = False
        self._settle()

    def found(self, name: bytes, path: bytes) -> None:
        """An entry of that name leads to us, by that path; perhaps by the old one no longer."""
        self.names.add(name)
        self.path = path
        if not self.active:
            self.active = True
            self.start()

    def attach_log(self) -> None:
        """If the service has got a log directory since it began, begin again with a log."""
        if self._has_log or not os.path.exists(self.path + b"/log"):
            return
        self._has_log = True
        if self._main is None:
            return  # it will find the log when it begins
        try:
            self._open_pipe()
        except OSError as error:
            self._has_log = False
            warn("svscan", b"unable to create pipe for " + self.name, error)
            return
        self._main.streams[1] = self._pipe[1]
        self._main.restart()
        self.start()

    def leave(self) -> None:
        """Let go of both at once; they run on."""
        for part in (self._main, self._log):
            if part:
                part.leave()

    def is_still_there(self, path: bytes) -> bool:
        """Tell whether the directory at ``path`` is the one we supervise, not a new one."""
        return self._main is None or self._main.directory.holds_lock_in(path)

    def _part(self, path: bytes, name: bytes, forgotten: Callable[[], None]) -> Supervised:
        context = self._context
        return Supervised(context.loop, context.heritage, path, name, {}, forgotten, self._unread)

    def _start_main(self) -> None:
        main = self._part(self.path, self.name, self._main_forgotten)
        begin = main.acquire(self._context.limit)
        try:
            if self._has_log:
                self._open_pipe()
        except OSError as error:
            main.directory.release()
            what = b"unable to create pipe for " + self.name
            raise Refused(message("svscan", b"warning", what, error)) from None
        main.streams = {0: self._context.null}
        if self._has_log:
            main.streams[1] = self._pipe[1]
        self._main = main
        begin()

    def _start_log(self) -> None:
        log = self._part(self.path + b"/log", self.name + b"/log", self._log_forgotten)
        log.hosts = self._context.log_hosts()
        begin = log.acquire(self._context.limit)
        log.streams = {0: self._pipe[0]}
        self._log = log
        begin()

    def _open_pipe(self) -> None:
        """Open the FIFO; it stays open from one service process to the next."""
        if self._pipe[1] >= 0:
            return
        path = self.path + b"/supervise/pipe"
        make_fifo(path)
        write_end = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not posix.has_room(write_end, self._context.limit):
                raise OSError(errno.EMFILE, "")
            if not stat.S_ISFIFO(os.fstat(write_end).st_mode):
                raise FileExistsError(errno.EEXIST, "")
            os.set_blocking(write_end, True)
            if not self._reads(write_end):
                self._close(0)
                self._pipe = (os.open(path, os.O_RDONLY | os.O_CLOEXEC), -1)
            self._pipe = (self._pipe[0], write_end)
        except OSError:
            os.close(write_end)
            raise

    def _reads(self, write_end: int) -> bool:
        """Tell whether we have the other end open, as a log service that is to end has."""
        read_end = self._pipe[0]
        return read_end >= 0 and os.path.samestat(os.fstat(read_end), os.fstat(write_end))

    def _close(self, end: int) -> None:
        """Close an end of the pipe."""
        if self._pipe[end] >= 0:
            os.close(self._pipe[end])
        self._pipe = (-1, self._pipe[1]) if end == 0 else (self._pipe[0], -1)

    def _unread(self) -> bool:
        """Tell whether something waits in the pipe."""
        poll = select.poll()
        poll.register(self._pipe[0], select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def _main_forgotten(self) -> None:
        self._main = None
        self._not_before = self._context.loop.clock() + SECONDS_TO_RETURN
        self._forgotten()

    def _log_forgotten(self) -> None:
        self._log = None
        self._forgotten()

    def _forgotten(self) -> None:
        """A part has ended by command: let it return if there is an entry by then."""
        self._context.loop.after(SECONDS_TO_RETURN, self.start)
        if not self.active:
            self._settle()

    def _settle(self) -> None:
        """Without an entry: once the service has ended, end its log, then be done."""
        if self._main is not None:
            return
        if self._log is not None:
            if self._pipe[1] >= 0:
                # The end of input: what is still in the pipe stays there, as we can read it.
                self._close(1)
                self._log.finish()
                self._context.loop.after(SECONDS_OF_GRACE, self._insist)
            return
        self._close(0)
        self._close(1)
        self._ended(self)

    def _insist(self) -> None:
        """The grace is over: end a log service that still waits for the end of its input."""
        if self._log is not None and not self.active:
            self._log.drain()

    def _complain(self, refused: Refused) -> None:
        """Say why, once, and not while a predecessor's last child may hold the lock."""
        if (refused.busy and self._delay < SECONDS_OF_PATIENCE) or refused.line == self._said:
            return
        self._said = refused.line
        complain(refused.line)
