"""The control script of a service that runs."""

from __future__ import annotations

from slashservice.supervise import signal_numbers
from slashservice.supervise.messages import complain, message
from slashservice.supervise.services.starters import Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.services.context import Context, Process
    from slashservice.supervise.services.directory import ServiceDirectory


class ControlScript:
    """The control script for ``character`` of the service in ``directory``, run at once.

    ``streams`` maps its descriptors to ours. ``ended`` is called when it has ended, or could not be
    run. It is told whether the script exited 0.
    """

    __slots__ = ("_process",)

    def __init__(
        self,
        context: Context,
        directory: ServiceDirectory,
        streams: dict[int, int],
        character: int,
        ended: Callable[[bool], None],
    ) -> None:
        self._process: Process | None = None
        script = Script([b"control/%c" % character], is_recorded=False)

        def over(replaces: bool) -> None:
            self._process = None
            if directory.is_held:
                ended(replaces)

        def answered(process: Process | OSError) -> None:
            if isinstance(process, OSError):
                what = b"unable to run " + directory.name + b"/" + script.name
                complain(message("supervise", b"warning", what, process))
                # Not now: thousands of commands may wait, each for a script of its own.
                context.loop.after(0, lambda: over(False))
            else:
                self._process = process

        def exited(status: int) -> None:
            over(status == 0)

        context.start(directory, streams, exited, answered, script)

    def kill(self) -> None:
        """Send it KILL, if it runs."""
        if self._process:
            self._process.signal(signal_numbers.SIGKILL)
