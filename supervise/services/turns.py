"""The order in which services are started when many ask for it at once.

A service that asks for a start gets its turn at once, if nobody is before it and the loop has
not spent a portion of time on starts in this round. Otherwise it waits in line, and the lines are
served a portion at a time. Between two portions the loop looks at everything else: commands,
signals, deaths, times. There are three lines. Nobody in one of them is served before those in
the lines ahead of it.

- ``LASTED``: services that ran for a while before they died. They are what others rely on.
- ``NEW``: services that start for the first time, or because somebody said so.
- ``CRASHED``: services that died soon after their start. A bad library can make this all the
  services of a machine, and they never stop asking.

**Pace.** After a start of a service that crashed, the next of them waits as long as that start
took; after a portion of such starts, as long as the portion took. So these never take more than
half of one processor from those that work.

Before the loop's first round, everybody gets a turn at once: nobody is there to be kept waiting.
"""

from __future__ import annotations

from collections import deque

from slashservice.supervise.platform.loop import PORTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop

    Turn = Callable[[], None]


LASTED = 0
NEW = 1
CRASHED = 2

PORTIONS = (0.1, 0.1, PORTION)
"""Seconds after which the loop gets on with other things, for each line.

Many that start for the first time start faster in larger portions, and that happens once.
"""


class Turns:
    """Calls back whoever asks for a turn, now or as soon as it is their turn.

    ``begins`` is called with the number of those who wait before a portion of them is served,
    ``ends`` after it. They can be set by whoever knows a faster way to start many.
    """

    def __init__(self, loop: Loop) -> None:
        self.begins: Callable[[int], None] = lambda waiting: None
        self.ends: Callable[[], None] = lambda: None
        self._loop = loop
        self._lines: tuple[deque[Turn], ...] = (deque(), deque(), deque())
        self._waiting: dict[Turn, int] = {}
        """In which line each waits. Who moved up left a place in the old line, which is void."""
        self._round = 0
        self._spent = 0.0
        """The seconds that turns took in this round of the loop."""
        self._crashed_from = 0.0
        """When the next one that crashed may be served."""
        self._next_portion: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, turn: Turn, line: int) -> bool:
        """Call ``turn`` now, or have it wait in ``line``; tell whether it was called.

        Whoever waits already keeps its place, or moves up to the end of a better line.
        """
        if self._is_free(line):
            self._waiting.pop(turn, None)
            self._take(turn, line)
            return True
        if line < self._waiting.get(turn, len(self._lines)):
            self._waiting[turn] = line
            self._lines[line].append(turn)
        self._schedule()
        return False

    def _is_free(self, line: int) -> bool:
        """Tell whether somebody may have a turn without waiting."""
        if self._loop.rounds == 0:
            return True
        if self._round != self._loop.rounds:
            self._round = self._loop.rounds
            self._spent = 0.0
        if any(self._lines[: line + 1]) or self._spent >= PORTIONS[line]:
            return False
        return line != CRASHED or self._loop.clock() >= self._crashed_from

    def _take(self, turn: Turn, line: int) -> None:
        began = self._loop.clock()
        turn()
        self._spent += self._loop.clock() - began
        if line == CRASHED:
            self._pace(began)

    def _pace(self, began: float) -> None:
        """Starts after a crash have taken the time since ``began``: let as much pass."""
        now = self._loop.clock()
        self._crashed_from = now + (now - began)

    def _schedule(self) -> None:
        """See to it that the next portion is served in time, if anybody waits."""
        if not self._waiting:
            return
        when = self._loop.clock()
        if not self._lines[LASTED] and not self._lines[NEW]:
            when = max(when, self._crashed_from)
        if self._next_portion is None or when < self._next_portion:
            self._next_portion = when
            self._loop.at(when, lambda: self._serve(when))

    def _serve(self, when: float) -> None:
        """Serve a portion, unless it was brought forward."""
        if when != self._next_portion:
            return
        self._next_portion = None
        began = self._loop.clock()
        served = set()
        self.begins(len(self._waiting))
        try:
            while (line := self._next_line(began)) is not None:
                turn = self._lines[line].popleft()
                if self._waiting.get(turn) == line:
                    del self._waiting[turn]
                    served.add(line)
                    turn()
                if self._loop.clock() - began >= PORTIONS[line]:
                    break
        finally:
            self.ends()
        if CRASHED in served:
            self._pace(began)
        self._schedule()

    def _next_line(self, now: float) -> int | None:
        """Return the first line in which somebody may be served; ``now`` is about the time."""
        for line, places in enumerate(self._lines):
            if places and (line != CRASHED or now >= self._crashed_from):
                return line
        return None
