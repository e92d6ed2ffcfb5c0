"""``svc -udopchaitkx12q DIR...``: steer supervised services.

The letters go to each service's control FIFO in the order given, each once. A directory
that fails gives a warning and the next is tried; the exit status is 0 all the same, and
100 for an unknown option.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise.getopt import BAD, Options
from slashservice.supervise.messages import MISUSE, Quit, fatal, warn, write_all

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
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError as error:
        raise fatal("svc", b"unable to open current directory", error) from None
    for directory in options.rest:
        control(directory, letters)
        try:
            os.fchdir(here)
        except OSError as error:
            raise fatal("svc", b"unable to set directory", error) from None
    os.close(here)
    return 0


def control(directory: bytes, letters: bytes) -> None:
    """Send ``letters`` to the service in ``directory``, warning of what goes wrong."""
    try:
        os.chdir(directory)
    except OSError as error:
        warn("svc", b"unable to chdir to " + directory, error)
        return
    try:
        # Without O_NONBLOCK this would wait for a supervisor; with it there must be one.
        fd = os.open("supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            warn("svc", b"unable to control " + directory + b": supervise not running")
        else:
            warn("svc", b"unable to control " + directory, error)
        return
    os.set_blocking(fd, True)
    try:
        write_all(fd, letters)
    except OSError as error:
        warn("svc", b"error writing commands to " + directory, error)
    os.close(fd)
