"""The journal of a logger that keeps none: multilog, or where the file can't be opened.

It is a module of its own so that multilog starts without the imports of
:mod:`~slashservice.supervise.logs.journal`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.logs.folder import Folder


class NoJournal:
    """Has the methods of ``Journal``; notes nothing, and finds nothing left."""

    __slots__ = ()

    has_carry = False
    keeps_all = False

    def try_lock(self) -> bool:
        """There is nothing to lock."""
        return True

    def rename(self, program: str, words: Sequence[bytes]) -> None:
        """There is nothing to name."""

    def recover(self) -> None:
        """No predecessor left anything."""

    def discard(self) -> None:
        """Nothing is in it."""

    def settle_write(self, output: int, folder: Folder, names: Sequence[bytes]) -> None:
        """No predecessor wrote anything."""

    def take(self, pipe: int, size: int) -> bytes:
        """Return what is in the pipe, up to ``size`` bytes."""
        return os.read(pipe, size)

    def put(self, block: bytes) -> None:
        """Note nothing."""

    def begin(self, stamp: bytes) -> None:
        """Note nothing."""

    def intend(self, output: int, file: int, size: int, offset: int, length: int) -> None:
        """Note nothing."""

    def reached(self, output: int, offset: int) -> None:
        """Note nothing."""

    def retract(self, output: int, offset: int) -> None:
        """Note nothing."""

    def secure(self) -> None:
        """Keep nothing."""

    def done(self, carry: Callable[[], bytes]) -> None:
        """Note nothing."""

    def close(self) -> None:
        """Let go of nothing."""
