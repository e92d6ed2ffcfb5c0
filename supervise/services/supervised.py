"""One service under supervision: the state machine, its directory, and its process.

Carries out what :class:`~slashservice.supervise.services.service.Service` decides, and tells
it what happened. ``supervise`` has one of these, ``svscan`` thousands.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.messages import TROUBLE, complain, message
from slashservice.supervise.platform import posix
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.actions import (
    ANNOUNCE,
    CONTROL,
    DOWN,
    KILL,
    KILL_CONTROL,
    MEANT,
    NOT_SENT,
    RECORD_MEANT,
    RECORD_WANT,
    SIGNAL,
    START,
    UP,
    WAKE,
)
from slashservice.supervise.services.announcer import SECONDS_UNTIL_WRITTEN, Announcer
from slashservice.supervise.services.control_script import ControlScript
from slashservice.supervise.services.ending import ENDS, Ending
from slashservice.supervise.services.log_pipe import LOG, MAIN
from slashservice.supervise.services.refusal import Refused
from slashservice.supervise.services.starters import RUN
from slashservice.supervise.services.turns import CRASHED, LASTED, NEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.services.actions import Action
    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.context import Context, Process
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.log_pipe import LogPipe
    from slashservice.supervise.services.loghosts import LogHosts


SECONDS_UNTIL_MENDED = 1.0
"""When it is tried again to make what could not be made."""

SECONDS_THAT_LAST = 5.0
"""A service that ran for so long did not crash at its start."""

ORDERS = b"uo"
"""Control characters by which somebody wants a service that is down to be started."""


class Supervised:
    """The service in ``directory``, which has been acquired.

    ``streams`` maps the daemon's descriptors to ours. ``forgotten`` is called when supervision has
    ended by command. ``pipe`` leads from a service to its log, which may be run by ``hosts``.
    """

    __slots__ = (
        "_announcer",
        "_context",
        "_control",
        "_forgotten",
        "_hosts",
        "_line",
        "_mends",
        "_part",
        "_pipe",
        "_process",
        "_service",
        "_since",
        "_stamp",
        "_streams",
        "_wake",
        "directory",
        "ending",
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
        self._service = context.personality.service(directory.default, hosts is not None)
        self._process: Process | None = None
        self._stamp = b""
        self._since = 0.0  # when it was started; at some time before, if by another supervisor
        self._line = NEW
        """In which line it waits for a start, if it wants one now."""
        self._wake = 0.0  # for when a call of ``_due`` is asked for already
        self._mends = False  # whether it is to be mended in a while
        self._announcer = Announcer(context, directory)
        self._control: ControlScript | None = None
        self.ending = Ending(context, directory, self._announcer.notes, hosts is not None)

    def begin(self, left: Left | None) -> None:
        """Go on with what a killed supervisor ``left``, or begin anew. May raise ``Refused``."""
        context = self._context
        if left:
            self._service.want = self._announcer.notes.want(left.status.want)
        if left and left.pid and not left.hosted:
            self._adopt(left)
            return
        finish, failed = self.ending.left(left) if left else (False, False)
        self.ending.look(self._service)
        old = left if left and left.pid else None
        if old and self._hosts:
            goes_on = self._service.want != DOWN
            self._hosts.predecessors.retire(old.pid, old.start, self.directory, goes_on)
        self._stamp = tai.now()
        self.directory.listen(context.loop, self._commanded)
        paused = old is not None and old.status.paused
        now = context.loop.clock()
        actions = self._service.begin(now, old is not None, paused, finish, failed)
        if self._service.want != UP and not self._service.wants_start():
            # Else the daemon itself leaves the record that the next supervisor goes on with.
            self.directory.record(0, context.heritage.life)
        if context.drains and not self._hosts and not finish:
            return  # only its log has work left, and we are about to be drained
        self._do(actions)

    def _adopt(self, left: Left) -> None:
        context = self._context
        found = left.status
        self._stamp = found.stamp if found.pid == left.pid else tai.now()
        self.directory.listen(context.loop, self._commanded)
        self.directory.record(left.pid, context.heritage.life, finish=left.finish)  # if it had none
        self._process = context.adopt(left.pid, left.start, self._exited)
        if self._pipe:
            self._pipe.held(self._part)
        self.ending.look(self._service, ends=True)
        now = context.loop.clock()
        if left.finish:
            self._do(self._service.adopt_finish(now, self.ending.seconds_to_finish(left.start)))
        else:
            termed = found.termed if found.pid == left.pid else 0
            self._do(self._service.adopt(found.paused, termed, now))

    def is_lost(self) -> bool:
        """Tell whether it is down and its directory is gone, so that nobody can bring it up."""
        service = self._service
        is_busy = service.up or service.finishing or service.asking or service.wants_start()
        return not (is_busy or self.directory.locate())

    def drain(self) -> None:
        """Bring it down, and end supervision when it is."""
        self.ending.look(self._service, ends=True)
        self._do(self._service.drain(self._context.loop.clock()))

    def redirect(self, pipe: LogPipe) -> None:
        """Have the daemon write to a pipe; if it should be up, end it to have it start again."""
        self._pipe = pipe
        self._streams[1] = pipe.writer
        if self._service.want == UP:
            self.ending.look(self._service, ends=True)
            self._do(self._service.control(ord("t"), self._context.loop.clock()))

    def conclude(self) -> None:
        """End supervision of a log service once it has read all its input."""
        self._do(self._service.conclude(self._context.loop.clock()))

    def leave(self) -> None:
        """Let go at once, and leave the daemon running for the next supervisor."""
        if self._process:
            self._process.leave()

    def mend(self) -> None:
        """Make again what somebody has removed of ``supervise/``, now or in a while."""
        self.ending.look_again()
        try:
            mended = self.directory.mend(self._context.loop)
        except (OSError, Refused):
            if not self._mends:
                self._mends = True
                self._context.loop.after(SECONDS_UNTIL_MENDED, self._mend_again)
            return
        if mended:
            self._announcer.notes.are_gone()
            self._write_status(termed=self._service.termed)

    def _mend_again(self) -> None:
        self._mends = False
        self.mend()

    @property
    def was_killed(self) -> bool:
        """Whether the last process died of SIGKILL, as all logs of a host do with it."""
        return self.ending.was_killed

    @property
    def finishes(self) -> bool:
        """Whether its finish script runs, or is about to."""
        return self._service.finishing or self._service.finish_due

    @property
    def pid(self) -> int:
        """The pid of its process, 0 if there is none."""
        return self._process.pid if self._process else 0

    def kill(self) -> None:
        """Kill its process, a log host even with its other loggers, and end supervision."""
        self.drain()
        if self._control:
            self._control.kill()
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
        self.ending.look(self._service, ends=any(character in ENDS for character in characters))
        for character in characters:
            if character in ORDERS and not self._process:
                self._line = min(self._line, NEW)
            self._do(self._service.control(character, self._context.loop.clock()))
            if not self.directory.is_held:
                return

    def _exited(self, status: int) -> None:
        if not self.directory.is_held:
            return  # it was abandoned
        service = self._service
        now = self._context.loop.clock()
        pid, self._process = self.pid, None
        unread = service.concluding and self._pipe is not None and self._pipe.unread()
        self._let_go()
        self.ending.look(self._service)
        if service.finishing:
            self._stamp = tai.now()
            self._do(service.finished(now, unread, self.ending.finished(status)))
            return
        if now - self._since >= SECONDS_THAT_LAST:
            self._line = LASTED
        hosted = self._hosts is not None and self._hosts.has(pid) and service.want == UP
        finish, failed = self.ending.died(pid, status, self._stamp, hosted)
        if not finish:
            self._stamp = tai.now()
        self._do(service.exited(now, unread, finish, failed))

    def _controlled(self, replaces: bool) -> None:
        """A control script has ended; ``replaces`` tells that it exited 0."""
        now = self._context.loop.clock()
        self.ending.look(self._service, ends=True)
        actions: list[Action] | None = self._service.control_ended(now, replaces)
        while actions is not None:
            self._do(actions)
            actions = self._service.take(now) if self.directory.is_held else None

    def _due(self) -> None:
        if self.directory.is_held:
            self.ending.look(self._service)
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
            elif action[0] == CONTROL:
                self._control = ControlScript(
                    self._context, self.directory, self._streams, action[1], self._controlled
                )
            elif action == KILL_CONTROL:
                assert self._control
                self._control.kill()
            elif action == KILL:
                if self._process:
                    self._line = NEW
                    self.ending.kill(self._process, self._service.finishing)
            elif action in (RECORD_WANT, RECORD_MEANT):
                self._write_status(termed=MEANT if action == RECORD_MEANT else NOT_SENT)
            elif action == ANNOUNCE:
                self._write_status(termed=self._service.termed)
            elif action == START:
                if not self._context.turns.ask(self._take_turn, self._line):
                    self._write_status(termed=NOT_SENT)
            else:
                self._forget()

    def _take_turn(self) -> None:
        if self.directory.is_held and self._service.wants_start():
            self._start(self._service.finish_due)

    def _start(self, finish: bool) -> None:
        """Start the run script, or the finish script."""
        directory = self.directory
        if not finish and not directory.is_there():
            # No client can reach its FIFO any more, and nothing can bring it back.
            what = b"unable to start " + directory.name + b"/run: service directory is gone"
            complain(message("supervise", b"fatal", what))
            self._do(self._service.drain(self._context.loop.clock()))
            return
        if self._pipe:
            self._pipe.ready()
            self._pipe.held(self._part)
        try:
            logger = None if finish else self._hosted()
        except OSError as error:
            self._answered(error)
            return
        if logger:
            self._answered(logger)
        else:
            script = self.ending.finish_script() if finish else RUN
            self._context.start(directory, self._streams, self._exited, self._answered, script)

    def _answered(self, process: Process | OSError) -> None:
        """The run script or the finish script was started, or could not be."""
        now = self._context.loop.clock()
        directory, service = self.directory, self._service
        is_finish = service.finish_due
        if isinstance(process, BlockingIOError) or (is_finish and isinstance(process, OSError)):
            what = b"unable to fork for " + directory.name + b", trying again in 5 seconds"
            complain(message("supervise", b"warning", what, process))
            if not is_finish:
                directory.record(0, self._context.heritage.life)
            self._let_go()
            self._do(service.not_started(now))
        elif isinstance(process, OSError):
            complain(directory.not_started(process))
            self._line = CRASHED
            self._let_go()
            died = not posix.may_pass(process)  # the lack of descriptors, say, is no death
            finish = died and self.ending.died(0, TROUBLE << 8, self._stamp)[0]
            self._do(service.not_run(now, finish=finish))
        else:
            self._process = process
            if not is_finish:
                self._stamp = tai.now()
                self._since = now
                self._line = CRASHED
            self._do(service.started(now, self.ending.seconds_to_finish() if is_finish else 0))
            self._context.checks.ask(self._check_record)

    def _check_record(self) -> None:
        """Write the record of our process again if that could not be written."""
        directory = self.directory
        if not self._process or not directory.is_held or directory.is_recorded(self.pid):
            return
        hosted = self._hosts is not None and self._hosts.has(self.pid)
        life = self._context.heritage.life
        directory.record(self.pid, life, hosted, finish=self._service.finishing)
        self._context.loop.after(SECONDS_UNTIL_WRITTEN, self._check_record)

    def _let_go(self) -> None:
        """It has no process that holds the pipe."""
        if self._pipe:
            self._pipe.let_go(self._part)

    def _hosted(self) -> Process | None:
        """Let a log host run it, if it is a log service that one can run."""
        hosts = self._hosts
        logger = hosts.start(self.directory, self._streams[0], self._exited) if hosts else None
        if logger:
            self.directory.record(logger.pid, self._context.heritage.life, hosted=True)
        return logger

    def _write_status(self, termed: int) -> None:
        """Write the status file; ``termed`` tells whether the process was sent TERM."""
        service = self._service
        now = Status(self._stamp, self.pid, service.paused, service.want, termed, self.finishes)
        service.show(now)
        self._announcer.announce(now, service.failed)

    def _forget(self) -> None:
        self.directory.ignore(self._context.loop)
        self.directory.release(forget=True)
        self._forgotten()
