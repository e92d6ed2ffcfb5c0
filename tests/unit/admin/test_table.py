"""Tables: whatever is in them, they fit, and nothing is lost where there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.admin import table
from slashservice.supervise.admin.table import Column

COLUMNS = (
    Column("NAME"),
    Column("STATE"),
    Column("PID", 3, right=True),
    Column("FOR", 1, right=True),
    Column("LAST", 2),
    Column("", 6, is_loose=True),
)
LEAST = 8 + 2 + 14
"""Narrower than a short name and the longest state no table can be."""

TEXT = some.text(some.characters(categories=("L", "N", "P", "Mn", "Zs")), max_size=20)
ROW = some.tuples(
    TEXT, some.sampled_from(["running", "not supervised"]), TEXT, TEXT, TEXT, some.text(max_size=60)
)


def joined(line: table.Line) -> str:
    return table.GAP.join(text for _, text in line)


@given(some.lists(ROW, max_size=5), some.integers(LEAST, 150))
def test_no_line_is_wider_than_the_screen(rows: list[tuple[str, ...]], cells: int) -> None:
    for line in table.lines(COLUMNS, rows, cells):
        assert table.width(joined(line)) <= cells
        assert [at for at, _ in line[:2]] == [0, 1]


@given(some.lists(ROW, max_size=5))
def test_nothing_is_lost_without_a_screen(rows: list[tuple[str, ...]]) -> None:
    _, *lines = table.lines(COLUMNS, rows, None)
    for row, line in zip(rows, lines, strict=True):
        shown = dict(line)
        for at, text in enumerate(row):
            assert text.strip() == shown.get(at, "").strip()


@given(some.lists(ROW, min_size=1, max_size=5), some.integers(LEAST, 150))
def test_columns_are_aligned(rows: list[tuple[str, ...]], cells: int) -> None:
    lines = table.lines(COLUMNS, rows, cells)
    for line in lines[1:]:
        assert [at for at, _ in line] == [at for at, _ in lines[0]]
        for (_, above), (_, text) in list(zip(lines[0], line, strict=True))[:-1]:
            assert table.width(above) == table.width(text)


@given(TEXT, some.integers(1, 30))
def test_what_is_cut_off_says_so(text: str, cells: int) -> None:
    cut = table.cut(text, cells)
    assert table.width(cut) <= cells
    assert cut == text or (cut.endswith(table.ELLIPSIS) and text.startswith(cut[:-1]))


def test_a_long_name_takes_no_column_away() -> None:
    """It is cut off down to a third of the screen before anything else is left out."""
    rows = [
        ("n" * 200, "running", "4711", "3d 4h", "exit 7", ""),
        ("web", "down", "", "1s", "", ""),
    ]
    heading, long, short = table.lines(COLUMNS, rows, 60)
    assert [at for at, _ in heading] == [0, 1, 2, 3, 4]
    assert long[0][1].endswith("n" * 19 + table.ELLIPSIS)
    assert len(table.GAP.join(text for _, text in long)) <= 60
    assert short[0][1].rstrip() == "web"
