"""Waiting for descriptors to become readable, as Linux does it.

The standard ``selectors`` would do, but costs two milliseconds of start-up.
"""

from __future__ import annotations

import select
import sys

# Where this does not hold, the type checker leaves out the rest of the module.
assert sys.platform == "linux"


class Epoll:
    """What waits for descriptors: epoll(7)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, fd: int) -> None:
        """Wait for ``fd`` from now on. Raises ``OSError``."""
        self._epoll.register(fd, select.EPOLLIN)

    def unregister(self, fd: int) -> None:
        """Wait for ``fd`` no more."""
        try:
            self._epoll.unregister(fd)
        except OSError:
            pass  # it is closed, and forgotten with that

    def ready(self, timeout: float | None, most: int) -> list[int]:
        """Return the descriptors that can be read, at most ``most`` of them.

        Waits for the first one, but no longer than ``timeout`` seconds.
        """
        return [fd for fd, _ in self._epoll.poll(timeout, most)]

    def close(self) -> None:
        """Wait for nothing any more."""
        self._epoll.close()
