"""A service in runit's sense: what ``x`` and ``once`` mean to runsv.

``x`` brings the service down and then ends supervision; until then ``u``, ``d`` and ``o`` take it
back. A log service does not know it. ``o`` is shown as a want of ``d``, as is ``x``.
"""

from __future__ import annotations

from slashservice.supervise.services.actions import DOWN, ONCE
from slashservice.supervise.services.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.protocol.status import Status
    from slashservice.supervise.services.actions import Action


EXIT = ord("x")
BOTH = ord("X")
WANTS = b"udo"
"""Control characters that say what is wanted from now on."""


class RunitService(Service):
    """A service that ``x`` brings down. ``exits`` tells that it was told so."""

    __slots__ = ("exits",)

    def __init__(self, want: bytes) -> None:
        super().__init__(want)
        self.exits = False

    def control(self, character: int, now: float) -> list[Action]:
        """One byte from the control FIFO."""
        if self.asking:
            return super().control(character, now)
        if character == BOTH:
            return []  # our sv sends it before "x", for a supervisor of the other kind
        if character == EXIT:
            return self._exit_by_command(now)
        if self.exits and character in WANTS:
            self.exits = self.leaving = False
        return super().control(character, now)

    def _exit_by_command(self, now: float) -> list[Action]:
        self.exits = True
        also = self._also(EXIT)
        return self._go([*self._terminate(), *self._exit(now), *also], now)

    def show(self, now: Status) -> None:
        """Make of a status what runsv would show."""
        if self.exits or self.want == ONCE:
            now.want, now.meant = DOWN, self.want
            now.exits = self.exits


class RunitLog(RunitService):
    """A log service. It ends with its service alone."""

    __slots__ = ()

    def _exit_by_command(self, now: float) -> list[Action]:
        return []
