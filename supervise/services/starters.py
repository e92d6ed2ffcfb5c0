"""Starting a run script by a fork of our own.

A supervisor may be killed at any instruction, and the next one must know every process that
runs. If the parent wrote the record of its child there would be a moment in which the
daemon runs unrecorded. So the child writes it, about itself, before it becomes the daemon.

Everything in the child may take for ever: its directory and its program may be on a file system
that does not answer, and it may be stopped. Then it must stand in nobody's way. So the first
thing that it does is to let go of all that belongs to others: the locks of other services above
all, which it has from us. It lets go of the lock of its own service when the record is written.
Whoever gets a lock finds either the record of a process or no process.

Forking an interpreter costs half a millisecond, and more where it has thousands of descriptors.
Many services at a time are started in another way, by
:mod:`~slashservice.supervise.services.spawner`.

What is handed over is in :mod:`~slashservice.supervise.services.heritage`.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.chain import pathexec
from slashservice.supervise.messages import TROUBLE, complain
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Exited, Loop
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.heritage import Heritage

    Answer = Callable[["Child | OSError"], None]
    """Takes the process that was started, or why none was."""


SECONDS_TO_LET_GO = 1.0
"""How long a signal waits at most for a child that has not let go of what isn't its own."""


class Script:
    """A script of a service directory, run with ``words``.

    ``is_recorded`` tells that its process is the service's, for the next supervisor to adopt.
    """

    __slots__ = ("is_finish", "is_recorded", "words")

    def __init__(self, words: list[bytes], is_recorded: bool = True) -> None:
        self.words = words
        self.is_recorded = is_recorded
        self.is_finish = words[0] == FINISH

    @property
    def name(self) -> bytes:
        """What messages call it."""
        return self.words[0].removeprefix(b"./")


FINISH = b"./finish"

RUN = Script([b"./run"])


class Child:
    """A process that we started.

    While ``holding`` is open for reading without an end, the process still has descriptors of
    ours. A signal that stops it then would have it keep them.
    """

    __slots__ = ("_exited", "_holding", "_loop", "pid")

    def __init__(self, loop: Loop, pid: int, exited: Exited, holding: int = -1) -> None:
        self.pid = pid
        self._loop = loop
        self._exited = exited
        self._holding = holding
        loop.on_exit(pid, self._gone)
        if holding >= 0:
            try:
                loop.add(holding, self._let_go)
            except OSError:  # the kernel can't watch one more; the process runs all the same
                posix.is_readable(holding, SECONDS_TO_LET_GO)
                os.close(holding)
                self._holding = -1

    def signal(self, number: int) -> None:
        """Send it a signal, if we may. No other process gets its pid before we fetch its status."""
        assert self.pid > 0, "kill(2) takes 0 and less for groups of processes"
        if self._holding >= 0:
            posix.is_readable(self._holding, SECONDS_TO_LET_GO)
            self._let_go()
        try:
            os.kill(self.pid, number)
        except OSError:
            pass  # it runs under another account, and we are not root
        self._loop.expect_exit(self.pid)

    def kill_group(self) -> None:
        """Send KILL to it and to all others of its process group, which it leads."""
        self.signal(signal_numbers.SIGKILL)
        try:
            os.killpg(self.pid, signal_numbers.SIGKILL)
        except OSError:
            pass

    def leave(self) -> None:
        """Let go of it; it runs on."""
        self._let_go()

    def _let_go(self) -> None:
        if self._holding >= 0:
            self._loop.remove(self._holding)
            os.close(self._holding)
            self._holding = -1

    def _gone(self, status: int) -> None:
        self._let_go()
        self._exited(status)


def fork(loop: Loop, become: Callable[[int], None], exited: Exited) -> Child:
    """Fork. The child calls ``become``, which never returns.

    It is given a descriptor that it closes when it holds nothing more of ours. Calls ``exited``
    with the wait status when the process is dead. Raises ``OSError``.
    """
    holding, held = posix.pipe()
    # A signal that came before the child has our handlers undone would be taken for one
    # to us: the child shares our signal pipe.
    before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
    try:
        pid = os.fork()
        if pid == 0:
            become(held)
    except OSError:
        os.close(holding)
        raise
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)
        os.close(held)
    return Child(loop, pid, exited, holding)


def hand_over(loop: Loop, heritage: Heritage) -> None:
    """In the child: put limits and signals into the state that a daemon finds."""
    if heritage.descriptor_limit:
        posix.set_descriptor_limit(*heritage.descriptor_limit)
    signals.set_wakeup_fd(-1)
    for number, disposition in loop.inherited.items():
        signals.signal(number, disposition)
    signals.pthread_sigmask(signals.SIG_SETMASK, heritage.mask)


class Forking:
    """Starts one service at a time, in a child that keeps the record."""

    def __init__(self, loop: Loop, heritage: Heritage) -> None:
        self._loop = loop
        self._heritage = heritage

    def start(
        self,
        directory: ServiceDirectory,
        streams: dict[int, int],
        exited: Exited,
        answer: Answer,
        script: Script = RUN,
    ) -> None:
        """Run ``script`` in ``directory``; ``streams`` maps the daemon's descriptors to ours.

        Calls ``answer`` with the process, or with the error: ``BlockingIOError`` if no process can
        be had, another if the script can't be run. Calls ``exited`` with the wait status when the
        process is dead. Here the child itself complains if the script can't be run.
        """
        try:
            since = system.now() if system.CLOCK_IS_EXACT else 0
            child = fork(
                self._loop,
                lambda held: self._become(directory, streams, held, since, script),
                exited,
            )
        except OSError as error:
            answer(error)
        else:
            answer(child)

    def _become(
        self,
        directory: ServiceDirectory,
        streams: dict[int, int],
        held: int,
        since: int,
        script: Script,
    ) -> None:
        """In the child: become the daemon, or say why not and end. Never returns."""
        heritage = self._heritage
        try:
            heritage.let_go({directory.lock, held, *streams.values()})
            os.close(held)
            os.setsid()
            if script.is_recorded:
                finish = script.is_finish
                directory.record(os.getpid(), heritage.life, since=since, finish=finish)
            directory.enter()
            os.close(directory.lock)
            for theirs, ours in streams.items():
                os.dup2(ours, theirs)
            hand_over(self._loop, heritage)
            pathexec.execute(script.words[0], script.words, heritage.environment)
        except OSError as error:
            complain(directory.not_started(error, script.name))
        finally:
            os._exit(TROUBLE)
