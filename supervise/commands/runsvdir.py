"""``runsvdir [-P] DIR [LOG]``: keep every service of a directory alive, as runit's runsvdir.

It is svscan with other manners: a service whose entry is gone is brought down; TERM ends at once
and leaves all services to a process like it, until the next one is started; HUP brings all down and
ends with status 111. As PID 1 TERM brings all down as well, since nothing would be left running.
USR1 and QUIT are svscan's. With LOG, of seven characters at least, what is said on standard error
is shown in its place in the process list. -P is accepted: services have sessions of their own
anyway.
"""

from __future__ import annotations

import os

from slashservice.supervise import messages
from slashservice.supervise.messages import Quit, fatal, warn
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import runit_words, session
from slashservice.supervise.services.error_title import SHORTEST, ErrorTitle
from slashservice.supervise.services.heritage import reserve_standard_descriptors
from slashservice.supervise.services.keeping import KEEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


MISUSE = 1


def main(argv: Sequence[bytes]) -> int:
    """Scan the directory given."""
    words = list(argv)
    keeps = words[:1] != [] and words[0].startswith(KEEP) and words[0][len(KEEP) :].isdigit()
    if words and words[0][:2] in (b"-P", b"--"):
        words.pop(0)
    if not words:
        raise Quit(MISUSE, b"usage: runsvdir [-P] dir\n\n")
    held = int(argv[0][len(KEEP) :]) if keeps else -1

    def taken() -> None:
        if held > 2:
            os.close(held)

    if held > 2:
        os.set_inheritable(held, False)
    directory = words[0]
    messages.phrase = runit_words.of_runsvdir(directory)
    try:
        reserve_standard_descriptors()
        loop = Loop()
    except OSError as error:
        raise fatal("svscan", b"unable to start", error) from None
    if len(words) > 1:
        show_errors(loop, words[1], sum(len(word) + 1 for word in words[2:]))
    return session.run(directory, loop, session.OfRunsvdir(keeps, taken))


def show_errors(loop: Loop, text: bytes, behind: int) -> None:
    """Show what is said on standard error in place of the argument ``text``."""
    messages.write = messages.to_standard_error_without_waiting
    if len(text) < SHORTEST:
        warn("svscan", b"log must have at least seven characters.")
    else:
        try:
            ErrorTitle(loop, text, behind)
        except OSError:
            warn("svscan", b"unable to create pipe for log.")
        else:
            return
    warn("svscan", b"log service disabled.")
