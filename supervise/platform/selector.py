"""Waiting for descriptors to become readable, by whatever the system has for that."""

from __future__ import annotations

import selectors


class Selector:
    """What waits for descriptors: ``selectors``, which knows kqueue, poll and select."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int) -> None:
        """Wait for ``fd`` from now on. Raises ``OSError``."""
        self._selector.register(fd, selectors.EVENT_READ)

    def unregister(self, fd: int) -> None:
        """Wait for ``fd`` no more."""
        self._selector.unregister(fd)

    def ready(self, timeout: float | None, _most: int) -> list[int]:
        """Return the descriptors that can be read.

        Waits for the first one, but no longer than ``timeout`` seconds.
        """
        return [key.fd for key, _ in self._selector.select(timeout)]

    def close(self) -> None:
        """Wait for nothing any more."""
        self._selector.close()
