"""What top shows: whatever there is, it fits the screen, and the selected service is on it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.admin import table, top_view
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.admin.top_view import ORDERS, Usage, View
from slashservice.supervise.protocol.status import Status

NOW = 1_800_000_000.0
NAMES = some.lists(some.text(min_size=1, max_size=30), unique=True, max_size=40)
SIZES = some.tuples(some.integers(8, 60), some.integers(24, 200))


def services(names: list[str]) -> list[Seen]:
    return [Seen(name, "/nowhere") for name in names]


@given(NAMES, SIZES, some.lists(some.integers(-50, 50)), some.sampled_from(ORDERS), some.data())
def test_it_fits(
    names: list[str], size: tuple[int, int], moves: list[int], order: str, data: some.DataObject
) -> None:
    view = View()
    view.order = order
    seen = services(names)
    used = {name: Usage(float(len(name)), 1000 * len(name)) for name in names}
    said = data.draw(some.lists(some.text(max_size=300), max_size=8))
    for move in [0, *moves]:
        chosen = view.chosen(seen, used, NOW)
        view.move(chosen, move)
        lines = view.lines(chosen, used, said, NOW, size, "head " * 50, top_view.KEYS)
        assert len(lines) <= size[0]
        assert all(table.width(text) <= size[1] for text, _ in lines)
        selected = [text for text, style in lines if style == top_view.SELECTED]
        assert len(selected) == bool(names)
        assert view.selected in names or not names


@given(
    some.sampled_from(["stop", "restart"]),
    some.text(min_size=1, max_size=300),
    some.integers(20, 200),
    some.integers(0, 1 << 22),
)
def test_a_question_fits_and_says_how_to_answer(
    verb: str, name: str, columns: int, pid: int
) -> None:
    seen = Seen(name, "/nowhere")
    seen.now = Status(bytes(12), pid, False, b"u")
    text = top_view.question(verb, seen, columns)
    assert text.startswith(f"{verb} ") and "? y" in text
    assert table.width(text) <= columns and text.isprintable()


@given(NAMES, some.text(max_size=3))
def test_a_filter(names: list[str], wanted: str) -> None:
    view = View()
    view.wanted = wanted
    chosen = view.chosen(services(names), {}, NOW)
    assert [one.name for one in chosen] == sorted(name for name in names if wanted in name)


def test_orders() -> None:
    view = View()
    seen = services(["a", "b", "c"])
    used = {"a": Usage(1, 30), "b": Usage(3, 20), "c": Usage(2, 10)}
    for one, deaths in zip(seen, (0, 2, 5), strict=True):
        one.deaths = deaths
    found = {}
    for order in ORDERS:
        view.order = order
        found[order] = "".join(one.name for one in view.chosen(seen, used, NOW))
    assert found == {
        "name": "abc",
        "state": "abc",
        "cpu": "bca",
        "memory": "abc",
        "restarts": "cba",
    }


def test_amounts() -> None:
    sizes = [812 << 10, 3_565_158, 120 << 20, 1_288_490_189, 5 << 40]
    assert [top_view.amount(size) for size in sizes] == ["812K", "3.4M", "120M", "1.2G", "5120G"]


@given(some.lists(some.text(min_size=1), unique=True, min_size=2), some.data())
def test_the_next_one_is_selected_if_one_goes(names: list[str], data: some.DataObject) -> None:
    view = View()
    view.selected = data.draw(some.sampled_from(names))
    there = [one.name for one in view.chosen(services(names), {}, NOW)]
    gone = there.index(view.selected)
    left = [name for name in there if name != view.selected]
    view.chosen(services(left), {}, NOW)
    assert view.selected == left[min(gone, len(left) - 1)]
