"""A service as a pure state machine: events in, actions out.

It opens nothing, sleeps never and asks no clock, so that its rules can be tested without a
process. :mod:`~slashservice.supervise.services.supervised` carries the actions out.

The rules are daemontools': a service that should be up is started again the moment it
dies, but never sooner than a second after its last start. Where C ``supervise`` sleeps that
second, deaf to commands, this one asks to be woken and goes on listening.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers

UP = b"u"
DOWN = b"d"
ONCE = b"\0"
"""What is wanted, as the status file has it: up, down, or whatever it is once it dies."""

START = "start"
SIGNAL = "signal"
ANNOUNCE = "announce"
WAKE = "wake"
FORGET = "forget"

Action = tuple[str, float]
"""What to do, and with which number: a signal's, the time to wake at, else 0.

``start`` runs the run script, and is answered by ``started`` or ``not_started``; ``signal``
goes to the process; ``announce`` writes the status file; ``wake`` calls ``due`` at a time;
``forget`` ends supervision, and nothing comes after it.
"""

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

    ``pid`` is the process's, 0 when down. ``want`` is UP, DOWN or ONCE. ``termed`` tells
    that the process was sent TERM (runit's flag). ``leaving`` ends supervision as soon as
    the service is down; ``finishing`` likewise, but not before a log service has read all
    its input. ``starting`` means a start is due. All times are seconds of one monotonic clock.
    """

    __slots__ = (
        "finishing",
        "leaving",
        "not_before",
        "paused",
        "pid",
        "starting",
        "termed",
        "want",
    )

    def __init__(self, want: bytes = UP) -> None:
        self.pid = 0
        self.want = want
        self.paused = False
        self.termed = False
        self.leaving = False
        self.finishing = False
        self.starting = False
        self.not_before = 0.0

    def begin(self, now: float) -> list[Action]:
        """Supervision begins, with nothing running."""
        return [(ANNOUNCE, 0), *self._start_if(self.want == UP, now)]

    def adopt(self, pid: int, paused: bool, termed: bool = False) -> list[Action]:
        """Supervision begins, with the process of a supervisor that was killed still running.

        ``termed`` tells that TERM was sent for certain.
        """
        self.pid = pid
        self.paused = paused
        self.termed = termed
        if self.want == DOWN and not termed:
            # Perhaps it was sent, just before the supervisor died; it is wanted.
            return [*self._terminate(), (ANNOUNCE, 0)]
        # Likewise whether it was stopped, when it was to be paused.
        return [*(self._signal(signal_numbers.SIGSTOP) if paused else []), (ANNOUNCE, 0)]

    def started(self, pid: int, now: float) -> list[Action]:
        """The run script runs, as ``pid``."""
        self.pid = pid
        self.starting = False
        self.paused = False
        self.termed = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return [(ANNOUNCE, 0)]

    def not_started(self, now: float) -> list[Action]:
        """No process could be had; try again in a while, unless it is told otherwise."""
        self.not_before = now + SECONDS_AFTER_FAILED_FORK
        return [(ANNOUNCE, 0), (WAKE, self.not_before)]

    def not_run(self, now: float) -> list[Action]:
        """The run script can't be run: as if it had been started, and died at once."""
        self.starting = False
        self.not_before = now + SECONDS_BETWEEN_STARTS
        return self.exited(now)

    def due(self, now: float) -> list[Action]:
        """The time asked for with ``wake`` has come (or some other: then nothing happens)."""
        return self._start(now) if self.starting and not self.pid else []

    def exited(self, now: float, unread: bool = False) -> list[Action]:
        """The process is gone; ``unread`` tells that a finishing log service left input."""
        self.pid = 0
        self.paused = False
        self.termed = False
        if self.leaving or (self.finishing and not (unread and self.want == UP)):
            return [(ANNOUNCE, 0), (FORGET, 0)]
        return [(ANNOUNCE, 0), *self._start_if(self.want == UP, now)]

    def drain(self, now: float) -> list[Action]:
        """Bring it down and then end supervision; a second time changes nothing.

        What is wanted of it stays: should we be killed before it is down, the next
        supervisor is to bring it up again.
        """
        if self.leaving and self.termed and not self.paused:
            return []
        return [*self._terminate(), *self._exit(now)]

    def finish(self, now: float) -> list[Action]:
        """End supervision of a log service, whose input has ended, once it has read it all."""
        if self.finishing or self.leaving:
            return []
        self.finishing = True
        if self.pid or self.starting:
            return []
        return self._start(now) if self.want == UP else [(FORGET, 0)]

    def control(self, character: int, now: float) -> list[Action]:
        """One byte from the control FIFO; any that means nothing is ignored."""
        if character in PLAIN_SIGNALS:
            return self._signal(PLAIN_SIGNALS[character])
        handler = CONTROLS.get(character)
        return handler(self, now) if handler else []

    def _up(self, now: float) -> list[Action]:
        self.want = UP
        return [(ANNOUNCE, 0), *self._start_if(True, now)]

    def _once(self, now: float) -> list[Action]:
        self.want = ONCE
        return [(ANNOUNCE, 0), *self._start_if(True, now)]

    def _down(self, now: float) -> list[Action]:
        self.want = DOWN
        self.starting = False
        return [*self._terminate(), (ANNOUNCE, 0)]

    def _exit(self, now: float) -> list[Action]:
        self.leaving = True
        self.starting = False
        return [(ANNOUNCE, 0)] if self.pid else [(ANNOUNCE, 0), (FORGET, 0)]

    def _pause(self, now: float) -> list[Action]:
        if not self.pid:
            return []
        self.paused = True
        return [*self._signal(signal_numbers.SIGSTOP), (ANNOUNCE, 0)]

    def _continue(self, now: float) -> list[Action]:
        if not self.pid:
            return []
        self.paused = False
        return [*self._signal(signal_numbers.SIGCONT), (ANNOUNCE, 0)]

    def _term(self, now: float) -> list[Action]:
        if not self.pid:
            return []
        self.termed = True
        return [*self._signal(signal_numbers.SIGTERM), (ANNOUNCE, 0)]

    def _terminate(self) -> list[Action]:
        if not self.pid:
            return []
        self.paused = False
        self.termed = True
        return [*self._signal(signal_numbers.SIGTERM), *self._signal(signal_numbers.SIGCONT)]

    def _signal(self, number: int) -> list[Action]:
        return [(SIGNAL, number)] if self.pid else []

    def _start_if(self, wanted: bool, now: float) -> list[Action]:
        return self._start(now) if wanted and not self.pid and not self.leaving else []

    def _start(self, now: float) -> list[Action]:
        """Start now, or as soon as a second has passed since the last start."""
        self.starting = True
        return [(START, 0)] if now >= self.not_before else [(WAKE, self.not_before)]


CONTROLS = {
    ord("u"): Service._up,
    ord("d"): Service._down,
    ord("o"): Service._once,
    ord("x"): Service._exit,
    ord("p"): Service._pause,
    ord("c"): Service._continue,
    ord("t"): Service._term,
}
"""Control characters that change what is wanted or known."""
