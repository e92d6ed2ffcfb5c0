"""What a service said last: the end of its log."""

from __future__ import annotations

import os

from slashservice.supervise.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen


def last_words(seen: Seen, number: int = 1, since: int = 0) -> list[str]:
    """Return the last lines that a service logged, if they can be read.

    Those with a stamp before ``since``, in Unix nanoseconds, are left out.
    """
    from slashservice.supervise.logs import tail

    lines = tail.last_lines(os.fsencode(seen.path), number)
    return [
        printable(text.decode("utf-8", "surrogateescape"))
        for when, text in lines
        if when is None or when >= since
    ]
