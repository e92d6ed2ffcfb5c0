"""The lock of a log directory, and the wait for another logger that has it."""

from __future__ import annotations

import math
import time

from slashservice.supervise.logs.steps import Pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.folder import Folder
    from slashservice.supervise.logs.steps import Attempts, Steps

FOR_EVER = math.inf

FIRST = 0.1
LAST = 1.0
"""Seconds until a lock that another log host still holds is tried again. They double each time."""

SECONDS_OF_TRUST = 0.01
"""How long it is not looked whether somebody has removed the file of the lock.

A log that fills thousands of files a second need not look for each of them. Any other log does.
"""

PATIENCE = 1.0
"""Seconds that a predecessor may take to let go of its lock. Then the wait is worth a complaint."""


class Lock:
    """The lock of ``folder``; ``is_waited_for`` tells whether another process has it."""

    __slots__ = ("_attempts", "_folder", "_trusted_until", "is_waited_for")

    def __init__(self, folder: Folder, attempts: Attempts) -> None:
        self._folder = folder
        self._attempts = attempts
        self.is_waited_for = False
        self._trusted_until = 0.0

    @property
    def is_trusted(self) -> bool:
        """Whether it was seen to be the one that others would take, and not long ago."""
        return time.monotonic() < self._trusted_until

    def take(self, seconds: float) -> Steps[None]:
        """Take the lock; wait for it as many ``seconds``.

        Raises ``BlockingIOError`` if another has it still.
        """
        delay, waited = FIRST, 0.0
        while True:
            try:
                self._folder.lock()
                break
            except BlockingIOError as error:
                if waited >= seconds:
                    self.is_waited_for = False
                    raise
                if waited >= PATIENCE:
                    self._attempts.complain(b"unable to lock directory %s", "lock", error)
            self.is_waited_for = True
            yield Pause(delay)
            waited += delay
            delay = min(2 * delay, LAST)
        self.is_waited_for = False
        self._attempts.succeeded("lock")

    def keep(self) -> Steps[None]:
        """Take it again if somebody has removed its file, so that no other logger comes in.

        Where another has come in meanwhile, wait for that one. What is no file can't be locked:
        that is said, and waited for by nobody.
        """
        while not self._folder.has_lock():
            try:
                self._folder.lock_again()
            except BlockingIOError as error:
                self._attempts.complain(b"unable to lock directory %s", "lock", error)
                yield self._attempts.pause
            except OSError as error:
                trouble = b"unable to lock directory %s"
                self._attempts.complain(trouble, "lock", error, b"going on")
                return
        self._attempts.succeeded("lock")
        self._trusted_until = time.monotonic() + SECONDS_OF_TRUST
