"""``multilog SCRIPT...``: append selected lines of standard input to any number of logs.

**Blocks, not bytes.** C reads 1024 bytes at a time, looks at each, and may take the time
for each line. Here a block is the result of one read, up to 64 kilobytes. All its lines get one
time stamp, that of their arrival, and each log directory gets one write. Nothing is ever
held back: a block is written before the next one is read. Only the beginning of a line waits
until the line is complete (or too long to wait for).
"""

from __future__ import annotations

import os

from slashservice.supervise import signal_numbers
from slashservice.supervise.logs.attention import Attention, open_base, run
from slashservice.supervise.logs.lines import keep_memory
from slashservice.supervise.logs.logger import Logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Run the action script ``argv`` over standard input."""
    os.umask(0o022)
    base = open_base("multilog")
    keep_memory()
    attention = Attention((signal_numbers.SIGTERM, signal_numbers.SIGALRM))
    run(Logger(argv), base, attention)
    return 0
