"""``loghost FD``: run the loggers of many log services in one process.

svscan starts it for log services that are nothing but a multilog (see
:mod:`~slashservice.supervise.services.loghosts` for the protocol spoken over the socket FD);
it is not meant for people. It goes on when svscan is killed. TERM lets every logger finish at
the end of a line. It ends, with status 0, once svscan and all loggers are gone.
"""

from __future__ import annotations

import os
import socket

from slashservice.supervise.hosting.host import LogHost
from slashservice.supervise.logs.lines import keep_memory
from slashservice.supervise.messages import usage
from slashservice.supervise.platform import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Be the log host at the other end of the socket given."""
    if len(argv) != 1 or not argv[0].isdigit():
        raise usage("loghost", "loghost fd")
    try:
        svscan = socket.socket(fileno=int(argv[0]))
    except OSError:
        raise usage("loghost", "loghost fd") from None
    svscan.set_inheritable(False)
    os.umask(0o022)
    posix.raise_descriptor_limit()  # a logger needs four
    keep_memory()
    host = LogHost(svscan)
    host.loop.run()
    return 0
