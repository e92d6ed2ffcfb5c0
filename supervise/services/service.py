"""The life of a service, as a pure state machine: events in, actions out.

It opens nothing, never sleeps and asks no clock, so that its rules can be tested without a
process. :mod:`~slashservice.supervise.services.supervised` carries the actions out, in the
order in which they are given, and reports what happened.

**States.** A service is in one of these four.

- *Up*: its process runs. It may be paused, have been sent TERM, or be on its way out
  (``leaving``, ``finishing``). Only the end of the process ends this state. The service is
  then gone if it was on its way out, waiting if UP is wanted, and down otherwise.
- *Waiting*: nothing runs, and a start is due (``starting``), not before ``not_before``, and
  not before it has its turn. A start that succeeds makes it up. Where no process can be had
  it goes on waiting. ``d`` makes it down, and ``x`` makes it gone.
- *Down*: nothing runs and nothing is due. ``u`` and ``o`` order a start; ``x`` makes it gone.
- *Gone*: FORGET was the last action. No event follows.

**What is wanted** is apart from that: UP, DOWN or ONCE. Only ``u``, ``d`` and ``o`` change it.
The death of the process does not, nor does a drain: a service that a supervisor brought down
on its own way out is to be brought up by the next one.

**Three ways out.** ``x`` ends supervision as soon as the service is down, whenever that is.
A drain brings the service down for that purpose. Finishing is for a log service whose input
has ended: it is started again until it has read all, and ends supervision when it then dies.

**Record, then act.** The supervisor may be killed between any two system calls, and the
next one acts on the status file. Had ``d`` sent TERM before DOWN was on record, the next
supervisor would find UP, and start what was to stay down. So an event that changes what is
wanted, or that pauses the process, gives RECORD_WANT before any signal or start. The
opposite error is harmless: a supervisor that finds DOWN or paused on record sends the signal
again, as it can't know whether it was sent. Only TERM is recorded after it was sent: where it
is on record, it was sent.

**Announce when all is done.** The status file is written after the signals, and after a
start. START comes without ANNOUNCE: the answer to it (``started``, ``not_started``,
``not_run``) announces. A start that has to wait is announced at once. One event rewrites the
file at most once, or twice where what is wanted had to be recorded.

**A turn for each start.** When many services ask for a start at once, each has to wait for its
turn (:mod:`~slashservice.supervise.services.turns`), so START may be answered later, or never.
Any event may come before the turn does, and ask again. So when it has come, ``wants_start``
tells whether there is still something to start. A start that waits for its turn is announced
like any other that waits.

**A second between starts.** A service that should be up is started again the moment it dies,
but never sooner than a second after its last start: a daemon that dies at once would take up
a processor and fill the logs. These are daemontools' rules. Where C ``supervise`` sleeps that
second, deaf to commands, this one asks to be woken and goes on listening.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, Literal

    Plain = tuple[Literal["record want", "announce", "start", "forget"]]
    Action = Plain | tuple[Literal["signal"], int] | tuple[Literal["wake"], float]
    """What to do: one of the constants below, SIGNAL with its number, or WAKE with a time."""


UP = b"u"
DOWN = b"d"
ONCE = b"\0"
"""What is wanted, as the status file has it.

UP: start it whenever it is down. DOWN: keep it down. ONCE: leave it as it is, and do not start
it again when it dies.
"""

RECORD_WANT: Final = ("record want",)
"""Write the status file before going on: what is wanted, TERM not being counted as sent."""

ANNOUNCE: Final = ("announce",)
"""Write the status file."""

START: Final = ("start",)
"""Ask for a turn, unless it waits for one already. When it comes, and if ``wants_start``: run the
run script, and answer with ``started``, ``not_started`` or ``not_run``. Announce, if the turn does
not come at once.
"""

FORGET: Final = ("forget",)
"""End supervision. No action comes after it."""

SIGNAL: Final = "signal"
"""Send the process the signal that comes with it."""

WAKE: Final = "wake"
"""Call ``due`` at the time that comes with it."""

SECONDS_BETWEEN_STARTS = 1.0
SECONDS_AFTER_FAILED_FORK = 5.0

PLAIN_SIGNALS = {
    ord("h"): signal_numbers.SIGHUP,
    ord("a"): signal_numbers.SIGALRM,
    ord("i"): signal_numbers.SIGINT,
    ord("k"): signal_numbers.SIGKILL,
    ord("q"): signal_numbers.SIGQUIT,
    ord("1"): signal_numbers.SIGUSR1,
    ord("2"): signal_numbers.SIGUSR2,
}
"""Control characters that send a signal and change nothing else."""


class Service:
    """One service: what it is, and what is wanted of it.

    ``up`` tells that its process runs; ``paused`` and ``termed``, that this was sent STOP or
    TERM. One that waits may be ``paused``, too, and is sent STOP once it is up. ``starting`` tells
    that a start is due. ``leaving`` ends supervision as soon as the service is down, ``finishing``
    as soon as it is down and has read all its input. All times are seconds of one monotonic clock.
    """

    __slots__ = (
        "finishing",
        "leaving",
        "not_before",
        "paused",
        "starting",
        "termed",
        "up",
        "want",
    )

    def __init__(self, want: bytes = UP) -> None:
        self.up = False
        self.want = want
        self.paused = False
        self.termed = False
        self.leaving = False
        self.finishing = False
        self.starting = False
        self.not_before = 0.0

    def begin(self, now: float, replaces: bool = False, paused: bool = False) -> list[Action]:
        """Supervision begins, with nothing running.

        ``replaces`` tells that something runs, which ends when it is started anew, and ``paused``
        that it was to be paused.
        """
        if self.want != UP and not (replaces and self.want == ONCE):
            return [ANNOUNCE]
        self.paused = paused
        return self._start(now)

    def adopt(self, paused: bool, termed: bool = False) -> list[Action]:
        """Supervision begins, with the process of a supervisor that was killed still running.

        ``paused`` tells that it was to be paused, ``termed`` that TERM was sent for certain.
        """
        self.up = True
        self.paused = paused
        self.termed = termed
        if self.want == DOWN and not termed:
            return [*self._terminate(), ANNOUNCE]
        return [(SIGNAL, signal_numbers.SIGSTOP), ANNOUNCE] if paused else [ANNOUNCE]

    def wants_start(self) -> bool:
        """Tell whether it is still to be started, now that it has its turn."""
        return self.starting and not self.up

    def started(self, now: float) -> list[Action]:
        """The run script runs."""
        self.up = True
        self.starting = False
        self.termed = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return [(SIGNAL, signal_numbers.SIGSTOP), ANNOUNCE] if self.paused else [ANNOUNCE]

    def not_started(self, now: float) -> list[Action]:
        """No process could be had; try again in a while, unless it is told otherwise."""
        self.not_before = now + SECONDS_AFTER_FAILED_FORK
        return [ANNOUNCE, (WAKE, self.not_before)]

    def not_run(self, now: float) -> list[Action]:
        """The run script can't be run: as if it had been started, and died at once."""
        self.starting = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return self.exited(now)

    def due(self, now: float) -> list[Action]:
        """The time asked for with WAKE has come. At any other time nothing happens."""
        if self.up or not self.starting:
            return []
        return [START] if now >= self.not_before else [(WAKE, self.not_before)]

    def exited(self, now: float, unread: bool = False) -> list[Action]:
        """The process is gone; ``unread`` tells that a finishing log service left input."""
        self.up = False
        self.paused = False
        self.termed = False
        if self.leaving or (self.finishing and not (unread and self.want == UP)):
            return [ANNOUNCE, FORGET]
        return self._start(now) if self.want == UP else [ANNOUNCE]

    def drain(self, now: float) -> list[Action]:
        """Bring it down and then end supervision; a second time changes nothing."""
        if self.leaving and self.termed and not self.paused:
            return []
        return [*self._terminate(), *self._exit(now)]

    def finish(self, now: float) -> list[Action]:
        """End supervision of a log service, whose input has ended, once it has read it all."""
        if self.finishing or self.leaving:
            return []
        self.finishing = True
        if self.up or self.starting:
            return []
        return self._start(now) if self.want == UP else [FORGET]

    def control(self, character: int, now: float) -> list[Action]:
        """One byte from the control FIFO; any that means nothing is ignored."""
        if character in PLAIN_SIGNALS:
            return self._signal(PLAIN_SIGNALS[character])
        handler = CONTROLS.get(character)
        return handler(self, now) if handler else []

    def _up(self, now: float) -> list[Action]:
        return [*self._wanted(UP), *self._start_unless_up(now)]

    def _once(self, now: float) -> list[Action]:
        return [*self._wanted(ONCE), *self._start_unless_up(now)]

    def _down(self, now: float) -> list[Action]:
        self.starting = False
        return [*self._wanted(DOWN), *self._terminate(), ANNOUNCE]

    def _exit(self, now: float) -> list[Action]:
        self.leaving = True
        self.starting = False
        return [ANNOUNCE] if self.up else [ANNOUNCE, FORGET]

    def _pause(self, now: float) -> list[Action]:
        if not self.up:
            return []
        record: list[Action] = [] if self.paused else [RECORD_WANT]
        self.paused = True
        return [*record, (SIGNAL, signal_numbers.SIGSTOP), ANNOUNCE]

    def _continue(self, now: float) -> list[Action]:
        was_paused, self.paused = self.paused, False
        if not self.up:
            return [ANNOUNCE] if was_paused else []
        return [(SIGNAL, signal_numbers.SIGCONT), ANNOUNCE]

    def _term(self, now: float) -> list[Action]:
        if not self.up:
            return []
        self.termed = True
        return [(SIGNAL, signal_numbers.SIGTERM), ANNOUNCE]

    def _wanted(self, want: bytes) -> list[Action]:
        """From now on ``want`` is wanted; give what has to be done before anything else."""
        if self.want == want:
            return []
        self.want = want
        return [RECORD_WANT]

    def _terminate(self) -> list[Action]:
        self.paused = False
        if not self.up:
            return []
        self.termed = True
        return [(SIGNAL, signal_numbers.SIGTERM), (SIGNAL, signal_numbers.SIGCONT)]

    def _signal(self, number: int) -> list[Action]:
        return [(SIGNAL, number)] if self.up else []

    def _start_unless_up(self, now: float) -> list[Action]:
        return [ANNOUNCE] if self.up or self.leaving else self._start(now)

    def _start(self, now: float) -> list[Action]:
        """Start now, or as soon as a second has passed since the last start."""
        self.starting = True
        return [START] if now >= self.not_before else [ANNOUNCE, (WAKE, self.not_before)]


CONTROLS: dict[int, Callable[[Service, float], list[Action]]] = {
    ord("u"): Service._up,
    ord("d"): Service._down,
    ord("o"): Service._once,
    ord("x"): Service._exit,
    ord("p"): Service._pause,
    ord("c"): Service._continue,
    ord("t"): Service._term,
}
"""Control characters that change what is wanted or known."""
