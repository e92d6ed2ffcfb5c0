"""Being told to end while waiting: what follows logs shows what there is, and then ends."""

from __future__ import annotations

from slashservice.supervise import signal_numbers, signals

SECONDS_TO_END = 2
"""How long we may still write when we are told to end. A reader that is stuck takes for ever."""


class Told(Exception):  # noqa: N818 - as in "told to end"
    """We were told to end while waiting."""


class Ending:
    """TERM and INT, for a follower that shows all there is before it ends."""

    def __init__(self) -> None:
        self.is_told = False
        self._waits = False
        for number in (signal_numbers.SIGTERM, signal_numbers.SIGINT):
            if signals.getsignal(number) != signals.SIG_IGN:
                signals.signal(number, self._tell)

    def _tell(self, number: int, frame: object) -> None:
        if not self.is_told:
            signals.alarm(SECONDS_TO_END)
        self.is_told = True
        if self._waits:
            raise Told

    def __enter__(self) -> None:
        """From here on it may be interrupted. Raises ``Told``."""
        self._waits = True
        if self.is_told:
            raise Told

    def __exit__(self, *error: object) -> None:
        self._waits = False
