"""A directory that can't be taken, and how long to wait while only its lock is in the way.

The last child that a supervisor forked shares the lock until it has become the daemon. So when
a supervisor was killed, its successor may find the lock held for a moment. That is no reason to
give up, or to complain, before ``SECONDS_OF_PATIENCE`` have passed.
"""

from __future__ import annotations

import time

from slashservice.supervise.messages import TROUBLE, Quit, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


SECONDS_OF_PATIENCE = 1.0
SECONDS_BETWEEN_TRIES = 0.01

RETRY_FIRST = 0.02
RETRY_LAST = 5.0
"""Seconds until what is refused to svscan is tried again; they double each time."""

ATTEMPTS = 3
"""How often at least what has to be done is tried."""


class Refused(Exception):  # noqa: N818 - as the loop sees it, an answer
    """A directory can't be had (now); ``line`` is the complaint, as C would make it.

    ``busy`` tells that another process holds the lock.
    """

    def __init__(self, line: bytes, busy: bool = False) -> None:
        super().__init__(line)
        self.line = line
        self.busy = busy


class Tries:
    """What svscan tries again and again: when it does so next, and what it has said."""

    __slots__ = ("_delay", "_said")

    def __init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        """Forget that it was refused."""
        self._delay = RETRY_FIRST
        self._said = b""

    def failed(self, refused: Refused) -> float:
        """Return after how many seconds to try again.

        Say why, but not twice, and not while a predecessor's last child may hold the lock.
        """
        delay, self._delay = self._delay, min(2 * self._delay, RETRY_LAST)
        if refused.line != self._said and not (refused.busy and delay < SECONDS_OF_PATIENCE):
            self._said = refused.line
            complain(refused.line)
        return delay

    @property
    def have_just_begun(self) -> bool:
        """Whether it was refused, and may still be had in a moment."""
        return RETRY_FIRST < self._delay <= 2 * SECONDS_OF_PATIENCE


def outwait(take: Callable[[], T]) -> T:
    """Call ``take``, again while it is refused because of a held lock; return its result.

    Blocks. Raises ``Quit`` when it is refused for another reason, or patience is at an end.
    """
    deadline = time.monotonic() + SECONDS_OF_PATIENCE
    while True:
        try:
            return take()
        except Refused as refused:
            if not refused.busy or time.monotonic() > deadline:
                raise Quit(TROUBLE, refused.line) from None
        time.sleep(SECONDS_BETWEEN_TRIES)


def surely(ask: Callable[[], T], seconds: float = SECONDS_OF_PATIENCE) -> T:
    """Call ``ask``, again while it raises ``OSError``; return its result.

    Blocks. It is for what has to be done before anything else is. Raises the error after so many
    seconds, and after a few attempts.
    """
    deadline = time.monotonic() + seconds
    attempts = 0
    while True:
        try:
            return ask()
        except OSError:
            attempts += 1
            if attempts >= ATTEMPTS and time.monotonic() > deadline:
                raise
        if attempts >= ATTEMPTS:
            time.sleep(SECONDS_BETWEEN_TRIES)
