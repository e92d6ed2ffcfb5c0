"""``slashservice demo [DIR]``: svscan at work on a few small services, shown as it happens.

The demonstration makes a scan directory and runs svscan on it. DIR must be new or empty; without
it the directory is a temporary one. It goes on until ``q``, ^C, TERM or HUP, until its terminal
is closed, or for an hour where it has none. Then everything is brought down in order, and removed.
It needs no root, and nothing but Python.

What a demonstration has left in a temporary directory, if it was killed together with its guard,
the next one ends and removes.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.demo import guard, place
from slashservice.supervise.demo.paper import Paper
from slashservice.supervise.messages import MISUSE, Quit, fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.demo.place import Place


ENDS = (
    signal_numbers.SIGINT,
    signal_numbers.SIGTERM,
    signal_numbers.SIGHUP,
    signal_numbers.SIGQUIT,
)
"""The signals that end it. They are held back until there is somebody who ends it in order."""

OVER = "All down, and nothing left behind.\n"


def main(argv: Sequence[bytes]) -> int:
    """Show svscan at work until somebody has seen enough."""
    if len(argv) > 1:
        raise Quit(MISUSE, b"demo: usage: demo [dir]\n")
    _have_standard_descriptors()
    paper = Paper()
    for left in place.left_behind():
        what = "ended and removed" if _end(left) else "could not be ended"
        paper.put(f"An earlier demonstration was left in {left.root}: {what}.\n")
    mask = signals.pthread_sigmask(signals.SIG_BLOCK, ENDS)
    try:
        made = place.make(os.fsdecode(argv[0]) if argv else None)
    except OSError as error:
        path = os.fsencode(error.filename or (argv[0] if argv else "."))
        raise fatal("demo", b"unable to make " + path, error) from None
    try:
        started = guard.start(made, mask)
    except OSError as error:
        made.remove()
        raise fatal("demo", b"unable to start", error) from None
    os.close(made.lock)  # the guard has it
    try:
        from slashservice.supervise.demo.show import Show

        Show(made, started, paper, ENDS).run()
    finally:
        started.let_go()
        is_over = started.wait() or _end(place.abandoned(made.root))
    if is_over:
        paper.put(OVER)
        paper.finish()
    else:
        raise fatal("demo", b"not all could be ended; see what is in " + os.fsencode(made.root))
    if paper.error:
        raise fatal("demo", b"unable to write to standard output", paper.error)
    return 0


def _end(left: Place | None) -> bool:
    """End what is left in a folder whose guard is no more; tell whether nothing is."""
    if left is None:
        return False
    started = guard.start(left, signals.pthread_sigmask(signals.SIG_BLOCK, []))
    os.close(left.lock)
    started.let_go()
    return started.wait()


def _have_standard_descriptors() -> None:
    """Have no pipe of ours take the place of standard input, output or error that is closed.

    What is opened instead can't be written to, so that this is noticed.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDONLY)
        if fd > 2:
            os.close(fd)
            return
        os.set_inheritable(fd, True)
