"""setlock: run a program while holding a lock on a file."""

from __future__ import annotations

from slashservice.supervise.chain import lockfile, pathexec
from slashservice.supervise.getopt import Options
from slashservice.supervise.messages import Quit, fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "setlock"


def main(argv: Sequence[bytes]) -> int:
    """Be ``setlock [-nNxX] FILE PROGRAM``.

    ``-n`` does not wait for the lock. ``-x`` ends in silence, with status 0, if the lock can't
    be had. ``-N`` and ``-X`` take these back.
    """
    wait, silent = True, False
    options = Options(NAME, argv, "nNxX")
    for letter, _ in options:
        if letter in "nN":
            wait = letter == "N"
        elif letter in "xX":
            silent = letter == "x"
        else:
            raise misuse()
    if len(options.rest) < 2:
        raise misuse()
    file = options.rest[0]
    try:
        fd = lockfile.open_for(file)
    except OSError as error:
        if silent:
            raise Quit(0) from None
        raise fatal(NAME, b"unable to open " + file, error) from None
    try:
        lockfile.lock(fd, wait)
    except OSError as error:
        if silent:
            raise Quit(0) from None
        raise fatal(NAME, b"unable to lock " + file, error) from None
    pathexec.run_or_fail(NAME, options.rest[1:])


def misuse() -> Quit:
    """Make the end by a wrong call."""
    return usage(NAME, "setlock [ -nNxX ] file program [ arg ... ]")
