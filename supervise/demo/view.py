"""What a screen of the demonstration shows: lines, for a size.

From above: where it is; the table of ``slashservice list``; what has happened; what the services
have logged; the keys; what to type in another terminal. The news and the log share the room that
the rest leaves them. A screen that is too small for all lacks the last of these, and some of the
services.
"""

from __future__ import annotations

from slashservice.supervise.admin import output, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NEWS = "--- What happened ---"
LOG = "--- What they log, as svlog shows it ---"

KEYS = (
    "k  kill -9 clock        it is started again",
    "u  svc -u sleeper       up with it;  d  svc -d: down",
    "s  kill -9 svscan       its services go on, and are adopted",
    "q  end                  all goes down; nothing is left",
)
"""The keys, none longer than 60 columns."""

NO_KEYS = ("^C ends it: all goes down; nothing is left",)

LEAST = 2
"""So many lines of news and of the log there are at least."""

ROWS_FOR_THE_REST = 11
"""How many lines are left for all but the services, on a small screen."""

INDENT = " " * 9
"""Before what is left of a sentence, below its beginning: as wide as its time."""


class View:
    """What there is to be shown; ``intro`` and ``instructions`` stay as they are."""

    def __init__(self, intro: str, instructions: Sequence[str], keys: Sequence[str]) -> None:
        self.intro = intro
        self.instructions = instructions
        self.keys = keys

    def lines(
        self,
        size: tuple[int, int],
        services: Sequence[str],
        news: Sequence[str],
        log: Sequence[str],
        *,
        coloured: bool,
    ) -> list[str]:
        """Return the lines of a screen of ``size``, rows and columns.

        The lines of ``services`` are as wide as they are to be, and may have colours.
        """
        rows, columns = size
        bold, dim = output.BOLD * coloured, output.DIM * coloured
        services = services[: max(2, rows - ROWS_FOR_THE_REST)]
        above = [output.paint(table.cut(self.intro, columns), bold), *services]
        below = [table.cut(line, columns) for line in self.keys]
        told = [piece for line in self.instructions for piece in broken(line, columns)]
        below += [output.paint(piece, dim) for piece in told]
        if rows - len(above) - len(below) - 2 < 2 * LEAST:
            below = below[: len(self.keys)]
        room = max(2 * LEAST, rows - len(above) - len(below) - 2)
        pieces = [piece for line in news for piece in broken(line, columns, INDENT)]
        happened = _part(pieces, room // 2)
        logged = _part([table.cut(line, columns) for line in log], room - room // 2)
        headings = [output.paint(table.cut(text, columns), bold) for text in (NEWS, LOG)]
        return [*above, headings[0], *happened, headings[1], *logged, *below][:rows]


def broken(text: str, columns: int, indent: str = "") -> list[str]:
    """Return a line as several that are no wider than the screen, all but the first indented."""
    found = []
    while table.width(text) > columns > len(indent):
        at = columns
        while table.width(text[:at]) > columns:
            at -= 1
        space = text.rfind(" ", len(indent) + 1, at + 1)
        at = space if indent and space > 0 else at
        found.append(text[:at])
        text = indent + text[at:].lstrip(" ")
    return [*found, text]


def _part(lines: Sequence[str], number: int) -> list[str]:
    """Return the last so many of the lines, filled up with empty ones."""
    return [*lines[-number:], *[""] * (number - len(lines))]
