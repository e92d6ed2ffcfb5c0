"""One logger inside a log host, which behaves as a multilog or svlogd process would.

It runs a :class:`~slashservice.supervise.logs.logger.Logger` on its input and obeys signals as
a process does. TERM ends it at the end of a line, ALRM rotates, STOP and CONT suspend it, and
HUP has an svlogd open its directories again. Any other signal ends it on the spot, with its log
left as not closed cleanly.

All that may block is done by workers, one step at a time; closing a file may, and complaining.
All decisions are made in the thread of the loop. While a worker is at a step, the loop leaves
the logger alone. Steps return True if the logger ends with them.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers
from slashservice.supervise.logs.logger import BLOCK
from slashservice.supervise.logs.steps import Pause, Wait
from slashservice.supervise.messages import TROUBLE, Quit, complain, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.logs.logger import Logger
    from slashservice.supervise.logs.steps import AfterDeath, Steps
    from slashservice.supervise.platform.loop import Loop

    Work = Callable[[], None]

    Outcome = Pause | Wait | BaseException
    """What a step ends with: what to wait for, or ``StopIteration`` or trouble at the end."""

IDLE = "idle"
"""Nothing is under way."""

LISTENING = "listening"
"""The loop waits for input."""

WORKING = "working"
"""A worker is at a step; the loop decides when it is done."""

WAITING = "waiting"
"""Steps wait for the end of a pause, or of a processor."""

READY = "ready"
"""That wait is over, and the steps can go on with a value."""

GONE = "gone"


SECONDS_NEARER = 0.5
"""A timer that is set for so much later than another moment does not do for that."""

SECONDS_UNTIL_WATCHED = 0.1
"""How long until the kernel is asked again to watch the input."""


def nothing(text: bytes | None) -> None:
    """Report no trouble."""


class HostedLogger:
    """Runs ``logger`` over the descriptor ``stdin``, in the directory ``base`` (a descriptor).

    ``submit`` lets a worker do the first call, then the loop the second. ``after_death`` calls
    with the wait status of a child once that is dead. ``exited`` is called with the logger's own
    wait status once it is gone, and both descriptors are closed. ``report`` may be called, in any
    thread, with the trouble that keeps the log from being written, and with None behind it. It
    begins only if ``check`` returns True for ``base``.
    """

    __slots__ = (
        "_after_death",
        "_base",
        "_check",
        "_ending",
        "_exited",
        "_handing_over",
        "_killed",
        "_logger",
        "_loop",
        "_pauses",
        "_reaped",
        "_reopen",
        "_reported",
        "_rotate",
        "_state",
        "_stdin",
        "_steps",
        "_stopped",
        "_submit",
        "_timer_at",
        "_value",
        "_watched",
        "report",
    )

    def __init__(
        self,
        loop: Loop,
        submit: Callable[[Work, Work], None],
        after_death: AfterDeath,
        logger: Logger,
        stdin: int,
        base: int,
        exited: Callable[[int], None],
        report: Callable[[bytes | None], None] = nothing,
        check: Callable[[int], bool] = lambda base: True,
    ) -> None:
        self._loop = loop
        self._submit = submit
        self._after_death = after_death
        self._logger = logger
        self._stdin = stdin
        self._base = base
        self._exited = exited
        self.report = report
        self._check = check
        self._reported: bytes | None = None
        self._state = IDLE
        self._steps: Steps[bool] | None = None
        """Under way while WORKING, WAITING or READY. They return whether they were the last."""
        self._value = 0
        self._ending = self._handing_over = self._rotate = self._stopped = False
        self._reopen = False
        self._killed = 0
        """The signal to die of, as a process would."""
        self._timer_at = 0.0
        """For when a timer is set, by the monotonic clock; 0 if none is."""
        self._watched: set[int] = set()
        """The processors that run beside the logger."""
        self._reaped: dict[int, int] = {}
        """Those that have ended, and the wait status of each, until the logger is told."""
        self._pauses = False
        """Whether what is waited for is the end of a pause."""

    def start(self) -> None:
        """Begin: open the directories, waiting for those that are locked, then read."""
        self._carry_out(self._opened())

    def signal(self, number: int) -> None:
        """Behave as a process that is sent the signal."""
        if number == signal_numbers.SIGTERM:
            self._ending = True
        elif number == signal_numbers.SIGALRM:
            self._rotate = True
        elif number == signal_numbers.SIGHUP and self._logger.can_reopen:
            self._reopen = True
        elif number == signal_numbers.SIGSTOP:
            self._stopped = True
        elif number == signal_numbers.SIGCONT:
            self._stopped = False
        elif number != signal_numbers.SIGCHLD:
            self._killed = number
        self._next()

    def hand_over(self) -> None:
        """End as soon as the block is done; an unfinished line stays in the journal.

        It ends as at TERM if the line is not in the journal. In trouble it ends at once, if its
        block is in the journal. If not, the next attempt is made at once.
        """
        self._ending = self._handing_over = True
        self._stopped = False
        if self._is_pausing() and not self._logger.is_safe:
            self._state, self._value = READY, 0
        self._next()

    def _next(self) -> None:
        """Decide what to do next, unless a worker is at a step."""
        if self._state in (WORKING, GONE):
            return
        if self._killed:
            self._stop_listening()
            self._gone(self._killed)
        elif self._stopped:
            self._stop_listening()
        elif self._ending and self._steps and self._waits_for_lock():
            self._gone(signal_numbers.SIGTERM)
        elif self._handing_over and self._is_pausing() and self._logger.is_safe:
            self._gone(0)
        elif self._steps:
            if self._state == READY:
                self._step(self._steps, self._value)
        elif self._rotate:
            self._rotate = False
            self._carry_out(self._rotated())
        elif self._reopen:
            self._reopen = False
            self._carry_out(self._reopened())
        elif self._reaped:
            self._carry_out(self._processed(*self._reaped.popitem()))
        elif self._handing_over and self._logger.is_kept:
            self._carry_out(self._handed_over())
        elif self._ending and self._logger.at_line_end:
            self._carry_out(self._finished())
        elif self._is_old():
            self._carry_out(self._old_rotated())
        elif self._state != LISTENING:
            try:
                self._loop.add(self._stdin, self._readable)
            except OSError:  # the kernel can't watch one more now
                self._loop.after(SECONDS_UNTIL_WATCHED, self._next)
                return
            self._state = LISTENING

    def _is_pausing(self) -> bool:
        return self._state == WAITING and self._pauses

    def _waits_for_lock(self) -> bool:
        """Tell whether it may wait for ever, and has read nothing, or nothing that could be lost.

        It ends then as multilog does before it reads.
        """
        return self._logger.waits_for_lock and (self._base >= 0 or self._logger.is_safe)

    def _is_old(self) -> bool:
        """Tell whether a file has reached its age. If not, set a timer for when one has."""
        wait = self._logger.seconds_until_old()
        if wait is None or wait <= 0:
            return wait is not None
        at = time.monotonic() + wait
        if not self._timer_at or at < self._timer_at - SECONDS_NEARER:
            self._timer_at = at
            self._loop.after(wait, self._look)
        return False

    def _look(self) -> None:
        self._timer_at = 0.0
        self._next()

    def _readable(self) -> None:
        """There is input, or its end."""
        # While ending, do not read beyond the end of the line: the rest is for our successor.
        self._carry_out(self._input_taken(1 if self._ending else BLOCK))

    def _stop_listening(self) -> None:
        if self._state == LISTENING:
            self._state = IDLE
            self._loop.remove(self._stdin)

    # Steps, which the workers do

    def _opened(self) -> Steps[bool]:
        if not self._check(self._base):
            raise Quit(TROUBLE)
        yield from self._logger.start(self._base, True)
        return False

    def _input_taken(self, size: int) -> Steps[bool]:
        goes_on = yield from self._logger.take(self._stdin, size)
        if not goes_on:
            yield from self._logger.finish()
        return not goes_on

    def _rotated(self) -> Steps[bool]:
        yield from self._logger.rotate()
        return False

    def _old_rotated(self) -> Steps[bool]:
        yield from self._logger.rotate_old()
        return False

    def _reopened(self) -> Steps[bool]:
        yield from self._logger.reopen()
        return False

    def _processed(self, pid: int, status: int) -> Steps[bool]:
        yield from self._logger.processed(pid, status)
        return False

    def _finished(self) -> Steps[bool]:
        yield from self._logger.finish()
        return True

    def _handed_over(self) -> Steps[bool]:
        yield from self._logger.hand_over()
        return True

    # What has the workers do them

    def _carry_out(self, steps: Steps[bool]) -> None:
        """Do steps, each in a worker, with what they wait for in between."""
        self._stop_listening()
        self._steps = steps
        self._step(steps, None)

    def _step(self, steps: Steps[bool], value: int | None) -> None:
        """Let a worker begin with the steps (None), or go on with a value."""
        outcome: list[Outcome] = []

        def work() -> None:
            try:
                outcome.append(next(steps) if value is None else steps.send(value))
                if isinstance(outcome[0], Pause):
                    self._logger.secure()
            except BaseException as end:
                _complain_of(end, self._logger.program)
                outcome.append(end)

        self._state = WORKING
        # Nothing comes out of work for which there was no memory.
        self._submit(work, lambda: self._did(outcome[0] if outcome else MemoryError()))

    def _did(self, outcome: Outcome) -> None:
        """A step is done."""
        self._look_for_trouble()
        self._watch_processors()
        if isinstance(outcome, BaseException):
            self._steps = None
            self._state = IDLE
            self._end_of_steps(outcome)
            return
        self._state = WAITING
        self._pauses = isinstance(outcome, Pause)
        if isinstance(outcome, Wait):
            self._watched.discard(outcome.pid)
            if outcome.pid in self._reaped:
                self._resume(self._reaped.pop(outcome.pid))
                return
        outcome.arrange(self._loop.after, self._after_death, self._resume)
        self._next()

    def _watch_processors(self) -> None:
        """Learn of the end of each processor that runs beside the logger."""
        for pid in self._logger.running():
            if pid not in self._watched and pid not in self._reaped:
                self._watched.add(pid)
                self._after_death(pid, self._death_of(pid))

    def _death_of(self, pid: int) -> Callable[[int], None]:
        return lambda status: self._died(pid, status)

    def _died(self, pid: int, status: int) -> None:
        if self._state != GONE:
            self._watched.discard(pid)
            self._reaped[pid] = status
            self._next()

    def _look_for_trouble(self) -> None:
        """Report trouble, or that it is over, if that is news."""
        trouble = self._logger.trouble
        if trouble != self._reported:
            self._reported = trouble
            self.report(trouble)

    def _resume(self, value: int) -> None:
        """The wait of the steps is over, unless the logger was killed meanwhile."""
        if self._state == WAITING:
            self._state = READY
            self._value = value
            self._next()

    def _end_of_steps(self, end: BaseException) -> None:
        if isinstance(end, StopIteration):
            if end.value:
                self._gone(0)
                return
            self._close_base()  # it was for the first steps
            self._next()
        elif isinstance(end, Quit):
            self.report(reason(end))
            self._gone(end.status << 8)
        else:
            self._gone(TROUBLE << 8)

    def _gone(self, status: int) -> None:
        self._state = GONE
        self._steps = None
        self._submit(self._let_go, lambda: self._exited(status))

    def _let_go(self) -> None:
        try:
            self._logger.release()
        finally:
            self._close_base()
            os.close(self._stdin)

    def _close_base(self) -> None:
        if self._base >= 0:
            os.close(self._base)
            self._base = -1


def reason(end: Quit) -> bytes:
    """Return what a fatal error says, without the word for it."""
    line = end.line.strip()
    return line.partition(b": fatal: ")[2] or line


def _complain_of(end: BaseException, program: str) -> None:
    """Say why steps ended, if not because they were done."""
    if isinstance(end, Quit):
        complain(end.line)
    elif not isinstance(end, StopIteration):
        complain(message(program, b"fatal", repr(end).encode("utf-8", "replace")))
