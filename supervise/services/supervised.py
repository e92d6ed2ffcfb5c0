"""One service under supervision: the state machine, its directory, and its process.

Carries out what :class:`~slashservice.supervise.services.service.Service` decides, and tells
it what happened. ``supervise`` has one of these, ``svscan`` thousands.
"""

from __future__ import annotations

import os

from slashservice.supervise import tai
from slashservice.supervise.messages import complain, message
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services import processes
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.service import (
    UP,
    Service,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.services.directory import Left
    from slashservice.supervise.services.loghosts import Hosted, LogHosts
    from slashservice.supervise.services.processes import Heritage
    from slashservice.supervise.services.service import Action


CONTROL_READ = 256
"""Control characters taken at a time, so that a flood for one service delays no other."""


class Supervised:
    """The service at ``path``, called ``name`` in messages.

    ``streams`` maps the daemon's descriptors to ours. ``forgotten`` is called when
    supervision has ended by command. ``unread`` tells whether a finishing log service
    has input left. ``hosts`` may run it, if it is a log service.
    """

    __slots__ = (
        "_child",
        "_heritage",
        "_loop",
        "directory",
        "forgotten",
        "hosts",
        "service",
        "streams",
        "unread",
    )

    def __init__(
        self,
        loop: Loop,
        heritage: Heritage,
        path: bytes,
        name: bytes,
        streams: dict[int, int],
        forgotten: Callable[[], None],
        unread: Callable[[], bool] = lambda: False,
    ) -> None:
        self._loop = loop
        self._heritage = heritage
        self.directory = ServiceDirectory(path, name)
        self.streams = streams
        self.forgotten = forgotten
        self.unread = unread
        self.hosts: LogHosts | None = None
        self.service = Service()
        self._child: processes.Child | processes.Adopted | Hosted | None = None

    def acquire(self, limit: int) -> Callable[[], None]:
        """Take the directory, with descriptors up to ``limit``; return how to begin.

        Raises :class:`~slashservice.supervise.services.directory.Refused`.
        """
        heritage = self._heritage
        left = self.directory.acquire(heritage.life, limit, heritage.environment)
        if left is None:
            self.service.want = self.directory.default
            return self._begin
        self.service.want = left.status.want
        if left.pid and not left.hosted:
            return lambda: self._adopt(left)
        if left.pid and self.hosts:
            self.hosts.retire(left.pid, left.start)
        return self._begin

    def _begin(self) -> None:
        self.directory.stamp = tai.now()
        self._loop.add(self.directory.control, self._controlled)
        if self.service.want != UP:
            # Else the daemon itself leaves the record that the next supervisor goes on with.
            self.directory.record(0, self._heritage.life)
        self._do(self.service.begin(self._loop.clock()))

    def _adopt(self, left: Left) -> None:
        found = left.status
        self.directory.stamp = found.stamp if found.pid == left.pid else tai.now()
        self._loop.add(self.directory.control, self._controlled)
        self.directory.record(left.pid, self._heritage.life)  # it may have been found without one
        self._child = processes.Adopted(self._loop, left.pid, left.start, self._exited)
        termed = found.termed and found.pid == left.pid
        self._do(self.service.adopt(found.paused, termed))

    def drain(self) -> None:
        """Bring it down, and end supervision when it is."""
        self._do(self.service.drain(self._loop.clock()))

    def restart(self) -> None:
        """End the process, if it is to be started again then."""
        if self.service.want == UP:
            self._do(self.service.control(ord("t"), self._loop.clock()))

    def finish(self) -> None:
        """End supervision of a log service once it has read all its input."""
        self._do(self.service.finish(self._loop.clock()))

    def leave(self) -> None:
        """Let go at once, and leave the daemon running for the next supervisor."""
        if self._child:
            self._child.leave()

    def _controlled(self) -> None:
        try:
            characters = os.read(self.directory.control, CONTROL_READ)
        except BlockingIOError:  # someone else reads our FIFO, and was faster
            return
        for character in characters:
            self._do(self.service.control(character, self._loop.clock()))
            if self.directory.control < 0:
                return

    def _exited(self, status: int) -> None:
        self._child = None
        self.directory.stamp = tai.now()
        unread = self.service.finishing and self.unread()
        self._do(self.service.exited(self._loop.clock(), unread))

    def _due(self) -> None:
        if self.directory.lock >= 0:
            self._do(self.service.due(self._loop.clock()))

    def _do(self, actions: list[Action]) -> None:
        """Carry out actions, in their order."""
        while actions:
            action = actions.pop(0)
            if action[0] == "record want":
                self._announce(termed=False)
            elif action[0] == "signal":
                if self._child:
                    self._child.signal(action[1])
            elif action[0] == "announce":
                self._announce(termed=self.service.termed)
            elif action[0] == "start":
                actions += self._start()
            elif action[0] == "wake":
                self._loop.at(action[1], self._due)
            else:
                self._forget()

    def _forget(self) -> None:
        self._loop.remove(self.directory.control)
        self.directory.release(forget=True)
        self.forgotten()

    def _start(self) -> list[Action]:
        now = self._loop.clock()
        directory = self.directory
        if not directory.locate():
            # No client can reach its FIFO any more, and nothing can bring it back.
            what = b"unable to start " + directory.name + b"/run: service directory is gone"
            complain(message("supervise", b"fatal", what))
            return self.service.drain(now)
        try:
            child = self._hosted() or self._process()
        except BlockingIOError as error:
            what = b"unable to fork for " + directory.name + b", trying again in 5 seconds"
            complain(message("supervise", b"warning", what, error))
            directory.record(0, self._heritage.life)
            return self.service.not_started(now)
        except OSError as error:
            complain(processes.not_started(directory.name, error))
            return self.service.not_run(now)
        directory.stamp = tai.now()
        self._child = child
        return self.service.started(now)

    def _process(self) -> processes.Child:
        pid = processes.start(self._loop, self._heritage, self.directory, self.streams)
        return processes.Child(self._loop, pid, self._exited)

    def _hosted(self) -> Hosted | None:
        """Let a log host run it, if it is a log service that one can run."""
        if self.hosts is None:
            return None
        hosted = self.hosts.start(self.directory, self.streams[0], self._exited)
        if hosted:
            self.directory.record(hosted.pid, self._heritage.life, hosted=True)
        return hosted

    def _announce(self, termed: bool) -> None:
        """Write the status file; ``termed`` tells that the process was sent TERM."""
        service = self.service
        pid = self._child.pid if self._child else 0
        complaint = self.directory.announce(
            Status(self.directory.stamp, pid, service.paused, service.want, termed)
        )
        if complaint:
            complain(complaint)
