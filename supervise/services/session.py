"""A run of svscan, from the moment it takes its scan directory until it ends.

The commands svscan and svscanboot have this in common.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages, signal_numbers, signals
from slashservice.supervise.chain import environment
from slashservice.supervise.getopt import Options
from slashservice.supervise.messages import fatal, usage
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record, scanner_pid
from slashservice.supervise.protocol.scan_directory import SECONDS_OF_DRAIN
from slashservice.supervise.services import notify, scan_lock
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.scanner import Scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


OBEYED = (
    signal_numbers.SIGTERM,
    signal_numbers.SIGUSR1,
    signal_numbers.SIGHUP,
    signal_numbers.SIGQUIT,
)
"""The signals that :func:`obey_signals` is sure to unblock."""


LONGEST_GRACE = 9
"""Digits that a number of seconds may have."""


class Orders:
    """What the words of a command line ask for.

    ``directory`` is to be scanned, None if it is not given. ``grace`` is how many seconds a drain
    may take before what is left is killed, 0 for as long as it likes. With ``wait`` the end of
    another svscan on that directory is awaited.
    """

    def __init__(self, program: str, argv: Sequence[bytes]) -> None:
        self.grace = SECONDS_OF_DRAIN
        self.wait = True
        options = Options(program, argv, "ng:")
        for letter, value in options:
            if letter == "n":
                self.wait = False
            elif letter == "g" and value.isdigit() and len(value) <= LONGEST_GRACE:
                self.grace = int(value)
            else:
                raise usage(program, f"{program} [-n] [-g seconds] [dir]")
        self.directory = options.rest[0] if options.rest else None


def run(directory: bytes, loop: Loop, orders: Orders) -> int:
    """Scan ``directory`` until told to end; return the exit status."""
    try:
        path = os.path.join(os.getcwdb(), directory)
        os.chdir(directory)
        os.chdir("/")  # nobody shall be kept from unmounting it
    except OSError as error:
        raise fatal("svscan", b"unable to chdir to " + directory, error) from None
    messages.write = messages.to_standard_error_without_waiting
    told = scan_lock.take(loop, path, orders.wait)
    if told == signal_numbers.SIGTERM:
        return 0
    # From here on somebody may read our pid and send a signal. It waits until we can obey.
    signals.pthread_sigmask(signals.SIG_BLOCK, OBEYED)
    note(path)
    try:
        inherited = environment.inherited()
        tell = notify.notifier(inherited)
        heritage = Heritage(notify.without(inherited), record.life(), loop.mask)
        limit = heritage.raise_descriptor_limit()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise fatal("svscan", b"unable to start", error) from None
    context = Context(loop, heritage, limit, null)
    scanner = Scanner(context, path, orders.grace)

    def drain_and_stay() -> None:
        scanner.drain(stay=True)
        note(path, scanner_pid.DRAINED)

    obey_signals(loop, scanner, tell, drain_and_stay)
    if told:
        drain_and_stay()
    scanner.scan()
    scanner.when_seen(lambda: tell(b"READY=1"))
    loop.run()
    for kind in (scanner_pid.DRAINED, scanner_pid.RUNS):
        scanner_pid.remove(path, kind)
    return 0


def obey_signals(
    loop: Loop,
    scanner: Scanner,
    tell: Callable[[bytes], None],
    drain_and_stay: Callable[[], None],
) -> None:
    """Have each signal do what the manual of svscan says; ``tell`` informs the init system."""

    def drain() -> None:
        tell(b"STOPPING=1")
        scanner.drain()

    loop.on_signal(signal_numbers.SIGTERM, drain)
    if signals.getsignal(signal_numbers.SIGINT) != signals.SIG_IGN:
        loop.on_signal(signal_numbers.SIGINT, drain)
    loop.on_signal(signal_numbers.SIGUSR1, drain_and_stay)
    loop.on_signal(signal_numbers.SIGHUP, scanner.scan)
    loop.on_signal(signal_numbers.SIGQUIT, scanner.leave)


def note(path: bytes, kind: bytes = scanner_pid.RUNS) -> None:
    """Put our pid where clients find it. Where that is not possible, we do without."""
    try:
        scanner_pid.write(path, kind)
    except OSError:
        pass
