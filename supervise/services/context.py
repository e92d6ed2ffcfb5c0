"""What the services of one supervisor share, and their way to the system.

A service gets its directory, its process and what watches over it through the ``Context``
and from nowhere else.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise.platform import posix
from slashservice.supervise.services import adoption, lock_file
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.later import Later
from slashservice.supervise.services.personality import SVSCAN
from slashservice.supervise.services.starters import RUN, Forking
from slashservice.supervise.services.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.protocol.deaths import Death
    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.heritage import Heritage
    from slashservice.supervise.services.loghosts import LogHosts
    from slashservice.supervise.services.personality import Personality
    from slashservice.supervise.services.spawner import Spawners
    from slashservice.supervise.services.starters import Answer, Script

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

        def kill_group(self) -> None:
            """Send KILL to it, and to its process group if it leads one."""

        def leave(self) -> None:
            """Let go of it; it runs on."""


MOST_DESCRIPTORS = 10
"""No service has more of them open, with its log."""

FEWEST = 8
"""With fewer services to start than this, a process for it costs more than it saves."""

SECONDS_UNTIL_TOLD = 0.5
"""How often it is looked whether a crowd has started, for the notes beside their status."""

SECONDS_UNTIL_CHECKED = 1.0
"""How long after a start it is looked whether the process is on record, at the latest."""

SECONDS_KEPT = 0.5
"""How long spawners are kept between portions. Until they end, we hear of no death there."""


class Context:
    """The ``loop``, the ``heritage`` of every daemon, and the ways to start and to adopt one.

    ``limit`` is how many descriptors we may have. ``null`` is ``/dev/null``, open for reading
    and writing, where services are to have it as their input. ``personality`` is the supervisor's.
    """

    def __init__(
        self,
        loop: Loop,
        heritage: Heritage,
        limit: int,
        null: int = -1,
        personality: Personality = SVSCAN,
    ) -> None:
        self.loop = loop
        self.personality = personality
        self.heritage = heritage
        self.limit = limit
        self.null = null
        self._forking = Forking(loop, heritage)
        self._spawners: Spawners | None = None
        self._expects = False
        self._keep_until = 0.0
        self._adopted: set[int] = set()
        self._unwatched: list[Callable[[], None]] = []
        """What is to be called, when all is seen, to watch what was adopted before."""
        self._untold = Later(loop, SECONDS_UNTIL_TOLD, self._is_crowded)
        self.checks = Later(loop, SECONDS_UNTIL_CHECKED)
        """Calls each service that has started something, to look whether it is on record."""
        self.turns = Turns(loop)
        self.turns.begins = self.expect
        self.turns.ends = self.expect_no_more
        self._hosts: LogHosts | None = None
        self._all_is_seen = False
        self.shared = False
        """Whether a file system that does not answer would keep other services waiting."""
        self.drains = False
        """Whether everything is being brought down, so that no service is to be started."""
        self.ends_all: Callable[[bytes, Death], None] | None = None
        """Called when an essential service has ended by itself, with its name; None for never."""

    def acquire(self, path: bytes, name: bytes) -> tuple[ServiceDirectory, Left | None]:
        """Take a service directory; return it, and what a killed supervisor left there.

        Raises :class:`~slashservice.supervise.services.refusal.Refused`.
        """
        directory = ServiceDirectory(path, name)
        left = directory.acquire(self.heritage.life, self.limit)
        if left and not left.hosted and self.owns(left.pid):
            # Two services never share a process. Whatever the record says, this is another's.
            left = None
        return directory, left

    def left_behind(self, path: bytes, names: Sequence[bytes]) -> list[bytes]:
        """Return which of the services ``names`` in ``path`` may run already.

        These are to be begun with. Where there are descriptors for all, none is looked at.
        """
        if posix.has_room(MOST_DESCRIPTORS * len(names), self.limit):
            return []
        life = self.heritage.life
        return [name for name in names if lock_file.is_left(os.path.join(path, name), life)]

    def owns(self, pid: int) -> bool:
        """Tell whether ``pid`` is the process of a service that we supervise."""
        return pid > 0 and (pid in self._adopted or self.loop.awaits_exit(pid))

    def expect(self, number: int) -> None:
        """So many services may be about to be started, one after the other."""
        self._expects = True
        if number < FEWEST or self._spawners is not None:
            return
        try:
            from slashservice.supervise.services.spawner import Spawners
        except (ImportError, OSError):
            return  # no descriptor, or no memory: they are started without

        if Spawners.work(self.heritage):
            self._spawners = Spawners(self.loop, self.heritage, self.null)
            self._keep_until = self.loop.clock() + SECONDS_KEPT

    def expect_no_more(self, now: bool = True) -> None:
        """Those that were expected are started, or are not to be.

        With ``now`` false, others are expected as soon as the loop has looked at everything else.
        """
        self._expects = False
        if self._spawners is None:
            return
        if now or self.loop.clock() >= self._keep_until:
            self._spawners.end()
            self._spawners = None
        else:
            self._spawners.rest()

    def start(
        self,
        directory: ServiceDirectory,
        streams: dict[int, int],
        exited: Exited,
        answer: Answer,
        script: Script = RUN,
    ) -> None:
        """Run a script in ``directory``; ``streams`` maps the daemon's descriptors to ours.

        Calls ``answer`` with the process, or with the error: ``BlockingIOError`` if no process can
        be had, another if the script can't be run. The loop does not go on before that.
        """
        if script is RUN and self._spawners and self._expects:
            self._spawners.start(directory, streams, exited, answer)
        else:
            self._forking.start(directory, streams, exited, answer, script)

    def _in_first_scan(self) -> bool:
        """Tell whether services may be there that are not begun with yet."""
        return self.shared and not self._all_is_seen

    def _is_crowded(self) -> bool:
        """Tell whether many services are still to be started."""
        return self._in_first_scan() or self._spawners is not None or len(self.turns) > 0

    def tell(self, tell: Callable[[], None]) -> None:
        """Have somebody tell what clients of runit read: now, or when a crowd has started."""
        if self._spawners is None:
            tell()
        else:
            self._untold.ask(tell)

    def adopt(self, pid: int, start: int, exited: Exited) -> Process:
        """Watch over a process that another supervisor started, at time ``start``."""

        def gone(status: int) -> None:
            self._adopted.discard(pid)
            exited(status)

        self._adopted.add(pid)
        return adoption.Adopted(self.loop, pid, start, gone, self._watch_later)

    def _watch_later(self, watch: Callable[[], None]) -> None:
        """Call ``watch``, which takes a descriptor, when all services have theirs."""
        if self._in_first_scan():
            self._unwatched.append(watch)
        else:
            self.loop.after(0, watch)

    def all_is_seen(self) -> None:
        """All services that there are have been begun with, as far as they could be."""
        self._all_is_seen = True
        for watch in self._unwatched:
            self.loop.after(0, watch)
        self._unwatched.clear()
        if self._hosts:
            self._hosts.predecessors.all_is_seen()

    def end(self) -> None:
        """Everything has been brought down, and nothing is to be left of killed supervisors."""
        if self._hosts:
            self._hosts.predecessors.end_all()

    def log_hosts(self) -> LogHosts:
        """Return what runs the log services that need no process of their own.

        Raises ``OSError`` if it can't be loaded now.
        """
        if self._hosts is None:
            try:
                from slashservice.supervise.services.loghosts import LogHosts
            except ImportError:
                raise OSError(errno.EIO, os.strerror(errno.EIO)) from None

            self._hosts = LogHosts(self.loop, self.heritage, self.null, self._all_is_seen)
            self._hosts.takes = self.personality.hosts
        return self._hosts
