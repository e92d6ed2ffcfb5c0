"""``slashservice logs``: show the logs of services, which svlog does."""

from __future__ import annotations

import os

from slashservice.supervise.admin import output
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.verbs import path_of
from slashservice.supervise.chain import launchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice logs [-f] [-n NUMBER] [-s TIME] [-g PATTERN] [--service-dir DIR] [NAME...]

Show the last lines that services have logged, or of all services.

  -f, --follow       go on with what is logged from now on
  -n, --lines N      the last N lines (10)
  -s, --since TIME   from that time on, as 10m or 14:05
  -g, --grep TEXT    only lines with that regular expression; -i, --ignore-case
  -a, --all          all there are
  -r, --raw          with time stamps as they are in the log
  -v, --invert       only lines without what -g says
  -c, --color WHEN   auto, always or never
  --service-dir DIR  the scan directory; --user: your own

Manual: man svlog"""

FLAGS = ("all", "follow", "ignore-case", "raw", "invert")
VALUES = ("lines", "since", "grep", "color")
SHORT = {f"-{name[0]}": name for name in (*FLAGS, "grep", "since", "color")} | {
    "-n": "lines",
    "-v": "invert",
    "-i": "ignore-case",
}
KNOWN = {
    **dict.fromkeys(FLAGS, False),
    **dict.fromkeys(VALUES, True),
}


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Become svlog."""
    given = Arguments(argv, HELP, KNOWN, SHORT, directory)
    words = [
        f"--{name}={value}" if value else f"--{name}"
        for name, value in given.given.items()
        if name in KNOWN
    ]
    paths = [path_of(word, given.directory) for word in given.words] or [given.directory]
    for word, path in zip(given.words, paths, strict=False):
        if not os.path.isdir(path):
            raise output.fatal(f"there is no service {word} in {given.directory}")
    svlog = launchers.command("svlog")
    os.execv(svlog[0], [*svlog, *map(os.fsencode, words), b"--", *map(os.fsencode, paths)])
