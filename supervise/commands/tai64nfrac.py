"""``tai64nfrac``: turn the TAI64N labels that lines begin with into Unix time, with a fraction."""

from __future__ import annotations

from slashservice.supervise.logs import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    convert = labels.LabelFilter(UnixTime().show)
    return labels.run(convert.convert, convert.rest)


class UnixTime:
    """Shows times; remembers the last second, as most lines are close to the one before."""

    def __init__(self) -> None:
        self._high = b"?"
        self._second = 0
        self._shown = b""

    def show(self, high: bytes, nanoseconds: int) -> bytes:
        """Return the seconds since 1970 as a decimal number with nine places."""
        if high != self._high:
            self._high = high
            self._second = labels.seconds(high)
            self._shown = b"%d." % self._second
        if self._second >= 0 and nanoseconds < 1_000_000_000:
            return b"%s%09d" % (self._shown, nanoseconds)
        whole = self._second * 1_000_000_000 + nanoseconds
        return b"%s%d.%09d" % (b"-" if whole < 0 else b"", *divmod(abs(whole), 1_000_000_000))
