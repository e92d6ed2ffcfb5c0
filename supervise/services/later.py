"""What many services want done soon: one time for all, and a portion of them at a time."""

from __future__ import annotations

from slashservice.supervise.platform.loop import PORTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop


LONGEST = 10.0
"""Seconds for which ``waits`` counts at most."""


class Later:
    """Calls whoever asked within ``seconds`` after the first of them did, each once.

    While ``waits`` is true it waits as long again, but not for ever.
    """

    def __init__(
        self, loop: Loop, seconds: float, waits: Callable[[], bool] = lambda: False
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._waits = waits
        self._until = 0.0
        self._calls: dict[Callable[[], None], None] = {}

    def ask(self, call: Callable[[], None]) -> None:
        """Call in ``seconds`` at the latest, if nothing is to be waited for."""
        if not self._calls:
            self._until = self._loop.clock() + LONGEST
            self._loop.after(self._seconds, self._call_some)
        self._calls[call] = None

    def _call_some(self) -> None:
        now = self._loop.clock()
        if now < self._until and self._waits():
            self._loop.after(self._seconds, self._call_some)
            return
        while self._calls:
            call = next(iter(self._calls))
            del self._calls[call]
            call()
            if self._loop.clock() >= now + PORTION:
                break
        if self._calls:
            self._loop.after(0, self._call_some)
