"""Looking at services again whenever something of them may have changed.

The kernel tells when a status file is replaced, and when the lock of a supervisor that ends is
closed. Where it can't, the services are looked at several times a second. So that nothing is
missed for good, each is looked at once a second in any case.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.platform import watch
from slashservice.supervise.platform.current import watcher
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHANGES = watch.MOVED_TO | watch.CLOSE_WRITE | watch.GONE

STATUS, LOCK = os.path.basename(names.STATUS), os.path.basename(names.LOCK)

SECONDS_BETWEEN_LOOKS = 0.1
"""How often a service is looked at whose changes the kernel does not report."""

SECONDS_AT_MOST = 1.0
"""After so long any service is looked at again."""

SECONDS_OF_AN_END = (0.005, 0.05)
"""When to look again after a lock was closed: the FIFO beside it may be closed after it."""


class Onlooker:
    """Calls ``look`` with the number of a service, until that returns True.

    The services are those that were added.
    """

    def __init__(self, look: Callable[[int], bool]) -> None:
        self.loop = Loop()
        self._look = look
        self._left: dict[int, None] = {}
        """The numbers of the services that are looked at, in the order in which they came."""
        self._numbers: dict[int, list[int]] = {}
        """Which services the kernel reports of, by the number that it reports."""
        self._told: set[int] = set()
        """The services of which it reports."""
        self._watcher = watcher()
        if self._watcher:
            self._watcher.listen(self.loop, self._changed)

    def add(self, number: int) -> None:
        """Look at the service in the current directory from now on."""
        self._left[number] = None
        if self._watcher:
            try:
                told = self._watcher.add(names.SUPERVISE, CHANGES)
                self._numbers.setdefault(told, []).append(number)
                self._told.add(number)
            except OSError:
                pass

    def see(self, number: int) -> None:
        """Look at a service now, unless that is over."""
        if number in self._left and self._look(number):
            del self._left[number]
            self._told.discard(number)
        if not self._left:
            self.loop.stop()

    def left(self) -> list[int]:
        """Return the services that are still looked at."""
        return list(self._left)

    def see_after(self, seconds: float, number: int) -> None:
        """Look at a service in so many seconds."""
        self.loop.after(seconds, lambda: self.see(number))

    def start(self, program: bytes, argv: list[bytes], ended: Callable[[int], None]) -> int:
        """Run a program in the current directory, with its output going nowhere; return its pid.

        ``ended`` is called with its wait status. Raises ``OSError``.
        """
        streams = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        defaults = signals.IGNORED_BY_PYTHON
        pid = os.posix_spawn(program, argv, os.environb, file_actions=streams, setsigdef=defaults)
        self.loop.on_exit(pid, ended)
        return pid

    def run(self, seconds: float) -> list[int]:
        """Look for so many seconds at most; return the services of which it is not over then."""
        self.loop.after(seconds, self.loop.stop)
        self._look_anyway()
        self.loop.stopped = not self._left
        self.loop.run()
        return self.left()

    def _changed(self, events: Sequence[watch.Event]) -> None:
        seen: set[int] = set()
        for event in events:
            numbers = self._numbers.get(event.watch, ())
            if event.watch < 0:
                seen.update(self._left)  # it lost count
            elif event.mask & (watch.GONE | watch.IGNORED):
                self._told.difference_update(numbers)
                seen.update(numbers)
            elif event.name in (STATUS, b""):
                seen.update(numbers)
            elif event.name == LOCK:
                seen.update(numbers)
                for number in numbers:
                    for later in SECONDS_OF_AN_END:
                        self.see_after(later, number)
        for number in sorted(seen):
            self.see(number)

    def _look_anyway(self) -> None:
        pause = SECONDS_AT_MOST
        if len(self._told) < len(self._left):
            pause = SECONDS_BETWEEN_LOOKS
        self.loop.after(pause, self._looked)

    def _looked(self) -> None:
        everything = len(self._told) == len(self._left)
        for number in list(self._left):
            if everything or number not in self._told:
                self.see(number)
        self._look_anyway()
