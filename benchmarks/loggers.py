"""Loggers on the same lines, through the same pipe: how fast, and at what processor time.

The lines are those of a web server: one in twenty asks for its health, one in a hundred is
an error. ``cat`` writes them into the pipe. Logs are on a file system in memory where there is
one: a disk would slow down both alike. Times include the start and the end of the process.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.harness import Figure, alternate, beyond_bare
from benchmarks.world import QUIET, C, World, memory, milliseconds

MEGABYTES = 128
MEGABYTES_IN_SMALL_FILES = 40
ROUNDS = 5
ROUNDS_OF_STARTS = 200
MILLISECONDS_PROMISED = 5

LARGE = ["s16777215", "./log"]
SCRIPTS = {
    "plain": LARGE,
    "t": ["t", *LARGE],
    "plain, files of 99999 bytes": ["./log"],
    "t, files of 99999 bytes": ["t", "./log"],
    "errors only": ["-*", '+*"*" 5*', *LARGE],
    "without health checks, t": ["t", '-*"GET /health*', *LARGE],
    "all, and errors apart, t": ["t", *LARGE, "-*", '+*"*" 5*', "./errors"],
    "rules that many lines match, t": [
        "t",
        "-*",
        *(f'+*"GET /page/{digit}*' for digit in range(4)),
        '-*"*" 304 *',
        *LARGE,
    ],
}
SMALL = {
    "small files, plain": ["s4096", "n10", "./log"],
    "small files, t": ["t", "s4096", "n10", "./log"],
}

PROMISED = {"plain": (1 / 2, 1 / 3), "t": (1 / 2, 1 / 3)}
"""The ratio of the time, and that of the processor time; for all others:"""

NO_WORSE = (1, 1)


def measure(world: World) -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=memory()) as made:
        place = Path(made)
        figures = []
        for megabytes, scripts in ((MEGABYTES, SCRIPTS), (MEGABYTES_IN_SMALL_FILES, SMALL)):
            text = place / "text"
            write_lines(text, megabytes * 1_000_000)
            for name, script in scripts.items():
                figures += compare(world, place, text, name, script)
        return [*figures, *start(world, place)]


def write_lines(path: Path, size: int) -> None:
    """Write an access log of about that size, always the same."""
    chance = random.Random(1)
    lines = []
    for number in range(10_000):
        page = "/health" if number % 20 == 0 else f"/page/{chance.randrange(10**6)}"
        status = 500 if number % 100 == 1 else chance.choice([200, 200, 200, 200, 304, 404])
        lines.append(
            f"127.0.0.1 - - [21/Nov/2026:08:{number // 60 % 60:02}:{number % 60:02} +0000] "
            f'"GET {page} HTTP/1.1" {status} {chance.randrange(10**5)} "-" "wrk"\n'
        )
    block = "".join(lines).encode()
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)


def compare(world: World, place: Path, text: Path, name: str, script: list[str]) -> list[Figure]:
    """Run both on the lines in ``text``; make figures of seconds passed and of those used."""
    spent: dict[Path, list[float]] = {}

    def once(multilog: Path) -> float:
        seconds, used = log(multilog, script, text, place)
        spent.setdefault(multilog, []).append(used)
        return seconds

    both = world.ours / "multilog", C / "multilog"
    ours, theirs = alternate(ROUNDS, *(partial(once, multilog) for multilog in both))
    used, used_by_c = (spent[multilog][-ROUNDS:] for multilog in both)
    promised = PROMISED.get(name, NO_WORSE)
    what = f"multilog, {name}"
    return [
        Figure(what, "s", ours, theirs, at_most=promised[0]),
        Figure(what + ": processor time", "s", used, used_by_c, at_most=promised[1]),
    ]


def log(multilog: Path, script: list[str], text: Path, place: Path) -> tuple[float, float]:
    """Pipe ``text`` into a multilog; return the seconds until its end, and those it used.

    Nobody sees its alerts.
    """
    with tempfile.TemporaryDirectory(dir=place) as made:
        words = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', made, str(multilog), *script]
        read, write = os.pipe()
        began = time.monotonic()
        alerts = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        reader = os.posix_spawn(
            words[0],
            words,
            os.environ,
            file_actions=[*QUIET, alerts, (os.POSIX_SPAWN_DUP2, read, 0)],
        )
        os.close(read)
        writer = os.posix_spawn(
            "/bin/cat",
            ["cat", str(text)],
            os.environ,
            file_actions=[*QUIET, (os.POSIX_SPAWN_DUP2, write, 1)],
        )
        os.close(write)
        _, status, usage = os.wait4(reader, 0)
        seconds = time.monotonic() - began
        os.waitpid(writer, 0)
        if status:
            raise RuntimeError(f"{multilog} {script} failed")
    return seconds, usage.ru_utime + usage.ru_stime


def start(world: World, place: Path) -> list[Figure]:
    """What a multilog costs that finds nothing to read, beyond the start of an interpreter."""
    logger: list[str | Path] = [world.ours / "multilog", "t", place / "log"]
    base, ours = alternate(
        ROUNDS_OF_STARTS,
        partial(milliseconds, world.bare()),
        partial(milliseconds, logger),
        warm_up=10,
    )
    return [beyond_bare("multilog, without lines", ours, base, MILLISECONDS_PROMISED)]
