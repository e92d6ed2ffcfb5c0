"""The life of a service, as a pure state machine: events in, actions out.

It opens nothing, never sleeps and asks no clock, so that its rules can be tested without a
process. :mod:`~slashservice.supervise.services.supervised` carries the actions out, in the
order in which they are given, and reports what happened. The actions, and the rules of their
order, are in :mod:`~slashservice.supervise.services.actions`.

**States.** A service is in one of these five.

- *Up*: its process runs. It may be paused, have been sent TERM, or be on its way out
  (``leaving``, ``concluding``). Only the end of the process ends this state.
- *Finishing*: the process is dead, and the service has a finish script, which is due
  (``finish_due``) or runs (``finishing``). Nothing is sent to it, but KILL when it takes too long.
  Only its end ends this state, and it is never left out.
- *Waiting*: nothing runs, and a start is due (``starting``), not before ``not_before``, and
  not before it has its turn. A start that succeeds makes it up. Where no process can be had
  it goes on waiting. ``d`` makes it down, and ``x`` makes it gone.
- *Down*: nothing runs and nothing is due. ``u`` and ``o`` order a start; ``x`` makes it gone.
- *Gone*: FORGET was the last action. No event follows.

What has been up or finishing is gone if it was on its way out, waiting if UP is wanted, and down
otherwise.

**What is wanted** is apart from that: UP, DOWN or ONCE. ``u``, ``d`` and ``o`` change it, and a
permanent failure (``failed``) makes DOWN of UP. The death of the process does not, nor does a
drain: a service that a supervisor brought down on its own way out is to be brought up by the next
one.

**Three ways out.** ``x`` ends supervision as soon as the service is down, whenever that is; ``X``,
as runsv's ``x``, and a drain bring it down for that purpose. Concluding is for a log service whose
input has ended: it is started again until it has read all, and ends supervision when it then dies.

**A second between starts.** A service that should be up is started again the moment it dies,
but never sooner than a second after its last start: a daemon that dies at once would take up
a processor and fill the logs. These are daemontools' rules. Where C ``supervise`` sleeps that
second, deaf to commands, this one asks to be woken and goes on listening.

**Control scripts** may take the place of signals (:mod:`~slashservice.supervise.services.asking`).
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers
from slashservice.supervise.services.actions import (
    ANNOUNCE,
    ASK,
    DOWN,
    FORGET,
    KILL,
    KILL_CONTROL,
    MEANT,
    NOT_SENT,
    ONCE,
    PLAIN_SIGNALS,
    RECORD_MEANT,
    RECORD_WANT,
    SENT,
    SIGNAL,
    START,
    UP,
    WAKE,
)
from slashservice.supervise.services.asking import DRAIN, MOST_QUEUED, SECONDS_TO_CONTROL, Asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.services.actions import Action


SECONDS_BETWEEN_STARTS = 1.0
SECONDS_AFTER_FAILED_FORK = 5.0


class Service(Asking):
    """One service: what it is, and what is wanted of it.

    ``up`` tells that its process runs; ``paused`` and ``termed``, that this was sent STOP or
    TERM. One that waits may be ``paused``, too, and is sent STOP once it is up. ``starting`` tells
    that a start is due. ``leaving`` ends supervision as soon as the service is down, ``concluding``
    as soon as it is down and has read all its input. All times are seconds of one monotonic clock.

    What its directory says is put in before an event: ``controls``, the characters that it has a
    control script for; ``down_signal``, which TERM stands for; ``timeout_kill``, the seconds after
    which KILL follows, 0 for never.
    """

    __slots__ = (
        "concluding",
        "down_signal",
        "failed",
        "kill_at",
        "leaving",
        "not_before",
        "paused",
        "retry_at",
        "starting",
        "termed",
        "timeout_kill",
        "want",
    )

    def __init__(self, want: bytes = UP) -> None:
        super().__init__()
        self.want = want
        self.failed = False
        self.paused = False
        self.termed = False
        self.leaving = False
        self.concluding = False
        self.starting = False
        self.not_before = 0.0
        self.retry_at = 0.0
        """When a finish script may be run that no process could be had for."""
        self.kill_at = 0.0
        """When the process or the finish script is sent KILL; 0 for never."""
        self.down_signal: int = signal_numbers.SIGTERM
        self.timeout_kill = 0.0

    def begin(
        self,
        now: float,
        replaces: bool = False,
        paused: bool = False,
        finish: bool = False,
        failed: bool = False,
    ) -> list[Action]:
        """Supervision begins, with nothing running.

        ``replaces`` tells that something runs, which ends when it is started anew, ``paused`` that
        it was to be paused. ``finish`` tells that a process is dead whose finish script was not
        run; ``failed``, that it has failed for good.
        """
        if failed:
            self._fail()
        if finish:
            self.finish_due = True
            return self._next(now)
        if self.want != UP and not (replaces and self.want == ONCE):
            return [ANNOUNCE]
        self.paused = paused
        return self._go(self._start(now), now)

    def adopt(self, paused: bool, termed: int = NOT_SENT, now: float = 0.0) -> list[Action]:
        """Supervision begins, with the process of a supervisor that was killed still running.

        ``paused`` tells that it was to be paused, ``termed`` whether TERM was sent for certain.
        """
        self.up = True
        self.paused = paused
        self.termed = self.told = termed == SENT
        if self.want == DOWN and termed != SENT:
            return self._go([*self._terminate(), ANNOUNCE], now)
        actions: list[Action] = [(SIGNAL, signal_numbers.SIGSTOP)] if paused else []
        if termed == MEANT:
            actions += self._signal(ord("t"), self.down_signal)
        elif termed == SENT:
            actions += self._kill_later(now)
        return self._go([*actions, ANNOUNCE], now)

    def adopt_finish(self, now: float, seconds: float) -> list[Action]:
        """Supervision begins, with a finish script still running, for ``seconds`` at most."""
        return self._finish_runs(now, seconds)

    def wants_start(self) -> bool:
        """Tell whether something is still to be started, now that it has its turn."""
        idle = not (self.up or self.finishing or self.asking)
        return idle and (self.starting or self.finish_due)

    def started(self, now: float, seconds: float = 0.0) -> list[Action]:
        """The run script runs, or the finish script, for ``seconds`` at most; 0 is for ever."""
        if self.finish_due:
            return self._finish_runs(now, seconds)
        self.up = True
        self.starting = self.prepared = False
        self.termed = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return [(SIGNAL, signal_numbers.SIGSTOP), ANNOUNCE] if self.paused else [ANNOUNCE]

    def not_started(self, now: float) -> list[Action]:
        """No process could be had; try again in a while, unless it is told otherwise."""
        again = now + SECONDS_AFTER_FAILED_FORK
        if self.finish_due:
            self.retry_at = again
        else:
            self.not_before = again
        return [ANNOUNCE, (WAKE, again)]

    def not_run(self, now: float, unread: bool = False, finish: bool = False) -> list[Action]:
        """The run script can't be run: as if it had been started, and died at once."""
        self.starting = self.prepared = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return self.exited(now, unread, finish)

    def due(self, now: float, unread: bool = False) -> list[Action]:
        """The time asked for with WAKE has come. At any other time nothing happens."""
        if self.asking and self.give_up_at <= now:
            self.give_up_at = now + SECONDS_TO_CONTROL
            return [KILL_CONTROL, (WAKE, self.give_up_at)]
        if self.kill_at and self.kill_at <= now:
            self.kill_at = 0.0
            return [KILL]
        if not self.wants_start():
            return []
        when = self.retry_at if self.finish_due else self.not_before
        return self._go([START], now) if now >= when else [(WAKE, when)]

    def exited(
        self, now: float, unread: bool = False, finish: bool = False, failed: bool = False
    ) -> list[Action]:
        """The process is gone, and said that it has ``failed`` for good, or did not.

        ``unread`` tells that a concluding log service left input, ``finish`` of a finish script.
        """
        self.up = self.paused = self.termed = self.told = False
        self.kill_at = 0.0
        self.finish_due = finish
        if failed:
            self._fail()
        return self._next(now, unread)

    def finished(self, now: float, unread: bool = False, failed: bool = False) -> list[Action]:
        """The finish script is gone; for the words see ``exited``."""
        self.finishing = self.finish_due = False
        self.kill_at = 0.0
        if failed:
            self._fail()
        return self._next(now, unread)

    def control_ended(self, now: float, replaces: bool) -> list[Action]:
        """The control script has ended, or could not be run.

        ``replaces`` tells that it exited 0, so that the signal is not sent. Then ``take`` is to be
        called until it gives None.
        """
        letter, self.asking = self.asking, 0
        rest, self.rest = [*self.rest], ()
        if replaces:
            self.told = self.up and (self.told or letter == ord("t"))
            del rest[0]
            if letter == ord("t") and self.up and (self.want == DOWN or self.leaving):
                rest = [*self._kill_later(now), *rest]
        return self._then(self._go(rest, now), now)

    def drain(self, now: float) -> list[Action]:
        """Bring it down and then end supervision; a second time changes nothing."""
        if self.asking:
            self.leaving = True
            self.queue += (DRAIN,)
            return []
        if self.leaving and self.termed and not self.paused:
            return []
        return self._go([*self._terminate(), *self._exit(now), *self._also(ord("x"))], now)

    def conclude(self, now: float) -> list[Action]:
        """End supervision of a log service, whose input has ended, once it has read it all."""
        if self.concluding or self.leaving:
            return []
        self.concluding = True
        if self.up or self.finishing or self.finish_due or self.starting:
            return []
        return self._go(self._start(now), now) if self.want == UP else [FORGET]

    def control(self, character: int, now: float) -> list[Action]:
        """One byte from the control FIFO; any that means nothing is ignored."""
        if self.asking:
            if len(self.queue) < MOST_QUEUED:
                self.queue += (character,)
            return []
        if character in PLAIN_SIGNALS:
            return self._go(self._signal(character, PLAIN_SIGNALS[character]), now)
        handler = CONTROLS.get(character)
        return self._go(handler(self, now), now) if handler else []

    def _up(self, now: float) -> list[Action]:
        return [*self._wanted(UP), *self._start_unless_up(now)]

    def _once(self, now: float) -> list[Action]:
        return [*self._wanted(ONCE), *self._start_unless_up(now)]

    def _down(self, now: float) -> list[Action]:
        self.starting = self.prepared = False
        return [*self._wanted(DOWN), *self._terminate(), ANNOUNCE, *self._also(ord("d"))]

    def _exit(self, now: float) -> list[Action]:
        self.leaving = True
        self.starting = self.prepared = False
        return [ANNOUNCE] if self.up or self.finishing or self.finish_due else [ANNOUNCE, FORGET]

    def _end(self, now: float) -> list[Action]:
        return [*self._wanted(DOWN), *self._terminate(), *self._exit(now), *self._also(ord("x"))]

    def _pause(self, now: float) -> list[Action]:
        if not self.up:
            return []
        record: list[Action] = [] if self.paused else [RECORD_WANT]
        self.paused = True
        return [*record, *self._signal(ord("p"), signal_numbers.SIGSTOP), ANNOUNCE]

    def _continue(self, now: float) -> list[Action]:
        was_paused, self.paused = self.paused, False
        if not self.up:
            return [ANNOUNCE] if was_paused else []
        return [*self._signal(ord("c"), signal_numbers.SIGCONT), ANNOUNCE]

    def _term(self, now: float) -> list[Action]:
        if not self.up:
            return []
        record: list[Action] = [RECORD_MEANT] if self.timeout_kill else []
        return [*record, *self._signal(ord("t"), self.down_signal), ANNOUNCE]

    def _wanted(self, want: bytes) -> list[Action]:
        """From now on ``want`` is wanted; give what has to be done before anything else."""
        if want != DOWN:
            self.failed = False
        record: list[Action] = [] if self.want == want else [RECORD_WANT]
        self.want = want
        return record

    def _terminate(self) -> list[Action]:
        self.paused = False
        if not self.up:
            return []
        return [*self._signal(ord("t"), self.down_signal), (SIGNAL, signal_numbers.SIGCONT)]

    def _signal(self, character: int, number: int) -> list[Action]:
        return [(ASK, character, number)] if self.up else []

    def _also(self, character: int) -> list[Action]:
        """Run the control script of a command that sends no signal of its own."""
        return self._signal(character, 0)

    def _start_unless_up(self, now: float) -> list[Action]:
        if self.up or self.leaving:
            return [ANNOUNCE]
        if self.finishing or self.finish_due:
            self.starting = True
            return [ANNOUNCE]
        return self._start(now)

    def _start(self, now: float) -> list[Action]:
        """Start now, or as soon as a second has passed since the last start."""
        self.starting = True
        return [START] if now >= self.not_before else [ANNOUNCE, (WAKE, self.not_before)]

    def _next(self, now: float, unread: bool = False) -> list[Action]:
        """Nothing runs: do what comes next."""
        if self.asking:
            return [ANNOUNCE]
        if self.finish_due:
            return [START]
        if self.leaving or (self.concluding and not (unread and self.want == UP)):
            return [ANNOUNCE, FORGET]
        if self.want == UP or self.starting:
            return self._go(self._start(now), now)
        return [ANNOUNCE]

    def _fail(self) -> None:
        """It is not to be started again until somebody says so."""
        self.failed = True
        self.starting = False
        if self.want == UP:
            self.want = DOWN

    def _finish_runs(self, now: float, seconds: float) -> list[Action]:
        self.finishing = True
        self.finish_due = False
        if not seconds:
            return [ANNOUNCE]
        self.kill_at = now + seconds
        return [ANNOUNCE, (WAKE, self.kill_at)]

    def _kill_later(self, now: float) -> list[Action]:
        if not self.timeout_kill or self.kill_at:
            return []
        self.kill_at = now + self.timeout_kill
        return [(WAKE, self.kill_at)]

    def _send(self, character: int, number: int, now: float) -> list[Action]:
        if not self.up or not number:
            return []
        if character != ord("t"):
            return [(SIGNAL, number)]
        self.termed = self.told = True
        return [(SIGNAL, number), *self._kill_later(now)]


CONTROLS: dict[int, Callable[[Service, float], list[Action]]] = {
    ord("u"): Service._up,
    ord("d"): Service._down,
    ord("o"): Service._once,
    ord("x"): Service._exit,
    ord("X"): Service._end,
    ord("p"): Service._pause,
    ord("c"): Service._continue,
    ord("t"): Service._term,
}
"""Control characters that change what is wanted or known."""
