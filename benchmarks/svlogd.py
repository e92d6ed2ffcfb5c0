"""svlogd beside runit's on the same lines, through the same pipe, as multilog beside C's."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.harness import Figure, alternate
from benchmarks.loggers import log, write_lines
from benchmarks.world import C, World, memory

MEGABYTES = 48
ROUNDS = 5

FORMS = {
    "plain": ([], ""),
    "-t": (["-t"], ""),
    "-tt": (["-tt"], ""),
    "-tt -r": (["-tt", "-r", "_"], ""),
    "-tt, a prefix": (["-tt"], "pweb: \n"),
    "-tt, files of 100000 bytes": (["-tt"], "s100000\n"),
    "-tt, without health checks": (["-tt"], '-*"GET /health*\n'),
    "-tt, errors as alerts": (["-tt"], 'e*"*" 5*\n'),
    "-tt, errors only": (["-tt"], '-*\n+*"*" 5*\n'),
}
"""For each form the options, and the configuration."""

PROMISED = (1 / 2, 1 / 3)
"""The ratio of the time, and that of the processor time; for some forms others:"""

PROMISED_FOR = {
    "-tt, without health checks": (1 / 2, 1 / 2),
    "-tt, errors as alerts": (1 / 2, 1 / 2),
    "-tt, errors only": (1 / 2, 1 / 2),
}

MADE = 'mkdir log && printf %s "$0" >log/config && exec "$@" 2>/dev/null'
"""A shell's words that make a log directory with a configuration, and log there."""


def measure(world: World) -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=memory()) as made:
        place = Path(made)
        text = place / "text"
        write_lines(text, MEGABYTES * 1_000_000)
        figures = []
        for name, (options, config) in FORMS.items():
            figures += compare(world, place, text, name, options, config)
        return figures


def compare(
    world: World, place: Path, text: Path, name: str, options: list[str], config: str
) -> list[Figure]:
    """Run both on the lines in ``text``; make figures of seconds passed and of those used."""
    spent: dict[Path, list[float]] = {}

    def once(svlogd: Path) -> float:
        script = ["-c", MADE, config, str(svlogd), *options, "log"]
        seconds, used = log(Path("/bin/sh"), script, text, place)
        spent.setdefault(svlogd, []).append(used)
        return seconds

    both = world.ours / "svlogd", C / "svlogd"
    ours, theirs = alternate(ROUNDS, *(partial(once, svlogd) for svlogd in both))
    used, used_by_c = (spent[svlogd][-ROUNDS:] for svlogd in both)
    promised = PROMISED_FOR.get(name, PROMISED)
    what = f"svlogd, {name}"
    return [
        Figure(what, "s", ours, theirs, at_most=promised[0], rival="runit"),
        Figure(what + ": processor time", "s", used, used_by_c, at_most=promised[1], rival="runit"),
    ]
