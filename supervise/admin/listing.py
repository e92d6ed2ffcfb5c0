"""``slashservice list``: all services at a glance."""

from __future__ import annotations

import os
import time

from slashservice.supervise.admin import health, output, table, words
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.admin.table import Column
from slashservice.supervise.messages import fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.admin.seen import Seen
    from slashservice.supervise.admin.table import Line

HELP = """\
slashservice list [--json] [--watch] [--color auto|always|never] [--service-dir DIR] [NAME...]

Show the services: in what state each is, its process, for how long, how often it was restarted,
how it ended last, how its log is. Of one that fails, the last line that it logged is shown.

  --json             for programs; the manual says what is in it
  --watch            show it anew whenever something changes, until ^C
  --color WHEN       auto (the default), always or never
  --service-dir DIR  the scan directory

Exit status: 0 all is well, 1 something fails, 100 wrong usage, 111 trouble.
Manual: man slashservice-list"""

KNOWN = {"json": False, "watch": False, "color": True, "service-dir": True}
SHORT = {"--colour": "color", "-w": "watch"}

COLUMNS = (
    Column("NAME"),
    Column("STATE"),
    Column("PID", 3, right=True),
    Column("FOR", 1, right=True),
    Column("RESTARTS", 4, right=True),
    Column("LAST END", 2),
    Column("LOG", 5),
    Column("", 6, is_loose=True),
)

COLOURS = {
    health.RUNNING: output.GREEN,
    health.DOWN: output.DIM,
    health.FAILING: output.RED,
    health.FAILED: output.RED,
    health.NOT_SUPERVISED: output.RED,
    health.MISSING: output.RED,
    health.CLOSED: output.DIM,
}
"""Of all other states: yellow."""

INDENT = "    "

STATE = 1
"""The column with the state."""


def row(seen: Seen, now: float) -> list[str]:
    """Return the cells of a service."""
    return [
        output.clean(seen.name),
        health.state(seen, now),
        str(seen.pid or ""),
        "" if seen.since is None or not seen.is_supervised else words.duration(now - seen.since),
        restarts(seen),
        words.ending(seen.last[-1]) if seen.last else "",
        log_state(seen.log, now),
        ", ".join(notes(seen)),
    ]


def restarts(seen: Seen) -> str:
    """Say how many of the deaths on record were followed by another start; empty for none."""
    number = seen.deaths - (not seen.pid)
    return str(number) if number > 0 else ""


def log_state(log: Seen | None, now: float) -> str:
    """Say how a log is: ``ok``, ``trouble``, or its state; empty where there is none."""
    if log is None:
        return ""
    if log.trouble:
        return "trouble"
    state = health.state(log, now)
    return "ok" if state == health.RUNNING else state


def notes(seen: Seen) -> list[str]:
    """Return what else there is to know of a service."""
    found = []
    if seen.now and seen.now.pid and seen.is_normally_down:
        found.append("normally down")
    if health.state(seen, 0) == health.DOWN and not seen.is_normally_down:
        found.append("normally up")
    if seen.log and seen.log.trouble:
        found.append(f"log: {seen.log.trouble}")
    return found


def shown(seen: Sequence[Seen], now: float, cells: int | None, *, coloured: bool) -> list[str]:
    """Return the lines of the table, and below what fails what it logged last."""
    rows = [row(one, now) for one in seen]
    heading, *lines = table.lines(COLUMNS, rows, cells)
    found = [output.paint(_joined(heading), output.BOLD * coloured)]
    for one, (_, state, *_), line in zip(seen, rows, lines, strict=True):
        colour = COLOURS.get(state, output.YELLOW) if coloured else ""
        line[STATE] = (STATE, line[STATE][1].replace(state, output.paint(state, colour)))
        found.append(_joined(line))
        if state in (health.FAILING, health.FAILED):
            dim = output.DIM * coloured
            found += [
                output.paint(table.cut(INDENT + said, cells), dim) for said in last_words(one)
            ]
    return found


def _joined(line: Line) -> str:
    return table.GAP.join(text for _, text in line).rstrip()


def last_words(seen: Seen, number: int = 1, since: int = 0) -> list[str]:
    """Return the last lines that a service logged, if they can be read.

    Those with a stamp before ``since``, in Unix nanoseconds, are left out.
    """
    from slashservice.supervise.logs import tail

    lines = tail.last_lines(os.fsencode(seen.path), number)
    return [
        output.clean(text.decode("utf-8", "surrogateescape"))
        for when, text in lines
        if when is None or when >= since
    ]


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Print the table."""
    given = Arguments(argv, HELP, KNOWN, SHORT)
    when = given.given.get("color", "auto")
    if when not in output.COLOUR_WHEN:
        raise given.wrong(f"--color takes auto, always or never, not {when}")
    directory = given.given.get("service-dir", directory)
    if not os.path.isdir(directory):
        raise fatal("slashservice", os.fsencode(f"there is no scan directory {directory}"))
    coloured = output.is_coloured(when)
    if "watch" in given.given:
        from slashservice.supervise.admin import watching

        return watching.watch(directory, given.words, coloured=coloured)
    everything = Everything(directory, given.words)
    now = time.time()
    if "json" in given.given:
        from slashservice.supervise.admin import as_json

        output.write([as_json.text(everything, now)])
    else:
        cells = output.cells()
        output.write(shown(everything.services, now, cells, coloured=coloured))
        complain(everything, now)
    bad = any(health.is_bad(one, now) for one in everything.services)
    return 1 if bad or everything.unknown or not everything.svscan else 0


def complain(everything: Everything, now: float) -> None:
    """Say on standard error what is wrong with the whole."""
    for name in everything.unknown:
        output.complain(f"there is no service {output.clean(name)} in {everything.directory}")
    if not everything.svscan:
        output.complain(f"no svscan runs on {everything.directory}: nothing is supervised")
    elif everything.is_drained:
        output.complain(f"svscan on {everything.directory} is drained, and starts nothing")
    closed = sum(health.state(one, now) == health.CLOSED for one in everything.services)
    if closed:
        output.complain(f"how {closed} of them are, only root may know: try it with sudo")
