"""A logger in a log host, as a process of its log service."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Exited
    from slashservice.supervise.services.directory import ServiceDirectory


class RemoteLogger:
    """A logger inside a host: the process of a log service that has none of its own.

    ``signal`` and ``kill`` have the host do that, if the logger is still there.
    """

    __slots__ = (
        "_kill",
        "_signal",
        "directory",
        "exited",
        "is_started",
        "looked",
        "number",
        "pid",
        "text",
        "written",
    )

    def __init__(
        self,
        pid: int,
        number: int,
        directory: ServiceDirectory,
        exited: Exited,
        signal: Callable[[RemoteLogger, int], None],
        kill: Callable[[RemoteLogger], None],
    ) -> None:
        self.pid = pid
        self.number = number
        self.directory = directory
        self.exited = exited
        self.is_started = False
        """Whether the host has said so."""
        self.looked: Callable[[bool], None] | None = None
        """What to do when the host has looked for directories; with False it has not begun."""
        self.text = b""
        """The trouble that the host has reported last."""
        self.written = True
        """Whether that was written down."""
        self._signal = signal
        self._kill = kill

    def signal(self, number: int) -> None:
        """Have the logger do what its own process would do at this signal."""
        self._signal(self, number)

    def kill(self) -> None:
        """End the logger for certain: by message, and if that does not help, with its host."""
        self._kill(self)

    kill_group = kill

    def leave(self) -> None:
        """Let go of it; it runs on."""
