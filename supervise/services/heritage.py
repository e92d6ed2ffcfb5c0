"""What a daemon inherits.

A daemon gets what it would get from C: the descriptors that were open when we were started
(ours are all close-on-exec), the umask, the soft descriptor limit and the signals as they were
then, a signal mask without SIGCHLD, the environment to the byte. On purpose it gets two things
more. A session of its own keeps a daemon that signals its process group from hitting the
supervisor. Under ``svscan`` its input is ``/dev/null``.

:mod:`~slashservice.supervise.services.starters` hands all of it over.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Heritage:
    """What every daemon is given. It is determined once, when the supervisor starts."""

    def __init__(self, environment: Sequence[bytes], life: bytes, mask: set[int]) -> None:
        self.environment = environment
        self.life = life
        self.mask = mask - {signal_numbers.SIGCHLD}
        self.descriptor_limit: tuple[int, int] | None = None
        """Soft and hard limit to give daemons, if ``raise_descriptor_limit`` changed ours."""
        self._descriptors = posix.inheritable_descriptors()

    def let_go(self, kept: set[int]) -> None:
        """In a child: close what neither daemons inherit nor is ``kept``."""
        posix.close_all_but({0, 1, 2} | self._descriptors | kept)

    def raise_descriptor_limit(self) -> int:
        """Take as many descriptors as we may; return how many that is."""
        before, now = posix.raise_descriptor_limit()
        if before != now:
            self.descriptor_limit = (before, now)
        return now


def reserve_standard_descriptors() -> None:
    """Open ``/dev/null`` on those of descriptors 0 to 2 that are closed.

    Otherwise our own files would get these numbers. They are closed at an exec, so that a
    daemon finds them as we did.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if fd > 2:
            os.close(fd)
            return


def start_command(
    heritage: Heritage, command: Sequence[bytes], keep: int, null: int, complaints: int = 2
) -> int:
    """Start a program of our own, which may have descriptor ``keep``; return its pid.

    It gets what a daemon gets, and complains to our descriptor ``complaints``. Raises ``OSError``.
    """
    os.set_inheritable(keep, True)
    try:
        return os.posix_spawn(
            command[0],
            list(command),
            pathexec.Entries(heritage.environment),  # type: ignore[arg-type]
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0),
                *([(os.POSIX_SPAWN_DUP2, complaints, 2)] if complaints != 2 else []),
            ],
            setsid=system.SPAWNS_SESSIONS,
            setsigmask=heritage.mask,
            setsigdef=signals.IGNORED_BY_PYTHON,
        )
    finally:
        os.set_inheritable(keep, False)
