"""``slashservice logs``: show the logs of services, which svlog does."""

from __future__ import annotations

import os

from slashservice.supervise.admin import output
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.verbs import path_of
from slashservice.supervise.chain import launchers
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice logs [-f] [-n NUMBER] [-s TIME] [-U TIME] [-g PATTERN] [--service-dir DIR] [NAME...]

Show the last lines that services have logged, or of all services.
NAME may be a pattern, as 'web*'.

  -f, --follow       go on with what is logged from now on
  -n, --lines N      the last N lines of those that the others choose (10)
  -s, --since TIME   from that time on, as 10m, 14:05, yesterday, "Nov 25 14:05"
  -U, --until TIME   up to that time
  -g, --grep TEXT    only lines with that regular expression; -i, --ignore-case
  -a, --all          all there are
  -r, --raw          with time stamps as they are in the log
  -j, --json         a JSON object for each line
  -v, --invert       only lines without what -g says
  -c, --color WHEN   auto, always or never
  --service-dir DIR  the scan directory; --user: your own

Manual: man svlog"""

FLAGS = ("all", "follow", "ignore-case", "json", "raw", "invert")
VALUES = ("lines", "since", "until", "grep", "color")
SHORT = {f"-{name[0]}": name for name in (*FLAGS, "grep", "since", "color")} | {
    "-n": "lines",
    "-U": "until",
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
    paths = [path for word in given.words for path in _paths(word, given.directory)]
    svlog = launchers.command("svlog")
    os.execv(
        svlog[0],
        [*svlog, *map(os.fsencode, words), b"--", *map(os.fsencode, paths or [given.directory])],
    )


def _paths(word: str, directory: str) -> list[str]:
    """Return the paths of the services that a word names, or matches."""
    path = path_of(word, directory)
    if os.path.isdir(path):
        return [path]
    found = places.matching(os.fsencode(word), os.fsencode(directory))
    if not found:
        raise output.fatal(f"there is no service {word} in {directory}")
    return list(map(os.fsdecode, found))
