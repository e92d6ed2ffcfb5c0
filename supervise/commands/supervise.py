"""``supervise DIR``: keep one service alive.

TERM brings the service down and ends supervision, QUIT ends it at once and leaves the
daemon running, to be adopted by the next supervisor. Exit status 0 then; 111 if the
directory can't be supervised, 100 for wrong usage.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages, signal_numbers
from slashservice.supervise.chain import environment
from slashservice.supervise.messages import fatal, usage
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage, reserve_standard_descriptors
from slashservice.supervise.services.refusal import outwait
from slashservice.supervise.services.supervised import Supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Supervise the directory named by the one argument."""
    if len(argv) != 1:
        raise usage("supervise", "supervise dir")
    name = argv[0]
    reserve_standard_descriptors()
    messages.write = messages.to_standard_error_without_waiting
    loop = Loop()
    heritage = Heritage(environment.inherited(), record.life(), loop.mask)
    try:
        os.chdir(name)
        path = os.getcwdb()
    except OSError as error:
        raise fatal("supervise", b"unable to chdir to " + name, error) from None
    context = Context(loop, heritage, posix.descriptor_limit())
    loop.on_signal(signal_numbers.SIGTERM, lambda: supervised.drain())
    loop.on_signal(signal_numbers.SIGHUP, lambda: None)
    loop.on_signal(signal_numbers.SIGQUIT, loop.stop)
    directory, left = outwait(lambda: context.acquire(path, name))
    supervised = Supervised(context, directory, {}, loop.stop)
    outwait(lambda: supervised.begin(left))
    loop.run()
    return 0
