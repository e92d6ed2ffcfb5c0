"""A run of svscan, from the moment it takes its scan directory until it ends.

The commands svscan and svscanboot have this in common.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages, signal_numbers, signals
from slashservice.supervise.chain import environment
from slashservice.supervise.getopt import Options
from slashservice.supervise.messages import (
    TROUBLE,
    Quit,
    complain,
    fatal,
    message,
    usage,
    warn,
)
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import places, record, scanner_pid
from slashservice.supervise.protocol.scan_directory import SECONDS_OF_DRAIN
from slashservice.supervise.services import keeping, notify, preloading, scan_lock
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage
from slashservice.supervise.services.personality import KEEPER, RUNSVDIR, SVSCAN, SVSCAN_STOPPING
from slashservice.supervise.services.scanner import Scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.protocol.deaths import Death


OBEYED = (
    signal_numbers.SIGTERM,
    signal_numbers.SIGUSR1,
    signal_numbers.SIGHUP,
    signal_numbers.SIGQUIT,
)
"""The signals that :func:`obey_signals` is sure to unblock."""


SIGNALLED = 128
"""Exit statuses above it tell of a signal, as those of shells do."""

LONGEST_GRACE = 9
"""Digits that a number of seconds may have."""


class Orders:
    """What the words of a command line ask for.

    ``directory`` is to be scanned, None if it is not given. ``grace`` is how many seconds a drain
    may take before what is left is killed, 0 for as long as it likes. With ``wait`` the end of
    another svscan on that directory is awaited. With ``essential`` all ends with an essential
    service that ends by itself. With ``down`` nothing is started: what a killed svscan left is
    brought down, and that is all. Its ``personality`` is the supervisor's.
    """

    taken: Callable[[], None] = staticmethod(lambda: None)
    kinds: tuple[bytes, ...] = (scanner_pid.RUNS,)
    """What is noted of it."""

    needs_directory = True
    """Whether there has to be a directory at the start."""

    def __init__(self, program: str, argv: Sequence[bytes], grace: int = SECONDS_OF_DRAIN) -> None:
        self.grace = grace
        self.wait = True
        self.essential = False
        self.down = False
        self.personality = SVSCAN
        options = Options(program, argv, "denrg:")
        for letter, value in options:
            if letter == "n":
                self.wait = False
            elif letter == "d":
                self.down = True
            elif letter == "e":
                self.essential = True
            elif letter == "r":
                self.personality = SVSCAN_STOPPING
            elif letter == "g" and value.isdigit() and len(value) <= LONGEST_GRACE:
                self.grace = int(value)
            else:
                raise usage(program, f"{program} [-denr] [-g seconds] [dir]")
        self.directory = options.rest[0] if options.rest else None


class OfRunsvdir(Orders):
    """What runsvdir does. It waits until there is a directory.

    With ``keeps`` it goes on with the services that there are. It calls ``taken`` when it has seen
    all.
    """

    needs_directory = False

    def __init__(self, keeps: bool = False, taken: Callable[[], None] = lambda: None) -> None:
        super().__init__("runsvdir", ())
        self.taken = taken
        self.personality = KEEPER if keeps else RUNSVDIR
        self.wait = not keeps
        self.kinds = (scanner_pid.KEEPS, scanner_pid.KEEPS_PATH) if keeps else (scanner_pid.RUNS,)


def run(directory: bytes, loop: Loop, orders: Orders) -> int:
    """Scan ``directory`` until told to end; return the exit status."""
    try:
        path = os.path.join(os.getcwdb(), directory)
        if orders.needs_directory:
            os.chdir(directory)
        os.chdir("/")  # nobody shall be kept from unmounting it
    except OSError as error:
        raise fatal("svscan", b"unable to chdir to " + directory, error) from None
    messages.write = messages.to_standard_error_without_waiting
    try:
        told = scan_lock.take(loop, path, orders.wait)
    except Quit:
        if orders.personality.keeps:
            return 0  # the next runsvdir was faster
        raise
    if told == signal_numbers.SIGTERM:
        return 0
    # From here on somebody may read our pid and send a signal. It waits until we can obey.
    signals.pthread_sigmask(signals.SIG_BLOCK, OBEYED)
    for kind in orders.kinds:
        note(path, kind)
    try:
        inherited = environment.inherited()
        tell = notify.notifier(inherited)
        heritage = Heritage(notify.without(inherited), record.life(), loop.mask)
        limit = heritage.raise_descriptor_limit()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise fatal("svscan", b"unable to start", error) from None
    if places.is_packaged():
        preloading.load()
    context = Context(loop, heritage, limit, null, orders.personality)
    session = Session(context, path, Scanner(context, path, orders.grace), tell)
    session.obey_signals(orders)
    if orders.essential:
        context.ends_all = session.essential_ended
    if told or orders.down:
        session.drain_and_stay()
    session.scanner.scan()

    def seen() -> None:
        tell(b"READY=1")
        orders.taken()
        if orders.down:
            session.status = TROUBLE if session.scanner.failed else 0
            session.drain()

    session.scanner.when_seen(seen)
    loop.run()
    for kind in (scanner_pid.DRAINED, *orders.kinds):
        scanner_pid.remove(path, kind)
    return session.status


class Session:
    """What signals do to a run; ``tell`` informs the init system. It ends with ``status``."""

    def __init__(
        self, context: Context, path: bytes, scanner: Scanner, tell: Callable[[bytes], None]
    ) -> None:
        self.context = context
        self.path = path
        self.scanner = scanner
        self.tell = tell
        self.status = 0
        scanner.moved = self.follow

    def obey_signals(self, orders: Orders) -> None:
        """Have each signal do what the manual of svscan, or of runsvdir, says."""
        loop, scanner = self.context.loop, self.scanner
        is_runsvdir = orders.personality is RUNSVDIR
        if not is_runsvdir or os.getpid() == 1:  # as PID 1 it would leave nothing running
            loop.on_signal(signal_numbers.SIGTERM, self.drain)
            if signals.getsignal(signal_numbers.SIGINT) != signals.SIG_IGN:
                loop.on_signal(signal_numbers.SIGINT, self.drain)
        else:
            loop.on_signal(signal_numbers.SIGTERM, self.leave_to_keeper)
        loop.on_signal(signal_numbers.SIGHUP, self.end_in_trouble if is_runsvdir else scanner.scan)
        if self.context.personality.runit:  # as runit's, which nohup does not make deaf services of
            numbers = signal_numbers.SIGTERM, signal_numbers.SIGHUP, signal_numbers.SIGALRM
            loop.give_default(*numbers)
        loop.on_signal(signal_numbers.SIGUSR1, self.drain_and_stay)
        loop.on_signal(signal_numbers.SIGQUIT, scanner.leave)

    def drain(self) -> None:
        """Bring all services down, and then end."""
        self.tell(b"STOPPING=1")
        self.scanner.drain()

    def drain_and_stay(self) -> None:
        """Bring all services down, and go on without."""
        self.scanner.drain(stay=True)
        note(self.path, scanner_pid.DRAINED)

    def essential_ended(self, name: bytes, death: Death) -> None:
        """An essential service has ended: bring all others down, and then end as it did.

        The status is its own, or 128 and the signal that it died of. The first such end counts.
        """
        if self.context.drains or self.context.ends_all is None:
            return
        self.context.ends_all = None
        if death.signal:
            self.status, how = SIGNALLED + death.signal, b"signal %d" % death.signal
        elif death.code >= 0:
            self.status, how = death.code, b"exit %d" % death.code
        else:
            self.status, how = TROUBLE, b"nobody knows how"
        what = name + b" is essential and has ended (%b): all services end" % how
        complain(message("svscan", b"warning", what))
        self.context.loop.after(0, self.drain)

    def leave_to_keeper(self) -> None:
        """End at once. As runit's runsvs would, a process of its own goes on with the services."""
        self.tell(b"STOPPING=1")
        try:
            keeping.leave(self.context.heritage, self.path, self.scanner.fifos())
        except OSError as error:
            warn("svscan", b"unable to start what keeps the services", error)
        self.scanner.leave()

    def end_in_trouble(self) -> None:
        """Bring all services down, and then end with the status that has runit start us again."""
        self.status = TROUBLE
        self.drain()

    def follow(self) -> None:
        """Another directory is at our path: have its lock, and our pid where clients find it."""
        scan_lock.follow(self.path)
        note(self.path)


def note(path: bytes, kind: bytes = scanner_pid.RUNS) -> None:
    """Put our pid where clients find it. Where that is not possible, we do without."""
    try:
        scanner_pid.write(path, kind)
    except OSError:
        pass
