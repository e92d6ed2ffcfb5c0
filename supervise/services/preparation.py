"""A hosted log whose run script has something to prepare first.

If all that is missing may be directories, the host looks first whether they are there, in its own
time. If not, or if there is more to do, a shell does it. It runs the script up to its last command,
with all that the script would have: our rights, its directory, its input and outputs, a session.
Whatever of it fails, fails as in the script, and says the same. It may take for ever; then this log
alone waits. At the end the shell tells what the words of the last command are, and the logger is
begun in its host. If it does not come to that, the log has ended as its script would have.

To the supervisor it is one process from the beginning, with the pid of the host.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.chain import pathexec
from slashservice.supervise.messages import TROUBLE, complain, warn
from slashservice.supervise.platform import posix
from slashservice.supervise.services.starters import fork, hand_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage
    from slashservice.supervise.services.log_script import Wanted
    from slashservice.supervise.services.loghost import Host
    from slashservice.supervise.services.remote_logger import RemoteLogger
    from slashservice.supervise.services.starters import Child

REPORT = 9
"""The descriptor by which the shell tells what it has come to."""

MOST_SIGNALS = 64
"""How many signals are remembered until the logger has begun. Any one ends a shell, but for two."""

LONGEST_REPORT = 1 << 17
"""Bytes of what a shell may tell: more than this no exec takes as one word either."""


class Preparation:
    """Prepares the log service in ``directory``, then has ``host`` run its logger.

    ``descriptors`` are those that the host is given; copies of them are kept. ``ended`` is called
    when the shell has ended. Raises ``OSError`` if none can be started.
    """

    def __init__(
        self,
        loop: Loop,
        heritage: Heritage,
        host: Host,
        directory: ServiceDirectory,
        wanted: Wanted,
        descriptors: Sequence[int],
        exited: Exited,
    ) -> None:
        self.pid = host.pid
        self.ended: Callable[[Preparation], None] = lambda preparation: None
        self._loop = loop
        self._heritage = heritage
        self._host = host
        self._directory = directory
        self._wanted = wanted
        self._exited = exited
        self._logger: RemoteLogger | None = None
        self._signals: list[int] = []
        self._told = b""
        self._left = False
        self._may_prepare = True
        self._kept: list[int] = []
        self._report = -1
        self._shell: Child | None = None
        try:
            for fd in descriptors:
                self._kept.append(os.dup(fd))
            if wanted.is_needed:
                self._prepare()
            else:
                self._try()
        except OSError:
            self._close()
            raise

    def _try(self) -> None:
        """Have the logger begin if there is nothing to prepare. Raises ``OSError``."""
        wanted = self._wanted
        logger = self._host.start(
            self._directory, wanted.program, wanted.actions, self._kept, self._began, wanted.made
        )
        logger.looked = self._looked
        self._logger = logger

    def _began(self, status: int) -> None:
        """The logger has ended, if it has begun or not."""
        self._settle()
        self._exited(status)

    def _settle(self) -> None:
        """There is nothing to prepare any more."""
        self._signals.clear()
        self._may_prepare = False
        self._close()
        self.ended(self)

    def _looked(self, is_ready: bool) -> None:
        """The host tells whether the directories are there."""
        if is_ready or self._left:
            self._settle()
            return
        self._logger = None
        try:
            self._prepare()
        except OSError as error:
            complain(self._directory.not_started(error))
            self._began(TROUBLE << 8)
            return
        for number in self._signals:
            if self._shell:
                self._shell.signal(number)

    def _prepare(self) -> None:
        """Start the shell. Raises ``OSError``."""
        self._report, writing = posix.pipe()
        try:
            self._loop.add(self._report, self._hear)
            self._shell = fork(self._loop, lambda held: self._become(writing, held), self._done)
        except OSError:
            self._listen_no_more()
            raise
        finally:
            os.close(writing)
        self._host.expected += 1

    def signal(self, number: int) -> None:
        """Have the shell or the logger do what the process of the script would do."""
        if self._may_prepare and len(self._signals) < MOST_SIGNALS:
            # The shell may have done its last instruction, or may be about to begin.
            self._signals.append(number)
        if self._logger:
            self._logger.signal(number)
        elif self._shell:
            self._shell.signal(number)

    def kill(self) -> None:
        """End it for certain."""
        if self._logger:
            self._logger.kill()
        else:
            self.signal(signal_numbers.SIGKILL)

    def kill_group(self) -> None:
        """End it for certain, with what the shell has started."""
        if self._shell:
            self._signals.append(signal_numbers.SIGKILL)
            self._shell.kill_group()
        else:
            self.kill()

    def leave(self) -> None:
        """Let go of it; it runs on, and the next supervisor begins anew."""
        self._left = True
        if self._shell:
            self._shell.leave()

    def _become(self, report: int, held: int) -> None:
        """In the child: become the shell, or say why not and end. Never returns."""
        heritage, wanted = self._heritage, self._wanted
        try:
            stdin, where = self._kept[:2]
            heritage.let_go({report, stdin, where, held})
            os.close(held)
            os.setsid()
            os.fchdir(where)
            os.dup2(stdin, 0)
            os.set_blocking(report, True)
            if report != REPORT:
                os.dup2(report, REPORT)
            else:
                os.set_inheritable(REPORT, True)
            hand_over(self._loop, heritage)
            assert wanted.before is not None
            argv = [*wanted.interpreter, wanted.before, b"./run"]
            pathexec.execute(argv[0], argv, heritage.environment)
        except OSError as error:
            complain(self._directory.not_started(error))
        finally:
            os._exit(TROUBLE)

    def _hear(self) -> None:
        """Take what the shell tells."""
        try:
            data = os.read(self._report, LONGEST_REPORT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._told += data
        if not data or len(self._told) > LONGEST_REPORT:
            self._listen_no_more()

    def _listen_no_more(self) -> None:
        if self._report >= 0:
            self._loop.remove(self._report)
            os.close(self._report)
            self._report = -1

    def _done(self, status: int) -> None:
        """The shell has ended."""
        self._shell = None
        while self._report >= 0 and posix.is_readable(self._report, 0):
            self._hear()
        self._listen_no_more()
        self._host.expected -= 1
        try:
            if not self._left:
                self._go_on(status)
        finally:
            self._settle()

    def _go_on(self, status: int) -> None:
        words = self._told.split(b"\0")
        if len(words) < 2 or words.pop() or len(self._told) > LONGEST_REPORT:
            self._exited(status or TROUBLE << 8)
            return
        if self._host.is_closed:
            self._exited(signal_numbers.SIGKILL)  # the host has ended, with all its loggers
            return
        try:
            self._enter(words.pop())
            self._logger = self._host.start(
                self._directory, self._wanted.program, words, self._kept, self._exited
            )
        except OSError as error:
            name = self._directory.name
            warn("svscan", b"unable to begin what is prepared for " + name, error)
            self._exited(TROUBLE << 8)
            return
        for number in self._signals:
            self._logger.signal(number)

    def _enter(self, told: bytes) -> None:
        """Give the host the directory that the script has gone to. Raises ``OSError``."""
        if self._wanted.moves:
            path = told.removesuffix(b".").removesuffix(b"\n")
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.close(self._kept[1])
            self._kept[1] = fd

    def _close(self) -> None:
        for fd in self._kept:
            os.close(fd)
        self._kept.clear()
        self._listen_no_more()
