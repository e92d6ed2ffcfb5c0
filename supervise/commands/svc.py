"""``svc -udopchaitkx12q DIR...``: steer supervised services.

The letters go to each service's control FIFO in the order given, each once. A directory
that fails gives a warning and the next is tried; the exit status is 0 all the same, and
100 for an unknown option.
"""

from __future__ import annotations

import errno

from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import MISUSE, Quit, warn
from slashservice.supervise.protocol import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


LETTERS = "udopchaitkx12q"

USAGE = (
    b"svc options: u up, d down, o once, x exit, p pause, c continue, "
    b"h hup, a alarm, i interrupt, t term, k kill, 1 usr1, 2 usr2, q quit\n"
)


def main(argv: Sequence[bytes]) -> int:
    """Send the letters given as options to the service directories named."""
    letters = b""
    options = Options("svc", argv, LETTERS)
    for letter, _ in options:
        if letter == BAD:
            raise Quit(MISUSE, USAGE)
        if letter.encode() not in letters:
            letters += letter.encode()
    for directory, trouble in client.visit("svc", options.rest):
        if trouble:
            warn("svc", b"unable to chdir to " + directory, trouble)
        else:
            control(directory, letters)
    return 0


def control(directory: bytes, letters: bytes) -> None:
    """Send ``letters`` to the service in the current directory; warn of what goes wrong.

    ``directory`` is what warnings call it.
    """
    try:
        client.tell(b"", letters)
    except OSError as error:
        if error.filename is None:
            warn("svc", b"error writing commands to " + directory, error)
        elif error.errno == errno.ENXIO:
            warn("svc", b"unable to control " + directory + b": supervise not running")
        else:
            warn("svc", b"unable to control " + directory, error)
