"""What ``slashservice top`` shows, without a screen: lines and their styles, for a size.

From above: how all is; the services, as many as there is room for; what the one that is selected
logged last; the keys, or what came of the last one.
"""

from __future__ import annotations

from slashservice.supervise.admin import health, overview, table
from slashservice.supervise.admin.table import Column
from slashservice.supervise.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slashservice.supervise.admin.seen import Seen

PLAIN, BOLD, DIM, SELECTED, GOOD, BAD, ODD = range(7)
"""Styles of a line."""

KEYS = "up/down  s start  x stop  r restart  w why  l log  / filter  o order  q quit"

LEAST_NAME = 12
"""Cells, of the name in a question."""

LOG_LINES = 5
LEAST_ROWS = 4
"""Of services: a screen with fewer lines shows less of the log instead."""

COLUMNS = (
    Column("NAME"),
    Column("STATE"),
    Column("PID", 4, right=True),
    Column("FOR", 2, right=True),
    Column("%CPU", 1, right=True),
    Column("MEMORY", 1, right=True),
    Column("RESTARTS", 5, right=True),
    Column("LAST END", 3),
    Column("LOG", 6),
    Column("", 7, is_loose=True),
)

ORDERS = ("name", "state", "cpu", "memory", "restarts")


class Usage:
    """What a service uses: a share of one processor in percent, and bytes of memory."""

    __slots__ = ("memory", "percent")

    def __init__(self, percent: float = 0.0, memory: int = 0) -> None:
        self.percent = percent
        self.memory = memory


NOTHING = Usage()


class View:
    """What of the services is looked at: order, filter, and which one is selected."""

    def __init__(self) -> None:
        self.order = ORDERS[0]
        self.wanted = ""
        """What a name has to contain to be shown."""
        self.selected = ""
        self._at = 0
        """Where that is among those that are shown."""
        self._first = 0
        """The first service that is on the screen."""

    def chosen(self, seen: Sequence[Seen], used: Mapping[str, Usage], now: float) -> list[Seen]:
        """Return the services that are to be shown, in order; and have one of them selected."""
        found = [one for one in seen if self.wanted in one.name]
        keys: dict[str, Callable[[Seen], tuple[float, str]]] = {
            "name": lambda one: (0, one.name),
            "state": lambda one: (_urgency(health.state(one, now)), one.name),
            "cpu": lambda one: (-used.get(one.name, NOTHING).percent, one.name),
            "memory": lambda one: (-used.get(one.name, NOTHING).memory, one.name),
            "restarts": lambda one: (-one.deaths, one.name),
        }
        found.sort(key=keys[self.order])
        names = [one.name for one in found]
        if self.selected in names:
            self._at = names.index(self.selected)
        elif found:  # the one that was selected is gone: the next one is in its place
            self._at = min(self._at, len(names) - 1)
            self.selected = names[self._at]
        return found

    def next_order(self) -> str:
        """Sort by the next one of the orders; return it."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        return self.order

    def move(self, chosen: Sequence[Seen], steps: int) -> None:
        """Select the service that is so many lines further down."""
        names = [one.name for one in chosen]
        if names:
            at = names.index(self.selected) if self.selected in names else 0
            self.selected = names[min(len(names) - 1, max(0, at + steps))]

    def lines(
        self,
        chosen: Sequence[Seen],
        used: Mapping[str, Usage],
        said: Sequence[str],
        now: float,
        size: tuple[int, int],
        head: str,
        foot: str,
    ) -> list[tuple[str, int]]:
        """Return the lines of a screen of ``size``, rows and columns, each with its style.

        ``said`` is what the selected one logged last, ``head`` and ``foot`` the lines around.
        """
        rows, columns = size
        log = min(LOG_LINES, max(0, rows - 4 - LEAST_ROWS)) if said else 0
        room = max(1, rows - 3 - (log + 1 if log else 0))
        names = [one.name for one in chosen]
        at = names.index(self.selected) if self.selected in names else 0
        self._first = max(0, min(self._first, at, max(0, len(chosen) - room)))
        self._first = max(self._first, at - room + 1)
        visible = chosen[self._first : self._first + room]
        cells = [cells_of(one, used.get(one.name, NOTHING), now) for one in visible]
        heading, *filled = table.lines(COLUMNS, cells, columns)
        found = [(table.cut(head, columns), BOLD), (_joined(heading), BOLD)]
        for one, line in zip(visible, filled, strict=True):
            style = SELECTED if one.name == self.selected else _style(health.state(one, now))
            text = _joined(line)
            found.append((table.padded(text, columns) if style == SELECTED else text, style))
        found += [("", PLAIN)] * (room - len(visible))
        if log:
            found.append((table.cut(f"--- {printable(self.selected)} ---", columns), DIM))
            last = [table.cut(text, columns) for text in said[-log:]]
            found += [(text, PLAIN) for text in [*last, *[""] * (log - len(last))]]
        found.append((table.cut(foot, columns), DIM))
        return found[:rows]


def cells_of(seen: Seen, used: Usage, now: float) -> list[str]:
    """Return the cells of a service."""
    name, state, pid, age, *more = overview.row(seen, now)
    return [
        name,
        state,
        pid,
        age,
        f"{used.percent:.1f}" if seen.pid else "",
        amount(used.memory) if seen.pid and used.memory else "",
        *more,
    ]


def amount(number: int) -> str:
    """Say a number of bytes: ``812K``, ``3.4M``, ``120M``, ``1.2G``."""
    size = number / 1024
    for unit in "KMG":
        if size < 1000 or unit == "G":
            return f"{size:.1f}{unit}" if size < 10 and unit != "K" else f"{size:.0f}{unit}"
        size /= 1024
    raise AssertionError


def question(verb: str, seen: Seen, columns: int) -> str:
    """Ask whether something is to be done to a service, in a line of which the end is shown."""
    asked = (f" (pid {seen.pid})" if seen.pid else "") + "? y: yes, other keys: no"
    begin = f"{verb} "
    room = columns - len(begin) - len(asked)
    if room < LEAST_NAME:  # then the answer matters more
        asked = "? y/n"
        room = columns - len(begin) - len(asked)
    return begin + table.cut(printable(seen.name), max(1, room)) + asked


def head(directory: str, svscan: int, seen: Sequence[Seen], now: float) -> str:
    """Say how all is, in a line."""
    states = [health.state(one, now) for one in seen]
    counts = {state: states.count(state) for state in health.STATES if state in states}
    told = ", ".join(f"{number} {state}" for state, number in counts.items())
    runs = f"svscan {svscan}" if svscan else "no svscan"
    return f"{directory}: {runs}; {len(seen)} services: {told}" if seen else f"{directory}: {runs}"


def _joined(line: table.Line) -> str:
    return table.GAP.join(text for _, text in line).rstrip()


def _urgency(state: str) -> int:
    """Return a number that is the smaller, the more a state is to be looked at."""
    return 0 if state in health.BAD else 2 if state in (health.RUNNING, health.DOWN) else 1


def _style(state: str) -> int:
    if state in health.BAD:
        return BAD
    return {health.RUNNING: PLAIN, health.DOWN: DIM}.get(state, ODD)
