"""``svscan [-denr] [-g SECONDS] [DIR]``: keep every service of a directory alive, in one process.

TERM (or INT) drains: services down, then their logs at end of input, then exit 0. What has not
ended after SECONDS is killed (60 by default, 0 for never). USR1
drains and stays, for an init that would start us again. HUP looks again. QUIT exits at
once and leaves every daemon running, to be adopted by the next svscan; so does SIGKILL.
While another svscan is on the directory, it waits for that one's end, or with -n gives up.
With -e it ends with a service that is essential, as that did. With -d it starts nothing: it brings
down what a killed svscan has left, and ends.
As PID 1 it also reaps what is orphaned. Exit status 111 if the directory can't be scanned.
"""

from __future__ import annotations

from slashservice.supervise.messages import fatal
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import session
from slashservice.supervise.services.heritage import reserve_standard_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Scan the directory given, or else the current one."""
    orders = session.Orders("svscan", argv)
    directory = b"." if orders.directory is None else orders.directory
    try:
        reserve_standard_descriptors()
        loop = Loop()
    except OSError as error:
        raise fatal("svscan", b"unable to start", error) from None
    return session.run(directory, loop, orders)
