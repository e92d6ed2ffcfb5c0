"""``readproctitle WORD... DOTS``: show what standard input says in the process title.

Its input is shifted through its last argument, where ``ps`` shows it. The first three dots
stay. Exit status 0 at the end of input, 111 if it can't be read, 100 and silence if the last
argument is shorter than five bytes.
"""

from __future__ import annotations

import os

from slashservice.supervise.messages import MISUSE, TROUBLE, Quit
from slashservice.supervise.platform.title import shower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


KEPT = 3
SHORTEST = 5


def main(argv: Sequence[bytes]) -> int:
    """Read until the end of input."""
    if not argv or len(argv[-1]) < SHORTEST:
        raise Quit(MISUSE)
    title = b"." * len(argv[-1])
    show = shower(len(title))
    show(title)
    while True:
        try:
            data = os.read(0, 65536)
        except OSError:
            return TROUBLE
        if not data:
            return 0
        title = shift(title, data)
        show(title)


def shift(title: bytes, data: bytes) -> bytes:
    """Return ``title`` with ``data`` shifted in from the right, behind the dots that stay."""
    room = len(title) - KEPT
    return title[:KEPT] + (title[KEPT:] + data.replace(b"\0", b""))[-room:]
