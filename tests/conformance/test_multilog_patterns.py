"""multilog with patterns beside C, on logs as large as daemons write them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from helpers import logs

WORDS = ["error", "warn", "fatal", "Failed", "refused", "timeout", "debug", "done", "ok", "é", "\0"]
FORMS = [  # a word after a stamp begins with no hexadecimal digit, as stamps of the two differ
    "-*|+*error*|./log",
    "t|-*|+* *error*|./log",
    "t|-*|+*warn*|s4096|./log",
    "t|-@*w*|+@* *error: 1*|./log|-*|+*ok|./ok",
    '-*|+*"*" 5*|./log',
    't|-*"*" 404 *|s6000|./log',
    "-*debug*|./log",
    "t|-* *debug*|s5000|n3|./log",
    "t|-*|+* *done|./log",
    "t|-*|+* * *ok|=status|./log",
    "-*|+*ok|./log",
    "-*|" + "|".join(f"+*{word}*" for word in WORDS[:10]) + "|./log",
    "t|-*|" + "|".join(f"+* *{word}*" for word in WORDS[:10]) + "|s4096|./log",
    "-*|+*error*|e|-*|+*Failed*|e|+*|./log",
    "t|-*|+* *error*|e|+*|s4096|./log|-*|+* *Failed*|e|./failed",
    "-daemon*|+*1*|-*12*|s4096|./log",
    "t|-*|+@* daemon[1*|+* *: *k|s4096|./log",
    "-*|+*é*|+*\udcff*|./log",
]


def some_text(chance: random.Random) -> bytes:
    """Make a log of a few hundred kilobytes; the rarer a word is, the rarer it is."""
    share = chance.choice([0.01, 0.1, 0.5])
    lines = []
    for number in range(chance.randrange(1, 6000)):
        words = chance.choices(WORDS, k=2) if chance.random() < share else ["all", "is", "well"]
        kind = chance.random()
        if kind < 0.3:
            status = chance.choice([200, 200, 200, 404, 500])
            line = f'10.0.0.{number % 256} "GET /{number}/{words[0]} HTTP/1.1" {status} {number}'
        elif kind < 0.998:
            line = f"daemon[{number}]: {words[0]}: {chance.randrange(3000)} {words[1]}"
        else:
            line = words[0] * chance.choice([1, 190, 250, 480, 1000])
        lines.append(line.encode() if chance.random() < 0.99 else line.encode() + b"\xff")
    return b"\n".join(lines) + chance.choice([b"\n", b""])


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, oracle: Path) -> None:
    script = [word.encode("utf-8", "surrogateescape") for word in form.split("|")]
    chance = random.Random(FORMS.index(form))
    for _ in range(8):
        text = some_text(chance)
        with logs.scratch() as place:
            (place / "c").mkdir()
            (place / "ours").mkdir()
            theirs = logs.run_program(oracle / "multilog", script, text, place / "c")
            mine = logs.run_here(script, text, place / "ours")
            assert (mine[0], logs.plain(mine[1])) == (theirs[0], logs.plain(theirs[1]))
            assert logs.picture(place / "ours") == logs.picture(place / "c")
