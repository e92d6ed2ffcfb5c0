"""What many services want done soon: one time for all, and a portion of them at a time."""

from __future__ import annotations

from slashservice.supervise.platform.loop import PORTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop


class Later:
    """Calls whoever asked within ``seconds`` after the first of them did, each once."""

    def __init__(self, loop: Loop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._calls: dict[Callable[[], None], None] = {}

    def ask(self, call: Callable[[], None]) -> None:
        """Call in ``seconds`` at the latest, if the loop has the time."""
        if not self._calls:
            self._loop.after(self._seconds, self._call_some)
        self._calls[call] = None

    def _call_some(self) -> None:
        end = self._loop.clock() + PORTION
        while self._calls:
            call = next(iter(self._calls))
            del self._calls[call]
            call()
            if self._loop.clock() >= end:
                break
        if self._calls:
            self._loop.after(0, self._call_some)
