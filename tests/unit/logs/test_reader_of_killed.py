"""A reader sees all lines, wherever a logger was killed; so it does at any moment of a rotation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.deadly import log_and_die
from helpers.logs import run_well

from slashservice.supervise.logs import lock, retention
from slashservice.supervise.logs.reader import LogReader

TEXT = b"".join(b"line number %d\n" % n for n in range(400))

SCRIPTS = {
    "plain": [b"s4096", b"n1000"],
    "gzip": [b"s4096", b"n1000", b"!gzip"],
    "command": [b"s4096", b"n1000", b"!cat"],
}


def lines(log: Path, number: int | None = None) -> list[bytes]:
    reader = LogReader(os.fsencode(log), b"log")
    try:
        found = reader.lines() if number is None else reader.last_lines(number)
        return [rest for _, _, rest in found]
    finally:
        reader.close()


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["one by one", "quickly"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_all_lines_are_seen_before_the_next_logger_tidies_up(
    script: list[bytes], seconds: float, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lock, retention):
        monkeypatch.setattr(module, "SECONDS_OF_TRUST", seconds)
    monkeypatch.chdir(place)
    number, killed = 0, True
    while killed:
        number += 1
        words = [*script, b"./%d" % number]
        killed = log_and_die(words, TEXT, number)
        log = place / str(number)
        seen, last = lines(log), lines(log, 30)
        run_well(place, words, b"")
        assert seen == lines(log)
        assert last == seen[-30:]
        assert len(seen) >= TEXT.count(b"\n")
    assert number > 15
