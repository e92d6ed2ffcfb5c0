"""``tai64nlocal``: turn the TAI64N labels that lines begin with into local time."""

from __future__ import annotations

import time

from slashservice.supervise.logs import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    return labels.replace(local_time)


def local_time(second: int) -> Callable[[int], bytes | None]:
    """Show moments as ``YYYY-MM-DD HH:MM:SS.nnnnnnnnn``; none where no calendar goes that far."""
    try:
        local = time.localtime(second)
    except (OverflowError, ValueError, OSError):
        return lambda nanoseconds: None
    shown = b"%d-%02d-%02d %02d:%02d:%02d." % local[:6]
    return lambda nanoseconds: b"%s%09d" % (shown, nanoseconds)
