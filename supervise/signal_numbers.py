"""Signals by name: plain integers, with no function that sends or catches one.

The numbers are the system's own. A signal that the system lacks has the number that it has
had since V7 or 4.2BSD, so that whoever only talks of it can do so everywhere.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

SIGHUP: int = getattr(_signal, "SIGHUP", 1)
SIGINT: int = getattr(_signal, "SIGINT", 2)
SIGQUIT: int = getattr(_signal, "SIGQUIT", 3)
SIGKILL: int = getattr(_signal, "SIGKILL", 9)
SIGPIPE: int = getattr(_signal, "SIGPIPE", 13)
SIGALRM: int = getattr(_signal, "SIGALRM", 14)
SIGTERM: int = getattr(_signal, "SIGTERM", 15)
SIGSTOP: int = getattr(_signal, "SIGSTOP", 17)
SIGTSTP: int = getattr(_signal, "SIGTSTP", 18)
SIGCONT: int = getattr(_signal, "SIGCONT", 19)
SIGCHLD: int = getattr(_signal, "SIGCHLD", 20)
SIGXFSZ: int = getattr(_signal, "SIGXFSZ", 25)
SIGWINCH: int = getattr(_signal, "SIGWINCH", 28)
SIGUSR1: int = getattr(_signal, "SIGUSR1", 30)
SIGUSR2: int = getattr(_signal, "SIGUSR2", 31)


def name(number: int) -> str:
    """Return what a signal is called, with its ``SIG``; empty if it has no name here.

    Of two names it is the one that comes first in the alphabet: ``SIGCHLD``, and not ``SIGCLD``.
    The module ``signal`` does the same, and takes long to load.
    """
    for found, value in sorted(vars(_signal).items()):
        if value == number and found[:3] == "SIG" and found[3] != "_":
            return found
    return ""
