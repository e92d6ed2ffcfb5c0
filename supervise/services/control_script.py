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
    """Runs ``control/X`` of the service in ``directory``, one at a time.

    ``streams`` maps its descriptors to ours. ``ended`` is called when it has ended, or could not be
    run; it is told whether the script exited 0.
    """

    __slots__ = ("_context", "_directory", "_ended", "_process", "_streams")

    def __init__(
        self,
        context: Context,
        directory: ServiceDirectory,
        streams: dict[int, int],
        ended: Callable[[bool], None],
    ) -> None:
        self._context = context
        self._directory = directory
        self._streams = streams
        self._ended = ended
        self._process: Process | None = None

    def run(self, character: int) -> None:
        """Run the script for a control character."""
        script = Script([b"control/%c" % character], is_recorded=False)

        def answered(process: Process | OSError) -> None:
            if isinstance(process, OSError):
                what = b"unable to run " + self._directory.name + b"/" + script.name
                complain(message("supervise", b"warning", what, process))
                self._over(False)
            else:
                self._process = process

        def exited(status: int) -> None:
            self._over(status == 0)

        self._context.start(self._directory, self._streams, exited, answered, script)

    def kill(self) -> None:
        """Send it KILL, if it runs."""
        if self._process:
            self._process.signal(signal_numbers.SIGKILL)

    def _over(self, replaces: bool) -> None:
        self._process = None
        if self._directory.is_held:
            self._ended(replaces)
