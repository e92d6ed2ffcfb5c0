"""A run of svscan, from the moment it takes its scan directory until it ends.

The commands svscan and svscanboot have this in common.
"""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise import messages, signal_numbers, signals
from slashservice.supervise.chain import environment
from slashservice.supervise.messages import fatal, message
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import names, record
from slashservice.supervise.services import notify
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.refusal import Refused, outwait
from slashservice.supervise.services.scanner import Scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


OBEYED = (
    signal_numbers.SIGTERM,
    signal_numbers.SIGUSR1,
    signal_numbers.SIGHUP,
    signal_numbers.SIGQUIT,
)
"""The signals that :func:`obey_signals` is sure to unblock."""


def run(directory: bytes, loop: Loop) -> int:
    """Scan ``directory`` until told to end; return the exit status."""
    try:
        path = os.path.join(os.getcwdb(), directory)
        os.chdir(directory)
        os.chdir("/")  # nobody shall be kept from unmounting it
    except OSError as error:
        raise fatal("svscan", b"unable to chdir to " + directory, error) from None
    messages.write = messages.to_standard_error_without_waiting
    lock(path)
    inherited = environment.inherited()
    tell = notify.notifier(inherited)
    heritage = Heritage(notify.without(inherited), record.life(), loop.mask)
    limit = heritage.raise_descriptor_limit()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    context = Context(loop, heritage, limit, null)
    scanner = Scanner(context, path)
    obey_signals(loop, scanner, tell)
    scanner.scan()
    tell(b"READY=1")
    loop.run()
    return 0


def obey_signals(loop: Loop, scanner: Scanner, tell: Callable[[bytes], None]) -> None:
    """Have each signal do what the manual of svscan says; ``tell`` informs the init system."""

    def drain() -> None:
        tell(b"STOPPING=1")
        scanner.drain()

    loop.on_signal(signal_numbers.SIGTERM, drain)
    if signals.getsignal(signal_numbers.SIGINT) != signals.SIG_IGN:
        loop.on_signal(signal_numbers.SIGINT, drain)
    loop.on_signal(signal_numbers.SIGUSR1, lambda: scanner.drain(stay=True))
    loop.on_signal(signal_numbers.SIGHUP, scanner.scan)
    loop.on_signal(signal_numbers.SIGQUIT, scanner.leave)


def lock(path: bytes) -> None:
    """Be the only svscan on ``path``, by a lock, and put our pid beside that.

    Where neither can be written, as on a read-only root, we do without.
    """
    lock_file = os.path.join(path, names.SCANNER_LOCK)
    try:
        os.makedirs(os.path.join(path, names.SCANNER), 0o700, exist_ok=True)
        fd = os.open(lock_file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return

    def take() -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            what = b"unable to acquire " + lock_file
            raise Refused(message("svscan", b"fatal", what, error), busy=True) from None

    outwait(take)
    # From here on somebody may read our pid and send a signal. It waits until we can obey.
    signals.pthread_sigmask(signals.SIG_BLOCK, OBEYED)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        pid = os.open(os.path.join(path, names.SCANNER_PID), flags, 0o644)
        os.write(pid, b"%d\n" % os.getpid())
        os.close(pid)
    except OSError:
        return
