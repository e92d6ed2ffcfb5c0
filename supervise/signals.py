"""Signals without the ``signal`` module's start-up cost.

The standard ``signal`` wraps the built-in ``_signal`` to give its constants enum types,
which costs three milliseconds before a command has done anything: more than all the rest
of ``svc``. The built-in module has the same functions and plain integers.

Signals reach the event loop in :mod:`~slashservice.supervise.platform.loop`; what svscan does
at each is in :mod:`~slashservice.supervise.services.session`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

SIG_DFL: int = _signal.SIG_DFL
SIG_IGN: int = _signal.SIG_IGN
SIG_BLOCK: int = _signal.SIG_BLOCK
SIG_SETMASK: int = _signal.SIG_SETMASK
SIG_UNBLOCK: int = _signal.SIG_UNBLOCK

EVERY: frozenset[int] = frozenset(_signal.valid_signals())
"""Every signal there is."""

signal = _signal.signal
getsignal = _signal.getsignal
set_wakeup_fd = _signal.set_wakeup_fd
alarm = _signal.alarm
pthread_sigmask = _signal.pthread_sigmask

IGNORED_BY_PYTHON: tuple[int, ...] = (_signal.SIGPIPE, _signal.SIGXFSZ)
"""What CPython ignores at start-up, and a program it execs would inherit as ignored."""


HELD_BACK: tuple[int, ...] = (_signal.SIGTERM, _signal.SIGUSR1, _signal.SIGHUP, _signal.SIGQUIT)
"""What svscan obeys, and as PID 1 must not lose before it can."""

_mask_before: set[int] | None = None


def hold_back() -> None:
    """Block the signals of ``HELD_BACK`` until somebody unblocks them, as the event loop does.

    The kernel drops a signal to PID 1 that has no handler, but keeps a blocked one.
    """
    global _mask_before
    before = pthread_sigmask(SIG_BLOCK, HELD_BACK)
    if _mask_before is None:
        _mask_before = set(before)


def mask_at_start() -> set[int]:
    """Return the signals that were blocked when this process was started."""
    return set(pthread_sigmask(SIG_BLOCK, []) if _mask_before is None else _mask_before)


def restore_defaults() -> None:
    """Undo what the interpreter's start-up did to signals, as just before an exec.

    Our parent may have ignored them for us, but by now nothing tells.
    """
    for number in IGNORED_BY_PYTHON:
        signal(number, SIG_DFL)


def ignore_as_python_does() -> None:
    """Put the signals of :func:`restore_defaults` into the state of a fresh interpreter."""
    for number in IGNORED_BY_PYTHON:
        signal(number, SIG_IGN)


def do_nothing(number: int, frame: object) -> None:
    """Handle a signal whose number the interpreter has written to the wake-up descriptor."""


def die_of_interrupt() -> None:
    """Let ^C end this process as it ends a C program, unless it was ignored at the start."""
    if getsignal(_signal.SIGINT) != SIG_IGN:
        signal(_signal.SIGINT, SIG_DFL)
