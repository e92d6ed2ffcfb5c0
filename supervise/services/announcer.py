"""Telling clients how a service is: the status file, and the notes beside it.

A status that can't be written is complained of once, and written as soon as it can be.
"""

from __future__ import annotations

from slashservice.supervise.messages import complain
from slashservice.supervise.services.notes import Notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.protocol.status import Status
    from slashservice.supervise.services.context import Context
    from slashservice.supervise.services.directory import ServiceDirectory


SECONDS_UNTIL_WRITTEN = 5.0
"""When it is tried again to write a status or a record that could not be written."""


class Announcer:
    """Announces the service in ``directory``."""

    __slots__ = ("_context", "_directory", "_failed", "_now", "_said", "_waits", "notes")

    def __init__(self, context: Context, directory: ServiceDirectory) -> None:
        self._context = context
        self._directory = directory
        self.notes = Notes(directory)
        self._now: Status | None = None
        """What is still to be told."""
        self._failed = False
        self._said = b""
        """Why the status could not be written the last time, if it could not."""
        self._waits = False
        """Whether it is to be written in a while."""

    def announce(self, now: Status, failed: bool = False) -> None:
        """Write how it is; ``failed`` tells that it has failed for good."""
        self._now = now
        if failed != self._failed or now.meant:
            self._directory.locate()  # the notes are written first
        self._failed = failed
        self.notes.mark(failed)
        self.notes.remember(now)
        complaint = self._directory.announce(now)
        self.notes.forget(now)
        if complaint and complaint != self._said:
            complain(complaint)
        self._said = complaint
        if not complaint:
            self._context.tell(self.tell)
        elif not self._waits:
            self._waits = True
            self._context.loop.after(SECONDS_UNTIL_WRITTEN, self._write_again)

    def tell(self) -> None:
        """Write the notes."""
        if self._now and self._directory.is_held and self._directory.locate():
            self.notes.tell(self._now)
            self._now = None

    def _write_again(self) -> None:
        """Write the status that could not be written, if its directory is still there."""
        self._waits = False
        if self._said and self._now and self._directory.is_held and self._directory.locate():
            self.notes.are_gone()
            self.announce(self._now, self._failed)
