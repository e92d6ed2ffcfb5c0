"""The processor of a log directory: what turns ``previous`` into ``processed``.

It runs in the directory, by ``/bin/sh -c``, with ``previous`` and the old ``state`` to read
as descriptors 0 and 4, ``processed`` and ``newstate`` to write as 1 and 5. Whatever it
does but exit 0 makes it run again, five seconds later.
"""

from __future__ import annotations

import os
from fcntl import F_DUPFD_CLOEXEC, fcntl

from slashservice.supervise import environment, pathexec, signals
from slashservice.supervise.patience import PAUSE, Wait
from slashservice.supervise.program import TROUBLE, complain, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.patience import Attempts, Steps

READ = os.O_RDONLY | os.O_NONBLOCK
WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK

FORK_TROUBLE = b"unable to fork for processor in %s"

OUT_OF_THE_WAY = 10


def process(attempt: Attempts, where: int, command: bytes) -> Steps[None]:
    """Run ``command`` in the directory ``where`` until it succeeds."""
    entries = environment.inherited()
    pids: list[int] = []
    while True:
        while attempt.fails(FORK_TROUBLE, lambda: pids.append(_start(where, command, entries))):
            yield PAUSE
        try:
            status = yield Wait(pids.pop())
        except OSError as error:
            attempt.complain(b"wait failed for processor in %s", Wait, error)
        else:
            if status == 0:
                return
            kind = b"crashed" if os.WIFSIGNALED(status) else b"failed"
            attempt.complain(b"processor " + kind + b" in %s", kind)
        yield PAUSE


def _start(where: int, command: bytes, entries: list[bytes]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _become(where, command, entries)
        except OSError as error:
            complain(message("multilog", b"fatal", b"unable to run " + command, error))
        finally:
            os._exit(TROUBLE)
    return pid


def _become(where: int, command: bytes, entries: list[bytes]) -> None:
    """In the child: become the processor. Returns only by raising ``OSError``."""
    signals.set_wakeup_fd(-1)
    for number in (signals.SIGTERM, signals.SIGALRM):
        signals.signal(number, signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_UNBLOCK, (signals.SIGTERM, signals.SIGALRM))
    os.fchdir(where)
    files = [(b"previous", READ), (b"processed", WRITE), (b"state", READ), (b"newstate", WRITE)]
    # First all high up: any of the low ones may still be a file that has to be opened.
    fds = [
        fcntl(os.open(name, flags, 0o644), F_DUPFD_CLOEXEC, OUT_OF_THE_WAY) for name, flags in files
    ]
    for fd, target in zip(fds, (0, 1, 4, 5), strict=True):
        os.dup2(fd, target)
    pathexec.execute(b"/bin/sh", [b"sh", b"-c", command], entries)
