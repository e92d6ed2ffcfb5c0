"""``tai64nlocal``: turn the TAI64N labels that lines begin with into local time."""

from __future__ import annotations

import time

from slashservice.supervise.logs import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    convert = labels.LabelFilter(LocalTime().show)
    return labels.run(convert.convert, convert.rest)


class LocalTime:
    """Shows times; remembers the last second, as most lines are close to the one before."""

    def __init__(self) -> None:
        self._high = b"?"
        self._shown: bytes | None = None

    def show(self, high: bytes, nanoseconds: int) -> bytes | None:
        """Return ``YYYY-MM-DD HH:MM:SS.nnnnnnnnn``; None if no calendar goes that far."""
        if high != self._high:
            self._high = high
            self._shown = _second(high)
        return None if self._shown is None else b"%s%09d" % (self._shown, nanoseconds)


def _second(high: bytes) -> bytes | None:
    try:
        local = time.localtime(labels.seconds(high))
    except (OverflowError, ValueError, OSError):
        return None
    return b"%d-%02d-%02d %02d:%02d:%02d." % local[:6]
