"""``svok DIR``: exit 0 if the service is being supervised, 100 if not, 111 on trouble."""

from __future__ import annotations

import errno
import os

from slashservice.supervise.messages import MISUSE, fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Tell whether the one directory named is supervised."""
    if not argv:
        raise usage("svok", "svok dir")
    directory = argv[0]
    try:
        os.chdir(directory)
    except OSError as error:
        raise fatal("svok", b"unable to chdir to " + directory, error) from None
    try:
        os.close(os.open("supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO):
            return MISUSE
        what = b"unable to open " + directory + b"/supervise/ok"
        raise fatal("svok", what, error) from None
    return 0
