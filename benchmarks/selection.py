"""multilog with patterns beside C, and beside ``cat``, on 600,000 lines of a mixed log.

The lines are those of a few daemons and of a web server, as they stand in one log: from 10 to 130
characters, a word that is looked for in one of 10 to 20. Each form of a script is one that people
use. All are measured in turn, as in :mod:`benchmarks.loggers`; ``cat`` into a file is the limit.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Figure, alternate
from benchmarks.loggers import log
from benchmarks.world import C, World, memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINES = 600_000
DIFFERENT_LINES = 20_000
LINES_IN_SMALL_FILES = 300_000
ROUNDS = 5

TEN_WORDS = [
    "error",
    "warn",
    "fatal",
    "Failed",
    "refused",
    "timeout",
    "panic",
    "denied",
    "invalid",
    "giving",
]
LARGE = ["s16777215", "./log"]

FORMS = {
    "a word after a stamp": ["t", "-*", "+* *Failed*", *LARGE],
    "two stars, as for an access log": ["-*", '+*"*" 5*', *LARGE],
    "two stars after a stamp": ["t", "-*", '+*"*" 5*', *LARGE],
    "one word dropped": ["-*debug*", *LARGE],
    "one word dropped after a stamp": ["t", "-* *debug*", *LARGE],
    "a stamp skipped, and a suffix": ["t", "-*", "+* *done", *LARGE],
    "a suffix": ["-*", "+*done", *LARGE],
    "ten words": ["-*", *(f"+*{word}*" for word in TEN_WORDS), *LARGE],
    "ten words after a stamp": ["t", "-*", *(f"+* *{word}*" for word in TEN_WORDS), *LARGE],
    "alerts": ["-*", "+*error*", "e", "+*", *LARGE],
    "alerts after a stamp": ["t", "-*", "+* *error*", "e", "+*", *LARGE],
    "a word, files of 99999 bytes": ["-*", "+*Failed*", "./log"],
    "one word dropped, files of 99999 bytes": ["-*debug*", "./log"],
}
SMALL = {
    "small files": ["s4096", "./log"],
    "small files, t": ["t", "s4096", "./log"],
}

ASKED = 1 / 1.5
"""What of C's time, and of its processor time, each form may take, but for these:"""

REACHED = {  # small files: seen 0.46 to 0.48, with stamps 0.50 to 0.53
    "small files": 1 / 1.8,
    "small files, t": 1 / 1.6,
    "one word dropped, files of 99999 bytes": 1 / 1.15,
}


def measure(world: World) -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=memory()) as made:
        place = Path(made)
        text = place / "text"
        figures = []
        for number, forms in ((LINES, FORMS), (LINES_IN_SMALL_FILES, SMALL)):
            write_lines(text, number)
            for name, script in forms.items():
                figures += compare(world, place, text, name, script)
        return figures


def write_lines(path: Path, number: int) -> None:
    """Write so many lines, always the same."""
    chance = random.Random(13)
    below = chance.randrange
    kinds: list[Callable[[], str]] = [
        lambda: f"sshd[{below(30000)}]: Failed password for root from 10.0.{below(256)}.7",
        lambda: f"info: job {below(10**6)} done",
        lambda: "error: connection refused",
        lambda: f"debug: cache hit for key user:{below(10**6)} in {below(999)} us",
        lambda: f"worker {below(16)}: request finished in {below(3000)} ms",
        lambda: f"accepted connection from 192.168.1.{below(256)}:{below(65536)}",
        lambda: f"warning: queue length {below(1000)}",
        lambda: "status: ok",
        lambda: access(chance, "/health"),
        lambda: access(chance, f"/page/{below(10**5)}"),
    ]
    lines = [chance.choice(kinds)() + "\n" for _ in range(DIFFERENT_LINES)]
    block = "".join(lines).encode()
    with path.open("wb") as file:
        for _ in range(number // DIFFERENT_LINES):
            file.write(block)


def access(chance: random.Random, page: str) -> str:
    status = chance.choices([200, 304, 404, 500], [80, 8, 8, 4])[0]
    agent = chance.choice(["curl/8.5.0", "kube-probe/1.29", "Mozilla/5.0 (X11; Linux x86_64)"])
    return (
        f'10.0.0.{chance.randrange(256)} - - "GET {page} HTTP/1.1" {status} '
        f'{chance.randrange(10**4)} "-" "{agent}"'
    )


def compare(world: World, place: Path, text: Path, name: str, script: list[str]) -> list[Figure]:
    """Run all three on the lines; make figures of seconds passed and of those used."""
    used: list[list[float]] = []

    def run(words: Sequence[str]) -> Callable[[], float]:
        samples: list[float] = []
        used.append(samples)

        def once() -> float:
            seconds, processor = log(Path(words[0]), [*words[1:]], text, place)
            samples.append(processor)
            return seconds

        return once

    passed = alternate(
        ROUNDS,
        run([str(world.ours / "multilog"), *script]),
        run([str(C / "multilog"), *script]),
        run(["/bin/sh", "-c", "exec cat >log"]),
    )
    at_most = REACHED.get(name, ASKED)
    what = f"selection, {name}"
    ours, theirs, limit = (samples[-ROUNDS:] for samples in used)
    return [
        Figure(what, "s", passed[0], passed[1], at_most=at_most),
        Figure(what + ": processor time", "s", ours, theirs, at_most=at_most),
        Figure(what + ": the limit", "s", passed[0], passed[2], rival="cat >log"),
        Figure(what + ": the limit, processor time", "s", ours, limit, rival="cat >log"),
    ]
