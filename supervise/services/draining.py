"""Bringing all services of a scan directory down: in which order, and within what time.

Those with a file ``down-last`` serve the others to their end, as what passes on logs does. They
are brought down when all others have ended. Where these take long, or too long, the last ones are
still given a time of their own.
"""

from __future__ import annotations

from slashservice.supervise.services.pair import SECONDS_OF_GRACE
from slashservice.supervise.services.refusal import SECONDS_BETWEEN_TRIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.services.pair import Pair


class Drain:
    """A drain of all ``pairs`` that there are at any time.

    What has not ended after ``grace`` seconds is killed; 0 is for as long as it takes. ``added``
    is called when a pair has been added.
    """

    def __init__(
        self,
        loop: Loop,
        grace: int,
        pairs: Callable[[], list[Pair]],
        added: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._grace = grace
        self._pairs = pairs
        self._added = added
        self._is_over = False
        """Whether the time is over for all but the last ones."""
        self._last: set[Pair] = set()
        """Those that wait for the others."""
        self._last_until = 0.0
        """Until when they have time, once it is their turn."""
        self.has_begun = False

    def begin(self) -> None:
        """Bring all down that need not wait."""
        self.has_begun = True
        if self._grace:
            self._loop.after(self._grace, self._hurry)
        pairs = self._pairs()
        self._last = {pair for pair in pairs if pair.goes_last()}
        for pair in pairs:
            if pair.is_coming():
                self.add(pair)
            elif pair not in self._last:
                pair.drain()

    def add(self, pair: Pair) -> None:
        """Bring down what a killed svscan has left, once that can be had.

        It was not begun with before, and is not started. Nor is it again, should it end before its
        turn comes.
        """
        if pair.is_coming():
            self._loop.after(SECONDS_BETWEEN_TRIES, lambda: self.add(pair))
            return
        if pair.goes_last() and pair.runs_on():
            self._last.add(pair)
        else:
            pair.drain()
            if self._is_over:
                pair.hurry(self._grace)
        self._added()

    def go_on(self) -> None:
        """Some pair has ended, or none is to come: bring the last ones down if it is their turn."""
        pairs = self._pairs()
        if not self._last or not self._last.issuperset(pairs):
            return
        self._last.clear()
        self._last_until = self._loop.clock() + SECONDS_OF_GRACE
        for pair in pairs:
            pair.drain()
        if self._is_over:
            self._loop.at(self._last_until, self._hurry)

    def _hurry(self) -> None:
        """It has taken too long: have it end."""
        self._is_over = True
        if self._loop.clock() < self._last_until:
            self._loop.at(self._last_until, self._hurry)
            return
        for pair in self._pairs():
            if pair not in self._last:
                pair.hurry(self._grace)
