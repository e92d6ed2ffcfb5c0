"""The table of services: their cells, in words and colours."""

from __future__ import annotations

from slashservice.supervise.admin import health, output, table, unsupervised, words
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.admin.table import Column
from slashservice.supervise.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.admin.seen import Seen
    from slashservice.supervise.admin.table import Line

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

STATE, LOG = 1, 6
"""The columns with the state, and with that of the log."""


def row(seen: Seen, now: float) -> list[str]:
    """Return the cells of a service."""
    return [
        printable(seen.name),
        health.state(seen, now),
        str(seen.pid or seen.left or ""),
        "" if seen.since is None or not seen.is_supervised else words.duration(now - seen.since),
        restarts(seen),
        words.ending(seen.last[-1]) if seen.last else "",
        log_state(seen.log, now),
        ", ".join(notes(seen)),
    ]


def restarts(seen: Seen) -> str:
    """Say how many of its deaths were followed by another start; empty for none."""
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
    if seen.is_deleted:
        found.append("its directory was deleted")
    if runs := unsupervised.still_runs(seen):
        found.append(runs)
    if seen.now and seen.now.pid and seen.is_normally_down:
        found.append("normally down")
    if health.state(seen, 0) == health.DOWN and not seen.is_normally_down:
        found.append("normally up")
    if seen.log and seen.log.trouble:
        found.append(f"log: {seen.log.trouble}")
    return found


def shown(seen: Sequence[Seen], now: float, cells: int | None, *, coloured: bool) -> list[str]:
    """Return the lines of the table, and below what fails what it logged last.

    Where there is no room for the logs, that of a service is named if it is not well.
    """
    rows = [row(one, now) for one in seen]
    heading, *lines = table.lines(COLUMNS, rows, cells)
    found = [output.paint(_joined(heading), output.BOLD * coloured)]
    for one, cells_of, line in zip(seen, rows, lines, strict=True):
        state = cells_of[STATE]
        colour = COLOURS.get(state, output.YELLOW) if coloured else ""
        line[STATE] = (STATE, line[STATE][1].replace(state, output.paint(state, colour)))
        found.append(_joined(line))
        if LOG not in dict(line) and cells_of[LOG] not in ("", "ok"):
            about = f"{INDENT}log: {cells_of[LOG]}"
            found.append(output.paint(about, output.YELLOW if coloured else ""))
        if state in (health.FAILING, health.FAILED):
            dim = output.DIM * coloured
            found += [
                output.paint(table.cut(INDENT + said, cells), dim) for said in last_words(one)
            ]
    return found


def _joined(line: Line) -> str:
    return table.GAP.join(text for _, text in line).rstrip()
