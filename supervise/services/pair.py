"""A service and its log service, from the moment that a scan directory has an entry for it.

They begin together, and end in turn: the service first, then its log when it has read all.
"""

from __future__ import annotations

import os

from slashservice.supervise.messages import message, warn
from slashservice.supervise.protocol import names
from slashservice.supervise.services.log_pipe import LogPipe
from slashservice.supervise.services.refusal import Refused, Tries
from slashservice.supervise.services.supervised import Supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.services.context import Context


SECONDS_OF_GRACE = 5.0
"""How long a log service may wait for the end of its input.

Processes that its service left behind may hold the pipe open.
"""

LOOK_FIRST = 5.0
LOOK_LAST = 300.0
"""Seconds between two looks at whether a directory without an entry is still there, at most.

They begin with ``LOOK_FIRST`` and double.
"""

SECONDS_TO_DIE = 2.0
"""How long after KILL a process is given up: it may be in a system call that does not end."""


class Pair:
    """The service at ``path`` and, if it has one, its log service.

    ``key`` is the directory's device and inode, ``names`` its entries in the scan directory.
    ``active`` tells that the scan directory has an entry for it; without one, a service that
    ends supervision does not come back. ``ended`` is called when neither part is left.
    """

    __slots__ = (
        "_context",
        "_ended",
        "_graced",
        "_has_log",
        "_insisted",
        "_killed",
        "_left",
        "_limit",
        "_log",
        "_looks",
        "_main",
        "_not_before",
        "_pipe",
        "_told",
        "_tries",
        "active",
        "key",
        "name",
        "names",
        "path",
    )

    def __init__(
        self,
        context: Context,
        key: int,
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
        self._pipe: LogPipe | None = None
        self._not_before = 0.0
        self._tries = Tries()
        self._looks = False
        self._limit = 0
        """After how many seconds a drain was over; 0 before."""
        self._insisted = False
        self._killed: Supervised | None = None
        """The part that was sent KILL last."""
        self._graced: Supervised | None = None
        """The part whose finish script was given time."""
        self._left = False
        """Whether the service's process was left running."""
        self._told: set[Supervised] = set()
        """The parts that we have told to end, and that may return at once."""
        self.key = key
        self.path = path
        self.name = name
        self.names = {name}
        self.active = True

    def start(self) -> None:
        """Supervise the parts that are not supervised yet. Where refused, try again later."""
        if not self.active:
            return
        try:
            self.begin()
            self._tries.succeeded()
        except Refused as refused:
            self._context.loop.after(self._tries.failed(refused), self.start)

    def begin(self) -> None:
        """Supervise the parts that are not supervised yet. Raises ``Refused``."""
        if self._main is None and self._context.loop.clock() >= self._not_before:
            self._start_main()
        if self._pipe and self._log is None:
            self._start_log(self._pipe)

    def drain(self) -> None:
        """Bring the service down, then let its log read all there is, then end."""
        self.active = False
        if self._main:
            self._main.drain()
        self._settle()

    def hurry(self, seconds: int) -> None:
        """The drain has lasted for ``seconds``, its limit: end what has not ended.

        The service is killed. Its log is killed, too, once it has had its time to read.
        """
        self._limit = seconds
        if self._main:
            self._kill(self._main)
        elif self._log and self._insisted:
            self._kill(self._log)

    def deactivate(self) -> None:
        """The entry is gone from the scan directory; what runs is still supervised."""
        self.active = False
        self._settle()
        if not self._looks:
            self._look(LOOK_FIRST)

    def stop(self) -> None:
        """Bring both down for want of an entry; they return at once if there is one by then."""
        if self._main:
            self._told.add(self._main)
        self.drain()

    def found(self, name: bytes, path: bytes) -> None:
        """An entry ``name`` leads to us, by ``path``. Our old path may lead nowhere by now."""
        self.names.add(name)
        self.path = path
        if not self.active:
            self.active = True
            self.start()
        self.mend()

    def attach_log(self) -> None:
        """Begin again with a log, if the service has got a log directory since it began."""
        if self._has_log or not os.path.exists(self.path + b"/log"):
            return
        self._has_log = True
        if self._main is None:
            return  # the pipe is opened when it begins
        try:
            pipe = self._open_pipe()
        except OSError as error:
            self._has_log = False
            warn("svscan", b"unable to create pipe for " + self.name, error)
            return
        self._main.redirect(pipe)
        self.start()

    def leave(self) -> None:
        """Let go of both at once; they run on."""
        for part in self.parts():
            part.leave()

    def mend(self) -> None:
        """Make again what somebody has removed of the state of either part."""
        for part in self.parts() if self.active else ():
            part.mend()

    def parts(self) -> list[Supervised]:
        """Return those of the two that are supervised."""
        return [part for part in (self._main, self._log) if part]

    def fifos(self) -> set[int]:
        """Return the descriptors by which clients see that somebody is there."""
        return set[int]().union(*(part.directory.fifos() for part in self.parts()))

    def states(self) -> list[bytes]:
        """Return the paths of the ``supervise`` directories that we hold."""
        return [os.path.join(part.directory.path, names.SUPERVISE) for part in self.parts()]

    def manners(self) -> list[bytes]:
        """Return the paths of what says how a part ends, where we do not look at any time."""
        split = [part.directory.path for part in self.parts() if part.directory.is_split]
        return [folder for path in split for folder in (path, path + b"/" + names.CONTROL_SCRIPTS)]

    def goes_last(self) -> bool:
        """Tell whether a drain brings it down when all others are down."""
        return self._main is not None and self._main.ending.goes_last()

    def is_coming(self) -> bool:
        """Tell whether a part was refused, and may still be had in a moment."""
        return self.active and self._tries.have_just_begun

    def runs_on(self) -> bool:
        """Start the service no more; tell whether it still runs, or is yet to finish."""
        self.active = False
        main = self._main
        if main is None or not (main.pid or main.finishes):
            return False
        main.ending.start_no_more()
        return True

    def is_still_there(self, path: bytes) -> bool:
        """Tell whether the directory at ``path`` is the one we supervise, not a new one.

        One without a lock file is: somebody has removed that. A new one has the inode of ours
        only where an open file does not keep its directory, or where inodes mean little.
        """
        if self._main is None or self._main.directory.holds_lock_in(path):
            return True
        return not os.path.lexists(os.path.join(path, names.LOCK))

    def _start_main(self) -> None:
        context = self._context
        directory, left = context.acquire(self.path, self.name)
        if context.personality.keeps and left is None:
            directory.release()  # it has ended in order since, or is new
            self.active = False
            self._settle()
            return
        streams = {0: context.null} if context.null >= 0 else {}
        pipe = None
        try:
            if self._has_log:
                pipe = self._open_pipe()
                streams[1] = pipe.writer
        except OSError as error:
            directory.release()
            what = b"unable to create pipe for " + self.name
            raise Refused(message("svscan", b"warning", what, error)) from None
        self._main = Supervised(context, directory, streams, self._main_forgotten, pipe=pipe)
        try:
            self._main.begin(left)
        except Refused:
            self._main = None
            raise

    def _start_log(self, pipe: LogPipe) -> None:
        context = self._context
        try:
            hosts = context.log_hosts()
        except OSError as error:
            what = b"unable to start " + self.name + b"/log"
            raise Refused(message("svscan", b"warning", what, error)) from None
        directory, left = context.acquire(self.path + b"/log", self.name + b"/log")
        streams = {0: pipe.reader}
        forgotten = self._log_forgotten
        self._log = Supervised(context, directory, streams, forgotten, hosts, pipe)
        try:
            self._log.begin(left)
        except Refused:
            self._log = None
            raise

    def _open_pipe(self) -> LogPipe:
        """Open the pipe; it stays open from one service process to the next."""
        pipe = self._pipe or LogPipe()
        pipe.open(self.path, self._context.limit)
        self._pipe = pipe
        return pipe

    def _main_forgotten(self) -> None:
        self._say_if_killed(self._main)
        again = self._returns(self._main)
        self._main = None
        if self.active and self._context.personality.runit:
            self._end_log()
        self._not_before = self._context.loop.clock() + again
        self._forgotten(again)

    def _log_forgotten(self) -> None:
        self._say_if_killed(self._log)
        again = self._returns(self._log)
        self._log = None
        self._forgotten(again)

    def _returns(self, part: Supervised | None) -> float:
        """Return after how many seconds a part that has ended comes back."""
        if part is not None and part in self._told:
            self._told.remove(part)
            return 0.0
        return self._context.personality.returns or 0.0

    def _forgotten(self, again: float) -> None:
        """A part has ended by command: let it return if there is an entry by then."""
        if self._context.personality.returns is None:
            self.active = False
        if not self.active:
            self._settle()
        self._context.loop.after(again, self.start)

    def _settle(self) -> None:
        """Now that there is no entry: when the service has ended, end its log, then the pair."""
        if self._main is not None:
            return
        if self._log is not None:
            self._end_log()
            return
        if self._pipe:
            self._keep_unread(self._pipe)
            self._pipe.close()
        ended, self._ended = self._ended, lambda pair: None
        ended(self)

    def _end_log(self) -> None:
        """Let the log read to the end of its input, and then end."""
        if self._log and self._pipe and self._pipe.writer >= 0:
            self._pipe.close_writer()
            self._insisted = False
            if self._context.personality.stops:
                self._told.add(self._log)
            self._log.conclude()
            self._context.loop.after(SECONDS_OF_GRACE, self._insist)

    def _look(self, again: float) -> None:
        """Give up a service that is down and whose directory is gone; else look ``again``."""
        self._looks = not self.active and self._main is not None
        if self._main is None or self.active:
            return
        if self._main.is_lost():
            self._main.drain()
        else:
            later = min(2 * again, LOOK_LAST)
            self._context.loop.after(again, lambda: self._look(later))

    def _insist(self) -> None:
        """The grace is over: end a log service that still waits for the end of its input."""
        if self._log is None or self.active or not self._pipe or self._pipe.writer >= 0:
            return
        self._insisted = True
        if not self._left and self._pipe.is_written_to():
            held = b" has left a process that holds the pipe to its log: no longer waited for"
            warn("svscan", self.name + held)
        log = self._log
        log.drain()
        if self._limit:
            self._context.loop.after(SECONDS_TO_DIE, lambda: self._kill(log))

    def _kill(self, part: Supervised) -> None:
        """Kill a part that is still there; give it up if even that does not end it."""
        if self.active or part not in (self._main, self._log):
            return
        self._killed = part
        self._context.loop.after(SECONDS_TO_DIE, lambda: self._abandon(part))
        part.kill()

    def _abandon(self, part: Supervised) -> None:
        """KILL has not ended it: leave it, with its record, to the next svscan."""
        if self.active or part not in (self._main, self._log):
            return
        if part.finishes and part is not self._graced:
            # It died, and has a finish script to which that is news.
            self._graced = part
            self._context.loop.after(SECONDS_OF_GRACE, lambda: self._kill(part))
            return
        self._killed = None
        self._left = part is self._main
        left = b"left running, process %d" % part.pid
        self._overdue(part, left if part.pid else b"left, its finish script is still to be run")
        part.abandon()

    def _say_if_killed(self, part: Supervised | None) -> None:
        if part and (part is self._killed or (self._limit and part.was_killed)):
            self._killed = None
            self._overdue(part, b"killed")

    def _overdue(self, part: Supervised, what: bytes) -> None:
        """Say which part did not end in time, and what was done about it."""
        line = b"%s did not end within %d seconds: %s"
        warn("svscan", line % (part.directory.name, self._limit, what))

    def _keep_unread(self, pipe: LogPipe) -> None:
        """Keep what no log has read for the next one."""
        try:
            pipe.keep_unread(self.path)
        except OSError as error:
            warn("svscan", b"unable to keep what is unread in the pipe of " + self.name, error)
