"""``svstat DIR...``: say of each service whether it is up, and for how long.

The answer, or why there is none, is one line per directory on standard output. Exit 0.
"""

from __future__ import annotations

from slashservice.supervise import signals
from slashservice.supervise.messages import error_words, fatal, write_all
from slashservice.supervise.protocol import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Print a line for each directory named."""
    lines = []
    for directory, trouble in client.visit("svstat", argv):
        words = b"unable to chdir: " + error_words(trouble) if trouble else client.describe(b"")
        lines.append(directory + b": " + words + b"\n")
    signals.restore_defaults()
    try:
        write_all(1, b"".join(lines))
    except OSError as error:
        raise fatal("svstat", b"unable to write output", error) from None
    return 0
