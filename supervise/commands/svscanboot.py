"""``svscanboot [-n] [-g SECONDS] [DIR]``: start svscan as an init system should.

DIR is ``/service`` by default, and the options are svscan's.

The environment is a fixed PATH and nothing else. The standard descriptors go to
``/dev/null``. A ``readproctitle`` shows in the process list what svscan and the services
write to standard error. This process itself becomes svscan, so the init system knows the
pid that takes the signals.
"""

from __future__ import annotations

import os
import sys

from slashservice.supervise import messages
from slashservice.supervise.chain import environment
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import client, names, places, scan_directory
from slashservice.supervise.protocol.scan_directory import PATH
from slashservice.supervise.services import session
from slashservice.supervise.services.heritage import reserve_standard_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


DOTS = 400
"""Bytes that readproctitle shows."""

SECONDS_BETWEEN_STARTS = 1.0

KEPT = (b"HOME", b"LOGNAME", b"USER", b"SHELL", b"XDG_RUNTIME_DIR")
"""Variables that the services of an ordinary account keep."""


def main(argv: Sequence[bytes]) -> int:
    """Become svscan on the directory given."""
    orders = session.Orders("svscanboot", argv)
    directory = os.path.abspath(orders.directory or os.fsencode(names.SCAN_DIRECTORY))
    reserve_standard_descriptors()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    environment.hand_over(of_services())
    os.chdir("/")
    end_leftovers(directory)
    loop = Loop()
    ErrorDisplay(loop)
    return session.run(directory, loop, orders)


def of_services() -> list[bytes]:
    """Return the environment of services. An account has our commands where only it has them.

    Its services find their home, too. A package has the commands in a folder of its own as well.
    """
    if not os.geteuid() and not places.is_packaged():
        return [b"PATH=" + PATH]
    ours = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0])))
    path = PATH if ours in PATH.split(b":") else ours + b":" + PATH
    if not os.geteuid():
        return [b"PATH=" + path]
    kept = [word for word in environment.inherited() if word.partition(b"=")[0] in KEPT]
    return [b"PATH=" + path, *kept]


def end_leftovers(directory: bytes) -> None:
    """End the supervise processes that a killed C svscan left, as C's svscanboot does.

    Where a svscan of ours runs, the services are its own, and nothing is ended.
    """
    if scan_directory.running(directory) or scan_directory.is_locked(directory):
        return
    services = scan_directory.services(directory)
    for path in (*services, *(service + b"/log" for service in services)):
        try:
            client.tell(path, b"dx")
        except OSError:
            pass  # nobody supervises it


class ErrorDisplay:
    """Standard error as a pipe into a ``readproctitle``, which is started again if it dies.

    We keep the reading end open, so nobody gets SIGPIPE while there is no readproctitle. Our
    own messages never wait for room in the pipe: then nobody would start the next one.
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
                {b"PATH": PATH},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, self._read_end, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsigmask=self._loop.mask,
            )
        except OSError:
            self._again(0)
            return
        self._loop.on_exit(pid, self._again)

    def _again(self, status: int) -> None:
        self._loop.after(SECONDS_BETWEEN_STARTS, self._start)

    def _program(self) -> bytes:
        """Return the path of readproctitle: beside this program, or else on the PATH."""
        beside = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0]))) + b"/readproctitle"
        if os.access(beside, os.X_OK):
            return beside
        for folder in PATH.split(b":"):
            found = folder + b"/readproctitle"
            if os.access(found, os.X_OK):
                return found
        return beside
