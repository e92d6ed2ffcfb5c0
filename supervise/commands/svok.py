"""``svok DIR``: exit 0 if the service is being supervised, 100 if not, 111 on trouble."""

from __future__ import annotations

from slashservice.supervise.messages import MISUSE, fatal, usage
from slashservice.supervise.protocol import client, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Tell whether the one directory named is supervised."""
    if not argv:
        raise usage("svok", "svok dir")
    directory = argv[0]
    try:
        client.enter(directory)
    except OSError as error:
        raise fatal("svok", b"unable to chdir to " + directory, error) from None
    try:
        return 0 if client.is_supervised(b"") else MISUSE
    except OSError as error:
        what = b"unable to open " + directory + b"/" + names.OK
        raise fatal("svok", what, error) from None
