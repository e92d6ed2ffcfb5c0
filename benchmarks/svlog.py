"""svlog over many rotated, compressed files: the last minutes at once, and a pattern beside zgrep.

Ten gigabytes are one file under many names. For a pattern a few of them do.
"""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.harness import VALUE, Figure, alternate
from slashservice.supervise import tai

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.world import World

LINES = 160_000
BYTES = 10_000_000_000
FEW = 4
"""Lines in a file; bytes in all files, unpacked; and files that are searched for a pattern."""

ROUNDS = 3
SECONDS = 1.0
RATIO = 2.0

PATTERNS = {
    "a word": ['" 500 '],
    "either case": ["-i", "AGENT (ff|0)0"],
}
"""For each kind the options for both; the pattern is last."""


def measure(world: World) -> list[Figure]:
    many, few = world.root / "many", world.root / "few"
    now = int(time.time())
    text = lines(now - 100_000, LINES)
    packed = gzip.compress(text)
    for place, files in ((many, BYTES // len(text) + 1), (few, FEW)):
        place.mkdir()
        first = place / name(now - 90_000)
        first.write_bytes(packed)
        for number in range(1, files):
            os.link(first, place / name(now - 90_000 + number * 60))
        (place / "current").write_bytes(lines(now - 300, LINES // 100))
    svlog = str(world.ours / "svlog")
    (since,) = alternate(ROUNDS, partial(seconds, [svlog, "-s", "10m", str(many)]))
    figures = [Figure("svlog -s 10m, 10 GB", "s", since, kind=VALUE, at_most=SECONDS)]
    for kind, words in PATTERNS.items():
        zgrep = ["zgrep", "-hE", *words, *map(str, sorted(few.iterdir()))]
        command = [svlog, "-a", *words[:-1], "-g", words[-1], str(few)]
        ours, theirs = alternate(ROUNDS, partial(seconds, command), partial(seconds, zgrep))
        what = f"svlog -g, {kind}"
        figures.append(Figure(what, "s", ours, theirs, at_most=RATIO, rival="zgrep"))
    return figures


def name(second: int) -> str:
    """Return the name of a file that was finished then."""
    return tai.label(tai.pack(second * 10**9)).decode() + ".s"


def lines(second: int, number: int) -> bytes:
    """Return lines of a web server, a thousand a second, of which few are of trouble."""
    chance = random.Random(0)
    out = []
    for at in range(number):
        stamp = tai.label(tai.pack(second * 10**9 + at * 1_000_000)).decode()
        status = 500 if chance.random() < 0.005 else 200
        out.append(
            f"{stamp} 10.0.{chance.randrange(256)}.{chance.randrange(256)} - - "
            f'"GET /index/{chance.randrange(100_000)}.html HTTP/1.1" {status} '
            f'{chance.randrange(100_000)} "agent {chance.getrandbits(32):x}"\n'
        )
    return "".join(out).encode()


def seconds(words: Sequence[str]) -> float:
    """Run a command that finds something; return how long it took."""
    begun = time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    taken = time.perf_counter() - begun
    assert done.stdout.count(b"\n") > LINES // 1000
    return taken
