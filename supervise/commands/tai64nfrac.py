"""``tai64nfrac``: turn the TAI64N labels that lines begin with into Unix time, with a fraction."""

from __future__ import annotations

from slashservice.supervise.logs import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BILLION = 1_000_000_000
"""Nanoseconds of a second; a label may have more."""


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    return labels.replace(unix_time)


def unix_time(second: int) -> Callable[[int], bytes]:
    """Show moments as seconds since 1970: a decimal number with nine places."""
    whole = b"%d." % second

    def show(nanoseconds: int) -> bytes:
        if second >= 0 and nanoseconds < BILLION:
            return b"%s%09d" % (whole, nanoseconds)
        total = second * BILLION + nanoseconds
        return b"%s%d.%09d" % (b"-" if total < 0 else b"", *divmod(abs(total), BILLION))

    return show
