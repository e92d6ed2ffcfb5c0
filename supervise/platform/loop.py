"""The event loop: descriptors, timers, signals and dead children, and nothing that blocks.

A signal only writes its number into a pipe that the loop reads with everything else, so
no code runs inside a signal handler. Python does that by itself once a handler and a
wake-up descriptor are set; the handler has nothing left to do.

**Nobody is kept waiting by a crowd.** A thousand children may die at once, again and again, and
a thousand timers may be due. So each round of the loop takes of everything only as much as
fits into ``PORTION``, at least one, and leaves the rest to the rounds that follow: first
signals, then descriptors, then deaths, then timers. Whoever comes waits for the portions of one
round, and for those of its own kind that came before it; only the death of a child that somebody
told to end is looked for ahead of others.
"""

from __future__ import annotations

import heapq
import os
import time

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import selector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Exited = Callable[[int], None]


SIGNALS_AT_ONCE = 65536
"""How many signals are taken out of the pipe at a time: as many as it holds.

A signal that finds the pipe full is lost.
"""

PORTION = 0.02
"""Seconds after which a round goes on from one kind of thing to the next."""

EXPECTED_AT_ONCE = 64
"""How many of the deaths that are expected are looked for in a round."""

LONGEST_WAIT = 86400.0
"""Seconds to wait at most: epoll takes no more milliseconds than an int holds (24 days)."""


class Loop:
    """Calls back when a descriptor is readable, a time has come, or a signal was caught.

    ``clock`` gives monotonic seconds; tests put in their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.stopped = False
        self.rounds = 0
        """How many times ``step`` has been called."""
        self._selector = selector()
        self._readable: dict[int, tuple[Callable[[], None]]] = {}
        """What to call for each descriptor. The tuple tells one call of ``add`` from another."""
        self._ready: list[tuple[int, tuple[Callable[[], None]]]] = []
        """What was readable and is still to be called, the last one first."""
        self._reaping = False
        """Whether dead children may be left."""
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._on_signal: dict[int, Callable[[], None]] = {}
        self._children: dict[int, Exited] = {}
        self._expected: dict[int, None] = {}
        """The children that were told to end; those looked for longest ago come first."""
        self._woken, self._wake = posix.pipe()
        self.mask: set[int] = signals.mask_at_start()
        """The signals that were blocked when we were started. We unblock those that we catch."""
        self.inherited: dict[int, int] = {}
        """What the signals that we catch did when we were started. A child gets that again."""
        signals.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self.add(self._woken, self._take_signals)
        self.on_signal(signal_numbers.SIGCHLD, self._child_died)

    def add(self, fd: int, readable: Callable[[], None]) -> None:
        """Call ``readable`` whenever ``fd`` can be read."""
        self._selector.register(fd)
        self._readable[fd] = (readable,)

    def remove(self, fd: int) -> None:
        """Forget ``fd``. Do so before it is closed."""
        del self._readable[fd]
        self._selector.unregister(fd)

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call once, at a time of the clock.

        A call can't be cancelled. The callee has to find out whether it is still wanted.
        """
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once, in so many seconds."""
        self.at(self.clock() + seconds, call)

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        """Call whenever a signal of that number was caught; several may have become one."""
        if number not in self.inherited:
            before = signals.getsignal(number)
            self.inherited[number] = (
                signals.SIG_IGN if before == signals.SIG_IGN else signals.SIG_DFL
            )
        self._on_signal[number] = call
        signals.signal(number, signals.do_nothing)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, [number])

    def give_default(self, *numbers: int) -> None:
        """Have children find these signals at their default, whatever we were started with."""
        self.inherited.update(dict.fromkeys(numbers, signals.SIG_DFL))

    def on_exit(self, pid: int, call: Exited) -> None:
        """Call with the wait status once the child ``pid`` is dead."""
        self._children[pid] = call

    def expect_exit(self, pid: int) -> None:
        """The child ``pid`` was told to end, and somebody waits for that."""
        if pid in self._children:
            self._expected[pid] = None

    def awaits_exit(self, pid: int) -> bool:
        """Tell whether somebody wants to know when the child ``pid`` is dead."""
        return pid in self._children

    def ignore_exit(self, pid: int) -> None:
        """Do not call for ``pid`` any more."""
        self._children.pop(pid, None)
        self._expected.pop(pid, None)

    def run(self) -> None:
        """Step until ``stop`` is called."""
        while not self.stopped:
            self.step()

    def stop(self) -> None:
        """Let ``run`` return."""
        self.stopped = True

    def step(self) -> None:
        """Wait until something happens; call back for all that did, or a portion of it."""
        self.rounds += 1
        if self._ready:
            self._take_signals()
        else:
            self._look()
        self._portion(self._call_next)
        if self._reaping:
            expected = list(self._expected)[:EXPECTED_AT_ONCE][::-1]
            self._portion(lambda: self._reap_expected(expected))
            self._reaping = self._portion(self._reap)
        now = self.clock()
        self._portion(lambda: self._call_due(now))

    def _look(self) -> None:
        """Wait until a descriptor is readable or a time has come, if nothing else is left."""
        timeout = None
        if self._reaping:
            timeout = 0.0
        elif self._timers:
            timeout = min(max(0.0, self._timers[0][0] - self.clock()), LONGEST_WAIT)
        ready = self._selector.ready(timeout, len(self._readable))
        self._ready = [(fd, self._readable[fd]) for fd in reversed(ready) if fd in self._readable]
        if self._woken in ready:
            self._take_signals()

    def _portion(self, work: Callable[[], bool]) -> bool:
        """Do ``work`` until it says that there is no more (False), or for a portion (True)."""
        end = self.clock() + PORTION
        while work():
            if self.clock() >= end:
                return True
        return False

    def _call_next(self) -> bool:
        """Call for one descriptor, if any is left."""
        if not self._ready:
            return False
        fd, entry = self._ready.pop()
        # One callback may have removed the descriptor of another in this same round.
        if self._readable.get(fd) is entry and fd != self._woken:
            entry[0]()
        return True

    def _call_due(self, now: float) -> bool:
        """Call for one time that had come by ``now``, if any is left."""
        if not self._timers or self._timers[0][0] > now:
            return False
        heapq.heappop(self._timers)[2]()
        return True

    def _take_signals(self) -> None:
        try:
            caught = os.read(self._woken, SIGNALS_AT_ONCE)
        except OSError:  # no memory, perhaps: they stay in the pipe, and we are called again
            return
        for number in set(caught):
            if number in self._on_signal:
                self._on_signal[number]()

    def _child_died(self) -> None:
        self._reaping = True

    def _reap_expected(self, left: list[int]) -> bool:
        """Look for the death of one of those ``left`` that were told to end, if any is left.

        One that is young has a crowd of older children before it, if all of them have died.
        """
        if not left:
            return False
        pid = left.pop()
        if pid in self._expected:  # unless one that was told of meanwhile made an end of that
            del self._expected[pid]
            if not self._fetch(pid) and pid in self._children:
                self._expected[pid] = None
        return True

    def _reap(self) -> bool:
        """Fetch the status of one dead child, if any is left.

        PID 1 has children that others left behind. The kernel gives the oldest child first, so
        that the children of a service that dies over and over stand in no other's way.
        """
        return self._fetch(-1)

    def _fetch(self, which: int) -> bool:
        """Fetch the status of a child, with -1 of any, and tell of it; false if none is dead."""
        try:
            pid, status = os.waitpid(which, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return False
        self._expected.pop(pid, None)
        call = self._children.pop(pid, None)
        if call:
            call(status)
        return True
