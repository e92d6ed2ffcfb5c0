"""Where C would cut its output: whole lines of very unequal lengths."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import logs

from slashservice.supervise.logs.c_writes import READ, stretches
from slashservice.supervise.logs.lines import Lines, Selection

STAMP = b"@" + b"0" * 24 + b" "
SHORT_THEN_LONG = b"\n" * 3000 + b"".join(b"%0400d\n" % number for number in range(150))
LONG_THEN_SHORT = SHORT_THEN_LONG[::-1]
EQUAL = b"a line of twenty-one\n" * 3000


@pytest.mark.parametrize("block", [SHORT_THEN_LONG, LONG_THEN_SHORT, EQUAL])
@pytest.mark.parametrize("stamp", [b"", STAMP])
@pytest.mark.parametrize("rules", [(), ((False, b"*7*", False),)])
def test_the_stretches_are_all_that_is_chosen(
    block: bytes, stamp: bytes, rules: tuple[tuple[bool, bytes, bool], ...]
) -> None:
    batch = Lines().take(block, stamp)
    selection = Selection(rules)
    chosen = batch.chosen(selection)
    for room in (100, 14_000, 100_000):
        lengths = [length for length, _ in stretches(batch, selection, chosen, room)]
        assert sum(lengths) == len(chosen.all())
        assert all(lengths)


def test_no_more_is_taken_as_one_than_fits() -> None:
    """The first of many reads have far more lines, and so more stamps, than the rest."""
    batch = Lines().take(SHORT_THEN_LONG, STAMP)
    selection = Selection(())
    found = list(stretches(batch, selection, batch.chosen(selection), 14_000))
    assert found[0] == (READ * (1 + len(STAMP)), True)


def test_files_end_where_c_ends_them(place: Path, oracle: Path) -> None:
    for side in ("c", "ours"):
        (place / side).mkdir()
    script = [b"t", b"s16384", b"n1000", b"./d"]
    theirs = logs.run_program(oracle / "multilog", script, SHORT_THEN_LONG, place / "c")
    mine = logs.run_here(script, SHORT_THEN_LONG, place / "ours")
    assert mine == theirs == (0, b"")
    assert logs.picture(place / "ours") == logs.picture(place / "c")
