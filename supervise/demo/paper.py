"""Where the demonstration is shown: a screen that is drawn anew, or lines one after another.

Nothing here waits for a reader. What has no room is kept and tried again; a screen that nobody
reads is not drawn. So a terminal that stands still keeps nobody from ending the demonstration.
"""

from __future__ import annotations

import os
import select
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CAN_CLEAR = b"\x1b[H"
"""Begins what clears the screen on terminals that obey ECMA-48, as all of these days do."""

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", "\r\n\x1b[?1049l\x1b[?25h"
"""Another screen without a cursor; and back, or to the next line where there is no other."""

CLEAR, HOME, EMPTY_LINE = "\x1b[H\x1b[2J", "\x1b[H", "\x1b[K"

LEAST_ROWS, LEAST_COLUMNS = 16, 40

PIECE = 512
"""So many bytes are written at once: as many as a pipe that can be written to surely takes."""

SECONDS_TO_FINISH = 1.0


class Paper:
    """Standard output. ``error`` is why it can't be written to, once that is so."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._pending = b""

    def put(self, text: str) -> None:
        """Write text, or keep it until there is room."""
        self._pending += text.encode("utf-8", "backslashreplace")
        self.flush()

    def flush(self) -> None:
        """Write what there is room for."""
        while self._pending and self.error is None:
            try:
                if not _has_room():
                    return
                self._pending = self._pending[os.write(1, self._pending[:PIECE]) :]
            except OSError as error:
                self.error = error

    @property
    def is_free(self) -> bool:
        """Whether all that was to be written is."""
        return not self._pending

    def finish(self) -> None:
        """Give what is left a last moment."""
        deadline = time.monotonic() + SECONDS_TO_FINISH
        while self._pending and self.error is None and time.monotonic() < deadline:
            time.sleep(0.02)
            self.flush()


def _has_room() -> bool:
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    return bool(poll.poll(0))


class Screen:
    """A terminal that is drawn anew; while it is, keys come one by one and are not echoed."""

    def __init__(self, paper: Paper, *, has_keys: bool) -> None:
        self._paper = paper
        self._shown: list[str] = []
        self._has_keys = has_keys
        self._usual: list[Any] | None = None

    def enter(self) -> None:
        """Begin."""
        if self._has_keys:
            try:
                self._usual = termios.tcgetattr(0)
                mine = termios.tcgetattr(0)
                mine[3] &= ~(termios.ICANON | termios.ECHO)
                mine[6][termios.VMIN], mine[6][termios.VTIME] = 1, 0
                termios.tcsetattr(0, termios.TCSADRAIN, mine)
            except termios.error:
                pass
        self._shown = []
        self._paper.put(ENTER)

    def leave(self) -> None:
        """Give the terminal back as it was."""
        self._paper.put(LEAVE)
        self._paper.finish()
        if self._usual is not None:
            try:
                termios.tcsetattr(0, termios.TCSANOW, self._usual)
            except termios.error:
                pass  # it is gone

    def draw(self, lines: Sequence[str]) -> None:
        """Have these lines on the screen."""
        if lines == self._shown or not self._paper.is_free:
            return
        self._shown = list(lines)
        self._paper.put(HOME + "\r\n".join(EMPTY_LINE + line for line in lines))

    def forget(self) -> None:
        """Draw all of it the next time: the terminal has changed."""
        if self._paper.is_free:
            self._paper.put(CLEAR)
        self._shown = []


def size() -> tuple[int, int] | None:
    """Return rows and columns of the terminal; None if it has none, or too few for a screen."""
    try:
        found = os.get_terminal_size(1)
    except OSError:
        return None
    if found.lines < LEAST_ROWS or found.columns < LEAST_COLUMNS:
        return None
    return found.lines, found.columns


def can_be_drawn() -> bool:
    """Tell whether standard output is a terminal on which a cursor can be put somewhere."""
    if not os.isatty(1) or not is_ours(1) or size() is None:
        return False
    try:
        import curses

        curses.setupterm(fd=1)
        return (curses.tigetstr("clear") or b"").startswith(CAN_CLEAR)
    except (ImportError, curses.error):
        return False


def has_terminal() -> bool:
    """Tell whether our session has a terminal, and it is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def is_ours(fd: int) -> bool:
    """Tell whether this is a terminal in whose foreground we are, so that its keys are for us."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False
