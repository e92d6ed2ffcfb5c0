"""``runsv DIR``: keep a service and its log alive, as runit's runsv.

TERM brings the service down, then its log when that has read all, and ends; so does ``svc -x``.
QUIT ends at once and leaves both running. Killed, it leaves them to the next one. Exit status 0
when it was told to end; 111 if the directory can't be supervised, 1 for wrong usage.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages, signal_numbers
from slashservice.supervise.chain import environment
from slashservice.supervise.messages import Quit, fatal, warn
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.services import inode, runit_words
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.heritage import Heritage, reserve_standard_descriptors
from slashservice.supervise.services.pair import Pair
from slashservice.supervise.services.personality import RUNSV
from slashservice.supervise.services.refusal import outwait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.services.directory import ServiceDirectory


MISUSE = 1


def main(argv: Sequence[bytes]) -> int:
    """Supervise the directory named by the one argument."""
    if len(argv) != 1:
        raise Quit(MISUSE, b"usage: runsv dir\n\n")
    name = argv[0]
    reserve_standard_descriptors()
    messages.write = messages.to_standard_error_without_waiting
    messages.phrase = runit_words.of_runsv(name)
    loop = Loop()
    heritage = Heritage(environment.inherited(), record.life(), loop.mask)
    try:
        os.chdir(name)
        path = os.getcwdb()
        key = inode.of(os.stat(b"."))
    except OSError as error:
        raise fatal("svscan", b"unable to change to directory", error) from None
    context = Context(loop, heritage, posix.descriptor_limit(), personality=RUNSV)
    has_log = is_there(b"log")
    see(context, path, name, has_log)
    pair = Pair(context, key, path, name, has_log, lambda pair: loop.stop())

    def leave() -> None:
        pair.leave()
        loop.stop()

    loop.on_signal(signal_numbers.SIGTERM, pair.drain)
    loop.on_signal(signal_numbers.SIGQUIT, leave)
    loop.give_default(signal_numbers.SIGTERM)  # as runit's; HUP is as we found it
    outwait(pair.begin)
    loop.run()
    return 0


def is_there(log: bytes) -> bool:
    """Tell whether there is a directory for a log service; complain if that can't be told."""
    try:
        os.stat(log)
    except FileNotFoundError:
        return False
    except OSError as error:
        warn("svscan", b"unable to stat() ./log: ", error)
        return False
    if not os.path.isdir(log):
        warn("svscan", b"./log: not a directory.")
        return False
    return True


def see(context: Context, path: bytes, name: bytes, has_log: bool) -> None:
    """See that both parts can be had, before anything is started."""
    service = take(context, path, name)
    try:
        if has_log:
            take(context, path + b"/log", name + b"/log").release()
    finally:
        service.release()


def take(context: Context, path: bytes, name: bytes) -> ServiceDirectory:
    """Take a service directory. Raises ``Quit`` if it can't be had."""
    return outwait(lambda: context.acquire(path, name))[0]
