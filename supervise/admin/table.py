"""Columns of text, as wide as they need to be, and no wider than a screen.

Where the screen is too narrow, the texts of the first column are cut off down to a third of it.
Then columns are left out by their ``rank``, the largest first, and then the first one is cut off
further. A last column that is ``loose`` takes what is left for it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Line = list[tuple[int, str]]
    """The cells of a line: the number of the column, and the text, filled up."""

GAP = "  "

ELLIPSIS = "~"
"""What stands where a text was cut off, on any terminal."""

SHARE = 3
"""Of so many parts of a screen the first column has one in any case."""

LEAST = 8
"""A column of which less would be left is left out, or the first one wider than the screen."""


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(unicodedata.combining(one) != 0 for one in text)


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """Fill a text up to so many cells."""
    fill = " " * (cells - width(text))
    return fill + text if right else text + fill


def cut(text: str, cells: int | None) -> str:
    """Cut a text off that takes more than so many cells (None: any number)."""
    if cells is None or width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + ELLIPSIS if cells > 0 else ""


class Column:
    """A column of a table. Where the rank is 0, it is not left out.

    ``right`` tells that its texts are at its right side.
    """

    __slots__ = ("heading", "is_loose", "rank", "right")

    def __init__(
        self, heading: str, rank: int = 0, *, right: bool = False, is_loose: bool = False
    ) -> None:
        self.heading = heading
        self.rank = rank
        self.right = right
        self.is_loose = is_loose


def lines(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], cells: int | None
) -> list[Line]:
    """Return the line of headings, and a line for each row, for a screen of so many cells.

    None is any number of them. A column in which all cells are empty is left out.
    """
    widths = _widths(columns, rows)
    if cells is not None:
        _fit(columns, widths, cells)
    headings = [column.heading for column in columns]
    return [
        [
            (at, padded(cut(row[at], room), 0 if _is_last(at, widths) else room, right=right))
            for at, room in widths.items()
            for right in (columns[at].right,)
        ]
        for row in (headings, *rows)
    ]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> dict[int, int]:
    """Return how wide each column is to be, without the empty ones."""
    widths = {at: max((width(row[at]) for row in rows), default=0) for at in range(len(columns))}
    return {
        at: max(most, width(columns[at].heading))
        for at, most in widths.items()
        if most or not columns[at].rank
    }


def _fit(columns: Sequence[Column], widths: dict[int, int], cells: int) -> None:
    """Change the widths so that together they are no wider than the screen."""
    loose = [at for at in widths if columns[at].is_loose]
    first = min(widths)
    spare = widths[first] - max(LEAST, cells // SHARE)
    needed = _whole(widths) - sum(max(0, widths[at] - LEAST) for at in loose) - cells
    widths[first] -= max(0, min(spare, needed))
    for at in sorted((at for at in widths if columns[at].rank), key=lambda at: -columns[at].rank):
        excess = _whole(widths) - cells
        if excess <= 0:
            return
        if at in loose and widths[at] - excess >= LEAST:
            widths[at] -= excess
        else:
            del widths[at]
    widths[first] = max(LEAST, widths[first] - max(0, _whole(widths) - cells))


def _whole(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _is_last(at: int, widths: dict[int, int]) -> bool:
    return at == max(widths)
