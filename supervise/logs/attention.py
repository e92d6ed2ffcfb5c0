"""A logger that is a process: it waits for input or a signal, and does what comes.

Signals are only noted while a block is written. They end the wait for input, never a read:
if ``read`` itself were interrupted, there would be a moment in which a signal is missed, or a
block lost.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.logs.logger import BLOCK
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.messages import fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.logger import Logger

LONGEST = 86_400_000
"""Milliseconds to wait at most: poll takes no more than an int holds."""


def open_base(program: str) -> int:
    """Return a descriptor of the current directory. Raises ``Quit``."""
    try:
        return os.open(b".", os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise fatal(program, b"unable to switch to current directory", error) from None


class Attention:
    """Waits for input or a signal, and remembers which of the signals ``numbers`` came."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        import select

        self.came: set[int] = set()
        self._woken, wake = os.pipe()
        for fd in (self._woken, wake):
            os.set_blocking(fd, False)
        signals.signal(signal_numbers.SIGCHLD, signals.SIG_DFL)  # if ignored, no status to wait for
        signals.set_wakeup_fd(wake)
        for number in numbers:
            signals.signal(number, signals.do_nothing)
        self._poll = select.poll()
        for fd in (0, self._woken):
            self._poll.register(fd, select.POLLIN)

    def wait(self, seconds: float | None) -> bool:
        """Return when there is input, a signal came, or ``seconds`` are over (None: never).

        True if a read would not wait: there is input, or its end, or an error.
        """
        ready = False
        milliseconds = None if seconds is None else max(0, min(int(seconds * 1000) + 1, LONGEST))
        for fd, _ in self._poll.poll(milliseconds):
            if fd == self._woken:
                self.came.update(os.read(fd, BLOCK))
            else:
                ready = True
        return ready

    def has_come(self, number: int) -> bool:
        """Tell whether the signal came, once for each time it did."""
        came = number in self.came
        self.came.discard(number)
        return came


def run(logger: Logger, base: int, attention: Attention) -> None:
    """Run the logger over standard input until that ends, or TERM comes."""
    carry_out(logger.start(base))
    os.close(base)
    size = BLOCK
    ends = False
    while True:
        ready = attention.wait(logger.seconds_until_old())
        carry_out(logger.rotate_old())
        if attention.has_come(signal_numbers.SIGALRM):
            carry_out(logger.rotate())
        ends |= attention.has_come(signal_numbers.SIGTERM)
        if ends:
            if logger.at_line_end:
                break
            size = 1  # the input behind this line is for our successor
        if attention.has_come(signal_numbers.SIGHUP):
            carry_out(logger.reopen())
        if attention.has_come(signal_numbers.SIGCHLD):
            for pid in logger.running():
                dead, status = os.waitpid(pid, os.WNOHANG)
                if dead:
                    carry_out(logger.processed(dead, status))
        if not ready:
            continue  # a read would wait, and signals would not end it
        if not carry_out(logger.take(0, size)):
            break
    carry_out(logger.finish())
