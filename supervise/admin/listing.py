"""``slashservice list``: all services at a glance."""

from __future__ import annotations

import os
import time

from slashservice.supervise.admin import health, output, unsupervised
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.admin.overview import shown
from slashservice.supervise.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice list [--json|--names|--watch] [--color WHEN] [--service-dir DIR] [NAME...]

Show the services: in what state each is, its process, for how long, how often it was restarted,
how it ended last, how its log is. Of one that fails, the last line that it logged is shown.

  --json             for programs; the manual says what is in it
  --names            only what they are called
  --watch            show it anew whenever something changes, until ^C
  --color WHEN       auto (the default), always or never
  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 all is well, 1 something fails, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

KNOWN = {"json": False, "names": False, "watch": False, "color": True}
SHORT = {"--colour": "color", "-w": "watch"}


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Print the table."""
    given = Arguments(argv, HELP, KNOWN, SHORT, directory)
    when = given.given.get("color", "auto")
    if when not in output.COLOUR_WHEN:
        raise given.wrong(f"--color takes auto, always or never, not {when}")
    if not os.path.isdir(given.directory):
        raise output.fatal(f"there is no scan directory {given.directory}")
    forms = [f"--{name}" for name in ("json", "names", "watch") if name in given.given]
    if len(forms) > 1:
        raise given.wrong(f"{forms[0]} and {forms[1]} exclude each other")
    coloured = output.is_coloured(when)
    if "watch" in given.given:
        from slashservice.supervise.admin import watching

        return watching.watch(given.directory, given.words, coloured=coloured)
    everything = Everything(given.directory, given.words)
    now = time.time()
    if "names" in given.given:
        output.write(printable(one.name) for one in everything.services)
    elif "json" in given.given:
        from slashservice.supervise.admin import as_json

        output.write([as_json.text(everything, now)])
    else:
        cells = output.cells()
        if everything.services or not everything.unknown:
            output.write(shown(everything.services, now, cells, coloured=coloured))
        complain(everything, now)
    bad = any(health.is_bad(one, now) for one in everything.services)
    return 1 if bad or everything.unknown or everything.is_left_alone else 0


def complain(everything: Everything, now: float) -> None:
    """Say on standard error what is wrong with the whole."""
    if not everything.services and not everything.unknown:
        output.complain(f"there are no services in {everything.directory}")
        return
    for name in everything.unknown:
        output.complain(f"there is no service {name} in {everything.directory}")
    if everything.is_left_alone:
        what = f"no svscan runs on {everything.directory}: nothing is supervised"
        runs = unsupervised.left(everything.services)
        more = [unsupervised.starter(everything.directory, adopts=True)] if runs else []
        output.complain(what, *more)
    elif everything.is_drained:
        output.complain(f"svscan on {everything.directory} is drained, and starts nothing")
    closed = sum(health.state(one, now) == health.CLOSED for one in everything.services)
    if closed:
        be = "is" if closed == 1 else "are"
        output.complain(f"how {closed} of them {be}, only root may know: try it with sudo")
