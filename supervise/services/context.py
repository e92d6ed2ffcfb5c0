"""What the services of one supervisor share, and their way to the system.

A service gets its directory, its process and what watches over it through the ``Context``
and from nowhere else.
"""

from __future__ import annotations

from slashservice.supervise.services import adoption, starters
from slashservice.supervise.services.directory import ServiceDirectory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.heritage import Heritage
    from slashservice.supervise.services.loghosts import LogHosts
    from slashservice.supervise.services.starters import Starter

    class Process(Protocol):
        """The process of a service that is up: ours, adopted, or a logger in a log host.

        Whoever makes one gives it a function, which it calls with the wait status when the
        process is dead.
        """

        @property
        def pid(self) -> int:
            """The pid that clients are told."""

        def signal(self, number: int) -> None:
            """Send it a signal, if we may; that it is dead is no trouble."""

        def leave(self) -> None:
            """Let go of it; it runs on."""


class Context:
    """The ``loop``, the ``heritage`` of every daemon, and the ways to start and to adopt one.

    ``limit`` is how many descriptors we may have. ``null`` is ``/dev/null``, open for reading
    and writing, where services are to have it as their input. Processes are started by
    ``starter``, until ``first_scan_is_over``.
    """

    def __init__(
        self, loop: Loop, heritage: Heritage, limit: int, starter: Starter, null: int = -1
    ) -> None:
        self.loop = loop
        self.heritage = heritage
        self.limit = limit
        self.null = null
        self._starter = starter
        self._hosts: LogHosts | None = None

    def acquire(self, path: bytes, name: bytes) -> tuple[ServiceDirectory, Left | None]:
        """Take a service directory; return it, and what a killed supervisor left there.

        Raises :class:`~slashservice.supervise.services.refusal.Refused`.
        """
        directory = ServiceDirectory(path, name)
        heritage = self.heritage
        return directory, directory.acquire(heritage.life, self.limit, heritage.environment)

    def expect(self, folder: bytes, names: Iterable[bytes]) -> None:
        """These entries of ``folder`` may be services that are to be started now."""
        self._starter.expect(folder, names)

    def start(
        self, directory: ServiceDirectory, streams: dict[int, int], exited: Exited
    ) -> Process:
        """Run ``./run`` in ``directory``; ``streams`` maps the daemon's descriptors to ours.

        Raises ``BlockingIOError`` if no process can be had, another ``OSError`` if the run
        script can't be run.
        """
        pid = self._starter.start(directory, streams)
        return starters.Child(self.loop, pid, exited)

    def adopt(self, pid: int, start: int, exited: Exited) -> Process:
        """Watch over a process that another supervisor started, at time ``start``."""
        return adoption.Adopted(self.loop, pid, start, exited)

    def first_scan_is_over(self) -> None:
        """From now on services are started one at a time."""
        self._starter.end()
        self._starter = starters.Forking(self.loop, self.heritage)

    def log_hosts(self) -> LogHosts:
        """Return what runs the log services that need no process of their own."""
        if self._hosts is None:
            from slashservice.supervise.services.loghosts import LogHosts

            self._hosts = LogHosts(self.loop, self.heritage, self.null)
        return self._hosts
