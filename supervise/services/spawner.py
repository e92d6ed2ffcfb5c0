"""Starting many run scripts, through a process of their own: the spawner.

``posix_spawn`` starts a program in half the time of a fork. But it runs no code of ours in the
child, which could write the record; and it does not return before the program is there, which
on a file system that does not answer is never. So svscan does not call it. It forks one process
that does, for some tens of services that are to be started now.

svscan has a spawner start one service at a time. Meanwhile it prepares the next one, which is for
another spawner. Whatever is killed, the daemon is known:

- svscan is killed. The spawner completes the start, writes the record, finds nobody to answer to,
  and ends. Until then it shares the lock of the service.
- The spawner is killed. What it has started becomes a child of svscan, which looks for the one
  that is not on record.
- Both are killed at once. The next svscan finds an intent on record, and looks likewise.

A process is found by the mark of its spawner, a number in a resource limit that means nothing. It
is taken away when the process is on record.

A start that takes too long hangs alone: svscan kills the spawner, the child that hangs becomes
its own, and the next service gets a new spawner. Every spawner ends within a second. Then its
children are those of svscan, by means of PR_SET_CHILD_SUBREAPER.
"""

from __future__ import annotations

import errno
import os
import struct
import time

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import record
from slashservice.supervise.services import whereabouts
from slashservice.supervise.services.adoption import Adopted
from slashservice.supervise.services.refusal import surely
from slashservice.supervise.services.starters import Child, Forking

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterable
    from typing import NoReturn

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.protocol.record import Record
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage
    from slashservice.supervise.services.starters import Answer


SECONDS_TO_START = 0.25
"""How long a start may take before it counts as hanging. On a busy machine that may be wrong.

It costs no more than a new spawner then.
"""

SECONDS_TO_DIE = 1.0
"""How long we wait for a spawner that was killed."""

MESSAGE = 8192
"""No message is longer: numbers, and the path of a directory."""

ANSWER = 32
"""No answer is longer: a number."""

DESCRIPTORS = 8
"""No message has more of them."""

INT = 4
"""Bytes of a descriptor in a message."""

CLOSED_AT_EXEC = 0x40000000
"""MSG_CMSG_CLOEXEC of recvmsg(2): descriptors arrive closed at an exec. Linux has it."""


class Request:
    """A start whose answer is still to come."""

    __slots__ = ("answer", "directory", "exited", "intent", "streams")

    def __init__(
        self,
        directory: ServiceDirectory,
        streams: dict[int, int],
        exited: Exited,
        answer: Answer,
        intent: Record,
    ) -> None:
        self.directory = directory
        self.streams = streams
        self.exited = exited
        self.answer = answer
        self.intent = intent


class Spawners:
    """Starts services through as many other processes as keep the processors busy."""

    NUMBER = 2
    """One waits for an exec, the other one prepares the next."""

    def __init__(self, loop: Loop, heritage: Heritage, null: int = -1) -> None:
        self._turn = 0
        self._spawners = [Spawner(loop, heritage, null) for _ in range(self.NUMBER)]

    @staticmethod
    def work(heritage: Heritage) -> bool:
        """Tell whether services can be started in this way here."""
        return system.can_mark() and pathexec.is_plain(heritage.environment)

    def start(
        self, directory: ServiceDirectory, streams: dict[int, int], exited: Exited, answer: Answer
    ) -> None:
        """Have the next spawner start a service, see there."""
        self._turn = (self._turn + 1) % self.NUMBER
        self._spawners[self._turn].start(directory, streams, exited, answer)

    def rest(self) -> None:
        """Take the answers that are still to come."""
        while any(spawner.is_busy for spawner in self._spawners):
            for spawner in self._spawners:
                spawner.collect()

    def end(self) -> None:
        """Take the answers that are still to come, and end all."""
        self.rest()
        for spawner in self._spawners:
            spawner.end()


class Spawner:
    """Starts services through another process, from the first :meth:`start` until :meth:`end`."""

    running = 0
    """How many such processes there are. While there is one, orphans become ours."""

    def __init__(self, loop: Loop, heritage: Heritage, null: int = -1) -> None:
        self._loop = loop
        self._heritage = heritage
        self._null = null
        self._forking = Forking(loop, heritage)
        self._waiting: Request | None = None
        self._pid = 0
        self._socket: _socket.socket | None = None
        self._mark = 0
        """What the present process bears, and each of its children until that is on record."""
        self._started: list[tuple[int, Exited]] = []
        """What the present process has started."""
        self._is_reaped = False
        """Whether the loop has fetched its status: then its pid may be another's by now."""

    @property
    def is_busy(self) -> bool:
        """Whether an answer is to come."""
        return self._waiting is not None

    def start(
        self, directory: ServiceDirectory, streams: dict[int, int], exited: Exited, answer: Answer
    ) -> None:
        """Run ``./run`` in ``directory``; ``streams`` maps the daemon's descriptors to ours.

        See :class:`~slashservice.supervise.services.starters.Forking`. The answer comes with the
        next start, or at the end: meanwhile svscan prepares another service.
        """
        self.collect()
        if self._socket is None and not self._begin():
            self._forking.start(directory, streams, exited, answer)
            return
        intent = directory.record_intent(self._heritage.life, self._mark)
        self._waiting = Request(directory, streams, exited, answer, intent)
        self._ask(directory, streams)

    def collect(self) -> None:
        """Wait for the answer to the last start, and hand it on."""
        request, self._waiting = self._waiting, None
        if request is None:
            return
        try:
            pid = self._hear() or self._look_for(request.directory, request.intent)
        except OSError as error:
            request.answer(error)
            return
        if pid:
            self._started.append((pid, request.exited))
            request.answer(Child(self._loop, pid, request.exited))
        else:
            self._forking.start(request.directory, request.streams, request.exited, request.answer)

    def end(self) -> None:
        """End the other process, which makes what it has started our children."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._reap()

    def _begin(self) -> bool:
        """Fork the other process; False if that is not possible."""
        self._mark = record.new_mark()
        if not system.adopt_orphans(True):
            return False
        try:
            import _socket

            ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
            try:
                self._pid = self._fork_process(theirs)
            except OSError:
                ours.close()
                raise
            finally:
                theirs.close()
        except (OSError, ImportError):
            system.adopt_orphans(Spawner.running > 0)
            return False
        Spawner.running += 1
        self._is_reaped = False
        self._loop.on_exit(self._pid, self._was_reaped)
        # The kernel looks at the clock: a timeout of Python's costs two polls for each service.
        patience = struct.pack("ll", *divmod(int(SECONDS_TO_START * 1_000_000), 1_000_000))
        ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, patience)
        self._socket = ours
        return True

    def _fork_process(self, socket: _socket.socket) -> int:
        # No signal to the child is to be taken for one to us, whose signal pipe it shares.
        before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
        try:
            pid = os.fork()
            if pid == 0:
                _Process(self._loop, self._heritage, socket, self._null).run(self._mark)
            return pid
        finally:
            signals.pthread_sigmask(signals.SIG_SETMASK, before)

    def _ask(self, directory: ServiceDirectory, streams: dict[int, int]) -> None:
        """Have a service started. That this fails is found out when the answer does not come."""
        import _socket

        assert self._socket is not None
        given = {theirs: ours for theirs, ours in streams.items() if ours != self._null}
        null = [theirs for theirs in streams if theirs not in given]
        words = b"%d %s %s" % (directory.inode, _join(null), _join(given))
        request = b"\0".join((directory.place, directory.path, words))
        descriptors = b"".join(
            fd.to_bytes(INT, "little") for fd in (directory.lock, *given.values())
        )
        try:
            self._socket.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        except OSError:
            pass

    def _hear(self) -> int:
        """Return the pid of what was started, or 0 if no answer comes.

        Raises ``OSError`` if the script can't be run.
        """
        assert self._socket is not None
        try:
            answer = self._socket.recv(ANSWER)
        except OSError:
            return 0
        number = int(answer or b"0")
        if number < 0:
            raise OSError(-number, os.strerror(-number))
        return number

    def _look_for(self, directory: ServiceDirectory, intent: Record) -> int:
        """The other process hangs, or was killed: end it; return what it has started, if anything.

        That is on record then. Not before its end do we know that it starts nothing any more.
        """
        spawner = self._pid
        if not self._is_reaped:
            os.kill(spawner, signal_numbers.SIGKILL)
        self.end()
        pid = surely(directory.recorded)
        if pid < 0:
            pid = surely(lambda: system.find(intent.mark, intent.time, b"", spawner))
            directory.record(pid, self._heritage.life, since=intent.time)
        if pid:
            system.unmark(pid)
        return pid

    def _reap(self) -> None:
        """Wait for the end of the other process."""
        deadline = time.monotonic() + SECONDS_TO_DIE
        while not self._is_reaped and os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                # It hangs in the kernel, and its children stay its own.
                for pid, exited in self._started:
                    self._loop.ignore_exit(pid)
                    start = surely(lambda: system.started(pid))  # noqa: B023
                    Adopted(self._loop, pid, start, exited)
                break
            time.sleep(0.0005)
        self._loop.ignore_exit(self._pid)
        Spawner.running -= 1
        system.adopt_orphans(Spawner.running > 0)
        self._started = []
        self._pid = 0

    def _was_reaped(self, status: int) -> None:
        self._is_reaped = True


def _join(numbers: Iterable[int]) -> bytes:
    return b",".join(b"%d" % number for number in numbers)


def _split(numbers: bytes) -> list[int]:
    return [int(number) for number in numbers.split(b",") if number]


class _Process:
    """The spawner itself, with the ``socket`` to svscan, and ``null`` to give to services."""

    def __init__(self, loop: Loop, heritage: Heritage, socket: _socket.socket, null: int) -> None:
        self._inherited = loop.inherited
        self._heritage = heritage
        self._environment = pathexec.Entries(heritage.environment)
        self._socket = socket
        self._null = null

    def run(self, mark: int) -> NoReturn:
        """Do what svscan says until it is gone, and bear the mark."""
        try:
            self._prepare()
            is_needed = system.mark(mark)
            while is_needed:
                is_needed = self._serve()
        finally:
            os._exit(0)

    def _prepare(self) -> None:
        """Let go of what is svscan's; be as a daemon is to be. All signals stay blocked."""
        heritage = self._heritage
        heritage.let_go({self._socket.fileno(), self._null})
        os.setsid()
        signals.set_wakeup_fd(-1)
        for number, disposition in self._inherited.items():
            signals.signal(number, disposition)
        if heritage.descriptor_limit:
            posix.set_descriptor_limit(*heritage.descriptor_limit)

    def _serve(self) -> bool:
        """Start a service; False if there is none to come."""
        import _socket

        room = _socket.CMSG_SPACE(DESCRIPTORS * INT)
        data, rights, _, _ = self._socket.recvmsg(MESSAGE, room, CLOSED_AT_EXEC)
        if not data:
            return False
        packed = b"".join(part for _, _, part in rights)
        lock, *ours = descriptors = [
            int.from_bytes(packed[at : at + INT], "little") for at in range(0, len(packed), INT)
        ]
        place, path, words = data.split(b"\0")
        directory, null, given = words.split(b" ")
        streams = dict.fromkeys(_split(null), self._null)
        streams.update(zip(_split(given), ours, strict=True))
        since = system.now()
        try:
            whereabouts.enter(path, lock, int(directory))
            answer = self._start(streams)
        except OSError as error:
            answer = -(error.errno or errno.EIO)
        pid = max(answer, 0)
        os.pwrite(lock, record.of(pid, self._heritage.life, place, since=since).line(), 0)
        if pid:
            system.unmark(pid)
        for fd in descriptors:
            os.close(fd)
        self._socket.send(b"%d" % answer)
        return True

    def _start(self, streams: dict[int, int]) -> int:
        """Run ``./run`` in the current directory; return its pid."""
        return os.posix_spawn(
            b"./run",
            [b"./run"],
            self._environment,  # type: ignore[arg-type]
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams.items()],
            setsid=True,
            setsigmask=self._heritage.mask,
            setsigdef=signals.IGNORED_BY_PYTHON,
        )
