"""One service under supervision: the state machine, its directory, and its process.

Carries out what :class:`~slashservice.supervise.services.service.Service` decides, and tells
it what happened. ``supervise`` has one of these, ``svscan`` thousands.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.messages import complain, message
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.refusal import Refused
from slashservice.supervise.services.service import (
    ANNOUNCE,
    DOWN,
    RECORD_WANT,
    SIGNAL,
    START,
    UP,
    WAKE,
    Service,
)
from slashservice.supervise.services.turns import CRASHED, LASTED, NEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.context import Context, Process
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.log_pipe import LogPipe
    from slashservice.supervise.services.loghosts import LogHosts
    from slashservice.supervise.services.service import Action


LOG, MAIN = 0, 1
"""The parts of a pair, as the pipe between them knows them."""

SECONDS_UNTIL_MENDED = 1.0
"""When it is tried again to make what could not be made."""

SECONDS_UNTIL_CHECKED = 1.0
"""How long after a start it is looked whether the process is on record, as it should be."""

SECONDS_UNTIL_WRITTEN = 5.0
"""When it is tried again to write a status or a record that could not be written."""

SECONDS_THAT_LAST = 5.0
"""A service that ran for so long did not crash at its start."""

ORDERS = b"uo"
"""Control characters by which somebody wants a service that is down to be started."""


class Supervised:
    """The service in ``directory``, which has been acquired.

    ``streams`` maps the daemon's descriptors to ours. ``forgotten`` is called when
    supervision has ended by command. ``pipe`` leads from a service to its log service. The log
    service may be run by ``hosts``.
    """

    __slots__ = (
        "_context",
        "_forgotten",
        "_hosts",
        "_line",
        "_mends",
        "_part",
        "_pipe",
        "_process",
        "_said",
        "_service",
        "_since",
        "_stamp",
        "_streams",
        "_wake",
        "_writes",
        "directory",
    )

    def __init__(
        self,
        context: Context,
        directory: ServiceDirectory,
        streams: dict[int, int],
        forgotten: Callable[[], None],
        hosts: LogHosts | None = None,
        pipe: LogPipe | None = None,
    ) -> None:
        self.directory = directory
        self._context = context
        self._streams = streams
        self._forgotten = forgotten
        self._hosts = hosts
        self._pipe = pipe
        self._part = LOG if hosts else MAIN
        self._service = Service(directory.default)
        self._process: Process | None = None
        self._stamp = b""
        self._since = 0.0
        """When it was started; at some time before, if by another supervisor."""
        self._line = NEW
        """In which line it waits for a start, if it wants one now."""
        self._wake = 0.0
        """For when a call of ``_due`` is asked for already."""
        self._mends = False
        """Whether it is to be mended in a while."""
        self._said = b""
        """Why the status could not be written the last time, if it could not."""
        self._writes = False
        """Whether it is to be written in a while."""

    def begin(self, left: Left | None) -> None:
        """Go on with what a killed supervisor ``left``, or begin anew. May raise ``Refused``."""
        context = self._context
        if left:
            self._service.want = left.status.want
        if left and left.pid and not left.hosted:
            self._adopt(left)
            return
        old = left if left and left.pid else None
        if old and self._hosts:
            goes_on = self._service.want != DOWN
            self._hosts.predecessors.retire(old.pid, old.start, self.directory, goes_on)
        self._stamp = tai.now()
        self.directory.listen(context.loop, self._commanded)
        paused = old is not None and old.status.paused
        actions = self._service.begin(context.loop.clock(), old is not None, paused)
        if self._service.want != UP and not self._service.starting:
            # Else the daemon itself leaves the record that the next supervisor goes on with.
            self.directory.record(0, context.heritage.life)
        if context.drains and not self._hosts:
            return  # only its log has work left, and we are about to be drained
        self._do(actions)

    def _adopt(self, left: Left) -> None:
        context = self._context
        found = left.status
        self._stamp = found.stamp if found.pid == left.pid else tai.now()
        self.directory.listen(context.loop, self._commanded)
        # It may have been found without a record.
        self.directory.record(left.pid, context.heritage.life)
        self._process = context.adopt(left.pid, left.start, self._exited)
        if self._pipe:
            self._pipe.held(self._part)
        self._do(self._service.adopt(found.paused, found.termed and found.pid == left.pid))

    def is_lost(self) -> bool:
        """Tell whether it is down and its directory is gone, so that nobody can bring it up."""
        service = self._service
        return not (service.up or service.starting or self.directory.locate())

    def drain(self) -> None:
        """Bring it down, and end supervision when it is."""
        self._do(self._service.drain(self._context.loop.clock()))

    def redirect(self, pipe: LogPipe) -> None:
        """Have the daemon write to a pipe; if it should be up, end it to have it start again."""
        self._pipe = pipe
        self._streams[1] = pipe.writer
        if self._service.want == UP:
            self._do(self._service.control(ord("t"), self._context.loop.clock()))

    def finish(self) -> None:
        """End supervision of a log service once it has read all its input."""
        self._do(self._service.finish(self._context.loop.clock()))

    def leave(self) -> None:
        """Let go at once, and leave the daemon running for the next supervisor."""
        if self._process:
            self._process.leave()

    def mend(self) -> None:
        """Make again what somebody has removed of ``supervise/``, now or in a while."""
        try:
            mended = self.directory.mend(self._context.loop)
        except (OSError, Refused):
            if not self._mends:
                self._mends = True
                self._context.loop.after(SECONDS_UNTIL_MENDED, self._mend_again)
            return
        if mended:
            self._write_status(termed=self._service.termed)

    def _mend_again(self) -> None:
        self._mends = False
        self.mend()

    @property
    def pid(self) -> int:
        """The pid of its process, 0 if there is none."""
        return self._process.pid if self._process else 0

    def kill(self) -> None:
        """Kill its process, a log host even with its other loggers, and end supervision."""
        self.drain()
        process = self._process
        if process and not (self._hosts and self._hosts.kill(process.pid)):
            process.signal(signal_numbers.SIGKILL)

    def abandon(self) -> None:
        """End supervision while its process still runs; the next supervisor is to adopt it."""
        self.leave()
        self._process = None
        self.directory.ignore(self._context.loop)
        self.directory.release()
        self._forgotten()

    def _commanded(self, characters: bytes) -> None:
        for character in characters:
            if character in ORDERS and not self._process:
                self._line = min(self._line, NEW)
            self._do(self._service.control(character, self._context.loop.clock()))
            if not self.directory.is_held:
                return

    def _exited(self, status: int) -> None:
        if not self.directory.is_held:
            return  # it was abandoned
        self._process = None
        self._stamp = tai.now()
        if self._context.loop.clock() - self._since >= SECONDS_THAT_LAST:
            self._line = LASTED
        if self._hosts and self._service.want != UP:
            # Its host goes on, and the next supervisor would take it for up.
            self.directory.record(0, self._context.heritage.life)
        unread = self._service.finishing and self._pipe is not None and self._pipe.unread()
        self._let_go()
        self._do(self._service.exited(self._context.loop.clock(), unread))

    def _due(self) -> None:
        if self.directory.is_held:
            self._do(self._service.due(self._context.loop.clock()))

    def _do(self, actions: list[Action]) -> None:
        """Carry out actions, in their order."""
        while actions:
            action = actions.pop(0)
            if action[0] == SIGNAL:
                if self._process:
                    self._line = NEW  # if it dies of that, it has not crashed
                    self._process.signal(action[1])
            elif action[0] == WAKE:
                if action[1] != self._wake:
                    self._wake = action[1]
                    self._context.loop.at(self._wake, self._due)
            elif action == RECORD_WANT:
                self._write_status(termed=False)
            elif action == ANNOUNCE:
                self._write_status(termed=self._service.termed)
            elif action == START:
                if not self._context.turns.ask(self._take_turn, self._line):
                    self._write_status(termed=False)
            else:
                self._forget()

    def _take_turn(self) -> None:
        if self.directory.is_held and self._service.wants_start():
            self._start()

    def _start(self) -> None:
        directory = self.directory
        if not directory.is_there():
            # No client can reach its FIFO any more, and nothing can bring it back.
            what = b"unable to start " + directory.name + b"/run: service directory is gone"
            complain(message("supervise", b"fatal", what))
            self._do(self._service.drain(self._context.loop.clock()))
            return
        if self._pipe:
            self._pipe.ready()
            self._pipe.held(self._part)
        try:
            logger = self._hosted()
        except OSError as error:
            self._answered(error)
            return
        if logger:
            self._answered(logger)
        else:
            self._context.start(directory, self._streams, self._exited, self._answered)

    def _answered(self, process: Process | OSError) -> None:
        """The run script was started, or could not be."""
        now = self._context.loop.clock()
        directory = self.directory
        if isinstance(process, BlockingIOError):
            what = b"unable to fork for " + directory.name + b", trying again in 5 seconds"
            complain(message("supervise", b"warning", what, process))
            directory.record(0, self._context.heritage.life)
            self._let_go()
            self._do(self._service.not_started(now))
        elif isinstance(process, OSError):
            complain(directory.not_started(process))
            self._line = CRASHED
            self._let_go()
            self._do(self._service.not_run(now))
        else:
            self._stamp = tai.now()
            self._since = now
            self._line = CRASHED
            self._process = process
            self._do(self._service.started(now))
            self._context.loop.after(SECONDS_UNTIL_CHECKED, lambda: self._check_record(process))

    def _check_record(self, process: Process) -> None:
        """Write the record again if that of ``process`` could not be written."""
        directory = self.directory
        if self._process is not process or directory.is_recorded(process.pid):
            return
        hosted = self._hosts is not None and self._hosts.has(process.pid)
        directory.record(process.pid, self._context.heritage.life, hosted)
        self._context.loop.after(SECONDS_UNTIL_WRITTEN, lambda: self._check_record(process))

    def _let_go(self) -> None:
        """It has no process that holds the pipe."""
        if self._pipe:
            self._pipe.let_go(self._part)

    def _hosted(self) -> Process | None:
        """Let a log host run it, if it is a log service that one can run."""
        if self._hosts is None:
            return None
        logger = self._hosts.start(self.directory, self._streams[0], self._exited)
        if logger:
            self.directory.record(logger.pid, self._context.heritage.life, hosted=True)
        return logger

    def _write_status(self, termed: bool) -> None:
        """Write the status file; ``termed`` tells that the process was sent TERM."""
        service = self._service
        pid = self._process.pid if self._process else 0
        complaint = self.directory.announce(
            Status(self._stamp, pid, service.paused, service.want, termed)
        )
        if complaint and complaint != self._said:
            complain(complaint)
        self._said = complaint
        if complaint and not self._writes:
            self._writes = True
            self._context.loop.after(SECONDS_UNTIL_WRITTEN, self._write_again)

    def _write_again(self) -> None:
        """Write the status that could not be written, if its directory is still there."""
        self._writes = False
        if self._said and self.directory.is_held and self.directory.locate():
            self._write_status(termed=self._service.termed)

    def _forget(self) -> None:
        self.directory.ignore(self._context.loop)
        self.directory.release(forget=True)
        self._forgotten()
