"""``loghost FD [ACCOUNT]``: run the loggers of many log services in one process.

svscan starts it for log services that are nothing but a multilog (see
:mod:`~slashservice.supervise.protocol.loghost` for what is spoken over the socket FD); it is not
meant for people. It goes on when svscan is killed. TERM lets every logger finish with its
block. It ends, with status 0, once svscan and all loggers are gone.

It takes ACCOUNT by itself, without an exec behind that. An exec would make it visible to the
account for a moment, which could take the socket to root's svscan from it, and the descriptors.
"""

from __future__ import annotations

import os
import socket

from slashservice.supervise.chain import accounts, environment, in_process
from slashservice.supervise.hosting.host import LogHost
from slashservice.supervise.logs.lines import keep_memory
from slashservice.supervise.messages import usage
from slashservice.supervise.platform import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = "loghost fd [ account ]"


def main(argv: Sequence[bytes]) -> int:
    """Be the log host at the other end of the socket given."""
    if len(argv) not in (1, 2) or not argv[0].isdigit():
        raise usage("loghost", USAGE)
    try:
        svscan = socket.socket(fileno=int(argv[0]))
    except (OSError, OverflowError):
        raise usage("loghost", USAGE) from None
    svscan.set_inheritable(False)
    os.umask(0o022)
    posix.raise_descriptor_limit()
    environment.inherited()  # for processors: hidden, we are not shown it any more
    in_process.hide()
    if len(argv) == 2:
        accounts.become_words("loghost", argv[1])
        in_process.hide()  # where fs.suid_dumpable says otherwise
    keep_memory()
    host = LogHost(svscan)
    host.loop.run()
    return 0
