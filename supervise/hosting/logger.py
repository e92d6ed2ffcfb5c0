"""One logger inside a log host: what a multilog process would be, to whoever looks at it.

It reads its input when there is some, feeds its
:class:`~slashservice.supervise.logs.logger.Logger`, and obeys signals as a process does: TERM
ends it at the end of a line, ALRM rotates, STOP and CONT suspend it, and any other ends it on
the spot, with its log left as not closed cleanly.

Whatever may block is done by the workers, one step at a time; all the deciding is done in
the loop's thread.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.messages import TROUBLE, Quit, complain, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.hosting.host import LogHost
    from slashservice.supervise.logs.steps import Pause, Steps, Wait
    from slashservice.supervise.platform.loop import Loop

BLOCK = 65536
"""Bytes read at a time: what a pipe holds."""


class HostedLogger:
    """A logger that runs the action script ``argv`` over the descriptor ``stdin``.

    ``base`` is a descriptor of its working directory, ``journal`` one of the file for its
    journal, or -1. ``exited`` is called with a wait status once it is gone.
    """

    __slots__ = (
        "_base",
        "_ending",
        "_exited",
        "_host",
        "_journal",
        "_journal_fd",
        "_killed",
        "_listening",
        "_logger",
        "_looking",
        "_loop",
        "_resumption",
        "_rotate",
        "_stdin",
        "_steps",
        "_stopped",
        "_working",
    )

    def __init__(
        self,
        loop: Loop,
        host: LogHost,
        stdin: int,
        base: int,
        journal: int,
        exited: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._host = host
        self._stdin = stdin
        self._base = base
        self._journal_fd = journal
        self._journal: Journal | None = None
        self._exited = exited
        self._logger: Logger | None = None
        self._steps: Steps[None] | None = None
        self._resumption: int | None = None
        self._working = False
        self._listening = self._looking = False
        self._ending = self._rotate = self._stopped = False
        self._killed = 0

    def start(self, argv: Sequence[bytes]) -> None:
        """Begin: open the directories, waiting for those that are locked, then read."""
        try:
            self._logger = Logger(argv)
        except Quit as end:
            complain(end.line)
            self._gone(end.status << 8)
            return
        if self._journal_fd >= 0:
            self._journal = Journal(self._journal_fd, argv)
            self._journal_fd = -1  # the logger closes it
        self._carry_out(self._logger.start(self._base, True, self._journal))

    def signal(self, number: int) -> None:
        """Behave as a process that is sent the signal."""
        if number == signal_numbers.SIGTERM:
            self._ending = True
        elif number == signal_numbers.SIGALRM:
            self._rotate = True
        elif number == signal_numbers.SIGSTOP:
            self._stopped = True
        elif number == signal_numbers.SIGCONT:
            self._stopped = False
        elif number != signal_numbers.SIGCHLD:
            self._killed = number
        if not self._working:
            self._next()

    def _next(self) -> None:
        """Decide what to do, nothing being under way but perhaps a pause."""
        if self._logger is None:
            return
        if self._killed:
            self._stop_listening()
            self._logger.release()
            self._gone(self._killed)
        elif self._stopped:
            self._stop_listening()
        elif self._steps is not None:
            if self._resumption is not None:
                value, self._resumption = self._resumption, None
                self._go_on(self._steps, value)
        elif self._rotate:
            self._rotate = False
            self._carry_out(self._logger.rotate())
        elif self._ending and self._logger.at_line_end:
            self._finish()
        elif self._is_old():
            self._carry_out(self._logger.rotate_old())
        elif not self._listening:
            self._listening = True
            self._loop.add(self._stdin, self._readable)

    def _is_old(self) -> bool:
        """Tell whether a file has reached its age; see to it that we look again when one has."""
        wait = self._logger.seconds_until_old() if self._logger else None
        if wait is None or wait <= 0:
            return wait is not None
        if not self._looking:
            self._looking = True
            self._loop.after(wait, self._look)
        return False

    def _look(self) -> None:
        self._looking = False
        if not self._working:
            self._next()

    def _readable(self) -> None:
        """There is input, or its end."""
        self._stop_listening()
        assert self._logger is not None
        # To the end of the line only: what comes after it is for whoever reads next.
        self._carry_out(self._read_and_feed(self._logger, 1 if self._ending else BLOCK))

    def _read_and_feed(self, logger: Logger, size: int) -> Steps[None]:
        try:
            if self._journal:
                block = self._journal.take(self._stdin, size)
            else:
                block = os.read(self._stdin, size)
        except BlockingIOError:
            return
        except OSError:
            block = b""
        if block:
            yield from logger.feed(block)
        else:
            yield from logger.finish()
            self._logger = None

    def _finish(self) -> None:
        self._stop_listening()
        assert self._logger is not None
        self._carry_out(self._finished(self._logger))

    def _finished(self, logger: Logger) -> Steps[None]:
        yield from logger.finish()
        self._logger = None

    def _stop_listening(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove(self._stdin)

    def _carry_out(self, steps: Steps[None]) -> None:
        """Do steps, each in a worker, with what they wait for in between."""
        self._stop_listening()
        self._steps = steps
        self._step(lambda: next(steps))

    def _step(self, go_on: Callable[[], Pause | Wait]) -> None:
        """Let a worker go on with the steps, and see to what they yield."""
        outcome: list[Pause | Wait | BaseException] = []

        def work() -> None:
            try:
                outcome.append(go_on())
            except BaseException as end:
                outcome.append(end)

        self._working = True
        self._host.submit(work, lambda: self._did(outcome[0]))

    def _did(self, outcome: Pause | Wait | BaseException) -> None:
        self._working = False
        steps = self._steps
        assert steps is not None
        if isinstance(outcome, BaseException):
            self._steps = None
            self._end_of_steps(outcome)
            return
        outcome.arrange(self._loop.after, self._host.wait, lambda value: self._resume(steps, value))
        self._next()

    def _resume(self, steps: Steps[None], value: int) -> None:
        """A pause is over, or a processor dead; unless the logger was killed meanwhile."""
        if self._steps is steps:
            self._resumption = value
            self._next()

    def _go_on(self, steps: Steps[None], value: int) -> None:
        self._step(lambda: steps.send(value))

    def _end_of_steps(self, end: BaseException) -> None:
        if isinstance(end, StopIteration):
            if self._logger is None:
                self._gone(0)
            else:
                if self._base >= 0:
                    os.close(self._base)
                    self._base = -1
                self._next()
            return
        if isinstance(end, Quit):
            complain(end.line)
            status = end.status
        else:
            complain(message("multilog", b"fatal", repr(end).encode()))
            status = TROUBLE
        if self._logger:
            self._logger.release()
        self._gone(status << 8)

    def _gone(self, status: int) -> None:
        self._logger = None
        self._steps = None
        for fd in (self._stdin, self._base, self._journal_fd):
            if fd >= 0:
                os.close(fd)
        self._stdin = self._base = self._journal_fd = -1
        self._exited(status)
