"""Standard input, output and error, whatever we were started with.

Some are started with one of them closed. What is opened next would then be taken for it, by us or
by the commands that we run. So it is replaced: what is printed is lost just so, and known to be.

What was asked to be printed is the work of a verb that looks, and the verb fails without it. Of a
verb that does something the deed counts, and what could not be told is complained of. Who reads
no further, as ``head`` does, has got what he wanted.

What is said quotes names and files of others, so it is made harmless to a terminal here.

Init systems call what uses this: it imports little, and is fast.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise.printable import printable

KEPT = "\n\t"
"""What else than printable characters is said: there are several lines, of files of others, too."""

unsaid: list[OSError] = []
"""Why something could not be printed, as long as nobody has failed for it."""

_given_up: list[object] = []
"""Streams that still have what could not be written: they are not to try it once more."""


def guard() -> None:
    """Have all three streams open; what is printed to one that was closed fails."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if fd == 2 else os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def say(line: str) -> None:
    """Print a line, harmless to a terminal; that it can't be read must not stop an installation."""
    try:
        sys.stdout.write(f"{printable(line, KEPT)}\n")
        sys.stdout.flush()
    except OSError as error:
        _lost(error)


def complain(text: str) -> None:
    """Write to standard error, harmlessly, if that can be."""
    try:
        sys.stderr.write(printable(text, KEPT))
        sys.stderr.flush()
    except OSError:
        pass


def flush() -> None:
    """Have written what was printed by others than ``say``."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _lost(error)


def _lost(error: OSError) -> None:
    """Keep in mind why a line is lost, and print no more."""
    if not isinstance(error, BrokenPipeError):
        unsaid.append(error)
    _given_up.append(sys.stdout)
    sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def end(status: int) -> None:
    """End the process; nothing is written any more. Never returns."""
    os._exit(status)
