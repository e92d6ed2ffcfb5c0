"""``svlogd [-tttv] [-r C] [-R XYZ] [-l LEN] [-b BUFLEN] DIR...``: runit's logger.

It is multilog's with another manner (:mod:`~slashservice.supervise.logs.svlogd`): each directory
says in a file what is done with the lines, and HUP has it read again.
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.logs.attention import Attention, open_base, run
from slashservice.supervise.logs.lines import keep_memory
from slashservice.supervise.logs.svlogd import SvlogdLogger
from slashservice.supervise.logs.svlogd_words import inform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HEARD = {
    signal_numbers.SIGALRM: b"sigalarm received.",
    signal_numbers.SIGTERM: b"sigterm received.",
    signal_numbers.SIGHUP: b"sighangup received.",
    signal_numbers.SIGCHLD: b"sigchild received.",
}


def main(argv: Sequence[bytes]) -> int:
    """Log standard input to the directories that ``argv`` names."""
    logger = SvlogdLogger(argv)
    try:
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_WRONLY)  # that no file of ours is taken for the input
    base = open_base("svlogd")
    keep_memory()
    attention = Verbose(tuple(HEARD)) if logger.is_verbose else Attention(tuple(HEARD))
    run(logger, base, attention)
    return 0


class Verbose(Attention):
    """Says which signals came."""

    def wait(self, seconds: float | None) -> bool:
        """Return as :class:`Attention` does."""
        before = set(self.came)
        ready = super().wait(seconds)
        for number, said in HEARD.items():
            if number in self.came and number not in before:
                inform(said)
        return ready
