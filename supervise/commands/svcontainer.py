"""``svcontainer [-nr] [-g SECONDS] [DIR]``: be svscan as the first process of a container.

DIR is ``/service`` by default, and the options are svscan's; -e is always on, and -g is less than
the time for which a container's runtime waits. What changes is kept in ``/run/svscan``. ``env`` has
the environment, of which services get next to nothing (``kept_environment.py``). ``service`` is
where svscan runs. That is a link to DIR, or a directory of links (``aside.py``) where a service
can't keep its state in its own directory, as the image is read-only or we are not its owner.
"""

from __future__ import annotations

import os

from slashservice.supervise.chain import environment
from slashservice.supervise.messages import fatal, warn
from slashservice.supervise.platform import processes
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import names, scan_directory
from slashservice.supervise.services import aside, kept_environment, session
from slashservice.supervise.services.heritage import reserve_standard_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = names.CONTAINER
SERVICES = STATE + b"/service"

SECONDS_OF_DRAIN = 6
"""``docker stop`` waits for ten. What comes last is given a few after that."""


def main(argv: Sequence[bytes]) -> int:
    """Become svscan on the directory given."""
    orders = session.Orders("svcontainer", argv, SECONDS_OF_DRAIN)
    orders.essential = True
    directory = os.path.abspath(orders.directory or os.fsencode(names.SCAN_DIRECTORY))
    reserve_standard_descriptors()
    for path in (SERVICES, directory):
        pid = scan_directory.running(path) if os.path.isdir(path) else 0
        if pid:
            raise fatal("svcontainer", b"process %d is svscan on %b here already" % (pid, path))
    entries = environment.inherited()
    try:
        needs = aside.is_needed(directory)
    except OSError as error:
        raise fatal("svcontainer", b"unable to read " + directory, error) from None
    try:
        os.makedirs(STATE, 0o755, exist_ok=True)
        kept_environment.keep(entries, names.KEPT_ENVIRONMENT)
        put(directory, needs)
    except OSError as error:
        what = b"unable to write to " + STATE + b", mount a tmpfs on /run"
        raise fatal("svcontainer", what, error) from None
    try:
        processes.erase_environment()
    except OSError as error:
        warn("svcontainer", b"unable to erase the environment that /proc shows of us", error)
    environment.hand_over(kept_environment.passed(entries))
    return session.run(SERVICES, Loop(), orders)


def put(directory: bytes, is_aside: bool) -> None:
    """Have ``/run/svscan/service`` lead to the services of ``directory``. Raises ``OSError``."""
    is_link = os.path.islink(SERVICES)
    if is_aside:
        if is_link:
            os.unlink(SERVICES)
        aside.make(directory, SERVICES)
    elif not (is_link and os.readlink(SERVICES) == directory):
        new = SERVICES + b".new"
        if os.path.lexists(new):
            os.unlink(new)
        if not is_link and os.path.isdir(SERVICES):
            number = 1
            while os.path.lexists(SERVICES + b".old-%d" % number):
                number += 1
            os.rename(SERVICES, SERVICES + b".old-%d" % number)
        os.symlink(directory, new)
        os.rename(new, SERVICES)
