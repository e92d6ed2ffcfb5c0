"""``multilog SCRIPT...``: append selected lines of standard input to any number of logs.

**Blocks, not bytes.** C reads 1024 bytes at a time, looks at each, and may take the time
for each line. Here a block is the result of one read, up to 64 kilobytes. All its lines get one
time stamp, that of their arrival, and each log directory gets one write. Nothing is ever
held back: a block is written before the next one is read. Only the beginning of a line waits
until the line is complete (or too long to wait for).

**Signals** are only noted while a block is written. They end the wait for input, never a read:
if ``read`` itself were interrupted, there would be a moment in which a signal is missed, or a
block lost.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers, signals
from slashservice.supervise.logs.lines import keep_memory
from slashservice.supervise.logs.logger import BLOCK, Logger
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.messages import fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST = 86_400_000
"""Milliseconds to wait at most: poll takes no more than an int holds."""


def main(argv: Sequence[bytes]) -> int:
    """Run the action script ``argv`` over standard input."""
    os.umask(0o022)
    try:
        base = os.open(b".", os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise fatal("multilog", b"unable to switch to current directory", error) from None
    keep_memory()
    attention = Attention()
    logger = Logger(argv)
    carry_out(logger.start(base))
    os.close(base)
    size = BLOCK
    while True:
        ready = attention.wait(logger.seconds_until_old())
        carry_out(logger.rotate_old())
        if attention.rotate:
            attention.rotate = False
            carry_out(logger.rotate())
        if attention.end:
            if logger.at_line_end:
                break
            size = 1  # the input behind this line is for our successor
        if not ready:
            continue  # a read would wait, and signals would not end it
        if not carry_out(logger.take(0, size)):
            break
    carry_out(logger.finish())
    return 0


class Attention:
    """Waits for input or a signal, and remembers which signals came."""

    def __init__(self) -> None:
        import select

        self.rotate = False
        self.end = False
        self._woken, wake = os.pipe()
        for fd in (self._woken, wake):
            os.set_blocking(fd, False)
        signals.signal(signal_numbers.SIGCHLD, signals.SIG_DFL)  # if ignored, no status to wait for
        signals.set_wakeup_fd(wake)
        for number in (signal_numbers.SIGTERM, signal_numbers.SIGALRM):
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
                numbers = os.read(fd, BLOCK)
                self.end |= signal_numbers.SIGTERM in numbers
                self.rotate |= signal_numbers.SIGALRM in numbers
            else:
                ready = True
        return ready
