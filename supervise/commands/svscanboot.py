"""``svscanboot [DIR]``: start svscan as an init system should, on ``/service`` by default.

The environment is emptied but for a fixed PATH, the standard descriptors go to
``/dev/null``, and what svscan and the services say on standard error is shown by a
``readproctitle`` in the process list. This process itself becomes svscan: the pid that the
init system knows is the one that takes its signals.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise import messages
from slashservice.supervise.chain import environment
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol.names import SCAN_DIRECTORY
from slashservice.supervise.services import processes, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


PATH = "/command:/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/X11R6/bin"
DOTS = 400
SECONDS_BETWEEN_STARTS = 1.0


def main(argv: Sequence[bytes]) -> int:
    """Become svscan on the directory given."""
    directory = os.path.abspath(argv[0]) if argv else os.fsencode(SCAN_DIRECTORY)
    processes.reserve_standard_descriptors()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    environment.hand_over([b"PATH=" + PATH.encode()])
    os.chdir("/")
    end_leftovers(directory)
    loop = Loop()
    ErrorDisplay(loop)
    return session.run(directory, loop)


def end_leftovers(directory: bytes) -> None:
    """End supervise processes that a killed C svscan left, as C's svscanboot does.

    Not when an svscan of ours runs there: the services would be its own.
    """
    from slashservice.supervise.commands import svc

    if session.is_running(directory):
        return
    try:
        names = sorted(name for name in os.listdir(directory) if not name.startswith(b"."))
    except OSError:
        return
    services = [os.path.join(directory, name) for name in names]
    svc.main([b"-dx", *services, *(service + b"/log" for service in services)])


class ErrorDisplay:
    """Standard error as a pipe into a ``readproctitle``, started again should it die.

    We keep the reading end open, so that nobody is sent SIGPIPE in between. What we have to
    say then has to fit into the pipe: waiting for room, we would never start another.
    """

    def __init__(self, loop: Loop) -> None:
        messages.write = messages.to_standard_error_without_waiting
        self._loop = loop
        self._read_end, write_end = os.pipe()
        os.dup2(write_end, 2)
        os.dup2(write_end, 1)
        os.close(write_end)
        self._start()

    def _start(self) -> None:
        reader = self._program()
        try:
            pid = os.posix_spawn(
                reader,
                [reader, b"service", b"errors:", b"." * DOTS],
                {b"PATH": PATH.encode()},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, self._read_end, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        except OSError:
            self._again(0)
            return
        self._loop.on_exit(pid, self._again)

    def _again(self, status: int) -> None:
        self._loop.after(SECONDS_BETWEEN_STARTS, self._start)

    def _program(self) -> bytes:
        """Find readproctitle: beside ourselves, or as the PATH has it."""
        beside = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0]))) + b"/readproctitle"
        if os.access(beside, os.X_OK):
            return beside
        for folder in PATH.encode().split(b":"):
            found = folder + b"/readproctitle"
            if os.access(found, os.X_OK):
                return found
        return beside
