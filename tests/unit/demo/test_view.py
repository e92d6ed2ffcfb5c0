"""What the demonstration has on a screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.admin import table
from slashservice.supervise.demo import view
from slashservice.supervise.demo.paper import LEAST_COLUMNS, LEAST_ROWS

WORDS = some.text("abc d字", max_size=120)
LINES = some.lists(WORDS, max_size=30)
SIZES = some.tuples(some.integers(LEAST_ROWS, 70), some.integers(LEAST_COLUMNS, 200))


@given(SIZES, some.integers(2, 40), LINES, LINES, some.lists(WORDS, max_size=3))
def test_it_fits_and_the_keys_are_there(
    size: tuple[int, int], services: int, news: list[str], log: list[str], told: list[str]
) -> None:
    rows, columns = size
    shown = view.View("intro", told, view.KEYS)
    listed = [f"service {number}" for number in range(services)]
    lines = shown.lines(size, listed, news, log, coloured=False)
    assert len(lines) == rows
    assert max(map(table.width, lines)) <= columns
    assert {table.cut(key, columns) for key in view.KEYS} <= {*lines}
    assert lines[1] == "service 0"
    if news and news[-1].strip() and len(news[-1]) < columns // 2:
        assert news[-1] in lines
    if log and len(log[-1]) < columns // 2:
        assert log[-1] in lines


@given(WORDS, some.integers(20, 60))
def test_nothing_of_a_broken_line_is_lost(text: str, columns: int) -> None:
    for indent in ("", view.INDENT):
        pieces = view.broken(text, columns, indent)
        assert max(map(table.width, pieces)) <= columns
        assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_all_is_on_a_usual_screen() -> None:
    listed = ["NAME", "clock", "crasher", "    giving up", "sleeper"]
    told = ["In another terminal:", "  . /tmp/slashservice-demo-12345678/try", "  svstat *"]
    lines = view.View("intro", told, view.KEYS).lines(
        (24, 80), listed, ["news"] * 20, ["log"] * 20, coloured=False
    )
    assert lines[-3:] == told
    assert lines.count("news") >= 4 and lines.count("log") >= 4
    assert max(map(len, view.KEYS)) <= 60
