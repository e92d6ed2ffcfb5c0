"""How a page's sample output is held against what a command says."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.pages import Command, blocks, is_as_shown
from hypothesis import given
from hypothesis import strategies as st

LINES = st.lists(
    st.text(st.sampled_from("abc 0123456789:.-/()%$[*\\"), min_size=1)
    .map(str.rstrip)
    .filter(lambda line: line.strip() not in ("", "...")),
    min_size=1,
)


@given(LINES)
def test_a_sample_is_as_it_is_itself(lines: list[str]) -> None:
    assert is_as_shown("".join(f"{line}\n" for line in lines), tuple(lines))


@given(LINES, st.data())
def test_another_word_is_no_such_thing(lines: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    said = [*lines[:at], lines[at] + "x", *lines[at + 1 :]]
    assert not is_as_shown("".join(f"{line}\n" for line in said), tuple(lines))
    assert not is_as_shown("".join(f"{line}\n" for line in [*lines, "x"]), tuple(lines))


@pytest.mark.parametrize(
    ("said", "shown", "same"),
    [
        ("web: started (pid 7)", "web: started (pid 4711)", True),
        ("web: stopped after 12 s", "web: stopped after 0.3 s", True),
        ("app  running  9  3d 4h   2  TERM  ok", "app  running  417  2s  11  TERM  ok", True),
        ("app  failing  0s   2  exit 3  ok", "app  failing  0s  2  exit 7  ok", False),
        ("port 80 is held by x (pid 9)", "port 8080 is held by x (pid 9)", False),
        ("it is up again (pid 7)", "it is down", True),
        ("2026-01-02 03:04:05.678 hello", "2025-11-28 14:20:35.860 hello", True),
        ("2026-01-02 03:04:05.678 hello", "2025-11-28 14:20:35.860 hallo", False),
    ],
)
def test_what_may_differ(said: str, shown: str, same: bool) -> None:
    assert is_as_shown(f"{said}\n", (shown,)) == same


def test_dots_are_any_lines() -> None:
    assert is_as_shown("a\nb\nc\nd\n", ("a", "...", "d"))
    assert is_as_shown("a\nd\n", ("a", "...", "d"))
    assert not is_as_shown("a\nb\n", ("a", "...", "d"))


def test_blocks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "## One\n\n```console\n# a \\\n>     b\nsaid\n$ c -f\n^C\n```\n\nIn `/x/y`:\n\n"
        "```sh\necho\n```\n"
    )
    commands, file = blocks(page)
    assert (commands.section, file.path, file.text) == ("One", "/x/y", "echo\n")
    first, second = commands.commands()
    assert first == Command(True, "a \\\n    b", ("said",))
    assert (second.is_root, second.text, second.key) == (False, "c -f", "^C")
