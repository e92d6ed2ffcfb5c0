"""Signals without the ``signal`` module's start-up cost.

The standard ``signal`` wraps the built-in ``_signal`` to give its constants enum types,
which costs three milliseconds before a command has done anything: more than all the rest
of ``svc``. The built-in module has the same functions and plain integers.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

SIG_DFL: int = _signal.SIG_DFL
SIG_IGN: int = _signal.SIG_IGN
SIG_BLOCK: int = _signal.SIG_BLOCK
SIG_SETMASK: int = _signal.SIG_SETMASK
SIG_UNBLOCK: int = _signal.SIG_UNBLOCK

SIGHUP: int = _signal.SIGHUP
SIGINT: int = _signal.SIGINT
SIGQUIT: int = _signal.SIGQUIT
SIGKILL: int = _signal.SIGKILL
SIGUSR1: int = _signal.SIGUSR1
SIGUSR2: int = _signal.SIGUSR2
SIGPIPE: int = _signal.SIGPIPE
SIGALRM: int = _signal.SIGALRM
SIGTERM: int = _signal.SIGTERM
SIGCHLD: int = _signal.SIGCHLD
SIGCONT: int = _signal.SIGCONT
SIGSTOP: int = _signal.SIGSTOP
SIGXFSZ: int = _signal.SIGXFSZ
EVERY: frozenset[int] = frozenset(_signal.valid_signals())
"""Every signal there is."""

signal = _signal.signal
getsignal = _signal.getsignal
set_wakeup_fd = _signal.set_wakeup_fd
pthread_sigmask = _signal.pthread_sigmask
pidfd_send_signal = getattr(_signal, "pidfd_send_signal", None)

IGNORED_BY_PYTHON = (SIGPIPE, SIGXFSZ)
"""What CPython ignores at start-up, and a program it execs would inherit as ignored."""


def restore_defaults() -> None:
    """Undo what the interpreter's start-up did to signals, as just before an exec.

    Whether the one who started us had them ignored can't be found out any more.
    """
    for number in IGNORED_BY_PYTHON:
        signal(number, SIG_DFL)


def ignore_as_python_does() -> None:
    """Put the signals of :func:`restore_defaults` into the state of a fresh interpreter."""
    for number in IGNORED_BY_PYTHON:
        signal(number, SIG_IGN)
