"""The event loop: descriptors, timers, signals and dead children, and nothing that blocks.

A signal only writes its number into a pipe that the loop reads with everything else, so
no code runs inside a signal handler. Python does that by itself once a handler and a
wake-up descriptor are set; the handler has nothing left to do.
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


SIGNALS_AT_ONCE = 256
"""How many signals are taken out of the pipe at a time."""

LONGEST_WAIT = 86400.0
"""Seconds to wait at most: epoll takes no more milliseconds than an int holds (24 days)."""


class Loop:
    """Calls back when a descriptor is readable, a time has come, or a signal was caught.

    ``clock`` gives monotonic seconds; tests put in their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.stopped = False
        self._selector = selector()
        self._readable: dict[int, tuple[Callable[[], None]]] = {}
        """What to call for each descriptor. The tuple tells one call of ``add`` from another."""
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._on_signal: dict[int, Callable[[], None]] = {}
        self._children: dict[int, Exited] = {}
        self._woken, self._wake = posix.pipe()
        self.mask: set[int] = signals.pthread_sigmask(signals.SIG_BLOCK, [])
        """The signals that were blocked when we were started. We unblock those that we catch."""
        self.inherited: dict[int, int] = {}
        """What the signals that we catch did when we were started. A child gets that again."""
        signals.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self.add(self._woken, self._take_signals)
        self.on_signal(signal_numbers.SIGCHLD, self._reap)

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

    def on_exit(self, pid: int, call: Exited) -> None:
        """Call with the wait status once the child ``pid`` is dead."""
        self._children[pid] = call

    def awaits_exit(self, pid: int) -> bool:
        """Tell whether somebody wants to know when the child ``pid`` is dead."""
        return pid in self._children

    def ignore_exit(self, pid: int) -> None:
        """Do not call for ``pid`` any more."""
        self._children.pop(pid, None)

    def run(self) -> None:
        """Step until ``stop`` is called."""
        while not self.stopped:
            self.step()

    def stop(self) -> None:
        """Let ``run`` return."""
        self.stopped = True

    def step(self) -> None:
        """Wait until something happens, and call back for all that did."""
        timeout = None
        if self._timers:
            timeout = min(max(0.0, self._timers[0][0] - self.clock()), LONGEST_WAIT)
        ready = self._selector.ready(timeout, len(self._readable))
        for fd, entry in [(fd, self._readable.get(fd)) for fd in ready]:
            # One callback may have removed the descriptor of another in this same round.
            if entry and self._readable.get(fd) is entry:
                entry[0]()
        now = self.clock()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _take_signals(self) -> None:
        for number in set(os.read(self._woken, SIGNALS_AT_ONCE)):
            if number in self._on_signal:
                self._on_signal[number]()

    def _reap(self) -> None:
        """Fetch the status of every dead child. PID 1 has children that others left behind."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            call = self._children.pop(pid, None)
            if call:
                call(status)
