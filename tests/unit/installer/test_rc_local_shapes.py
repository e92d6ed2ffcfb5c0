"""Each shape of rc.local there is: edited at a place that is certain, or refused with a line."""

from __future__ import annotations

import pytest
from helpers.images import Image
from helpers.shapes import edit_of, load, on_a_host

from slashservice.installer.errors import Refusal
from slashservice.installer.host.marks import BEGIN, END
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.source import Source

RC_LOCAL = load("rc.local.txt")
REFUSED = [name for name, shape in RC_LOCAL.items() if shape.refused]
ACCEPTED = [name for name, shape in RC_LOCAL.items() if not shape.refused]


def test_there_are_many() -> None:
    assert len(ACCEPTED) >= 110
    assert len({shape.text for shape in RC_LOCAL.values()}) > len(RC_LOCAL) - 5


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_run_is_refused(name: str, small_image: Image) -> None:
    host = on_a_host(RC_LOCAL[name], small_image)
    before = small_image.snapshot()
    with pytest.raises(Refusal) as refusal:
        edit_of(host)
    assert RC_LOCAL[name].refused in refusal.value.what
    assert "\n" not in refusal.value.what
    assert small_image.snapshot() == before


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_line_is_the_first_command(name: str, small_image: Image) -> None:
    """And all of it comes back, to the byte."""
    shape = RC_LOCAL[name]
    host = on_a_host(shape, small_image)
    edit = edit_of(host)
    before, snapshot = host.state(edit.path), small_image.snapshot()
    edit.apply(host)
    made = host.state(edit.path)
    above, begin, rest = made.data.partition(BEGIN)
    block, end, below = rest.partition(END)
    plain = Block("").remove(shape.text)
    assert begin and end
    assert made.data.startswith(b"#!") == plain.startswith(b"#!") or not plain
    assert all(line.startswith(b"#") for line in above.split(b"\n")[:-1])
    command = b"/command/pgrphack /command/svscanboot </dev/null >/dev/null 2>&1 &"
    assert block == b"/bin/sh -c '" + command + b"'\n"
    assert above + below in (plain, plain + b"\n")
    assert edit.done(host)
    assert edit.undo(host, before.to_json(), made.digest()) == []
    assert small_image.snapshot() == snapshot


@pytest.fixture
def small_image(in_memory: object, small_source: Source) -> Image:
    """An image with nothing in it yet."""
    return Image(in_memory / "root")  # type: ignore[operator]
