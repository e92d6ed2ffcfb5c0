"""``python -m benchmarks.launchers_before_after BEFORE``: what each command costs, then and now.

``BEFORE`` is another checkout. Every command runs from it, from this one, and beside them the
bare interpreter, in turn. What counts is the processor time of the process and of the
children that it waited for: the lower quartile, since a machine with other work only ever
adds to it.
"""

from __future__ import annotations

import argparse
import compileall
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from benchmarks.world import CHECKOUT, QUIET, temporary_world, wait_for_daemons

PYTHON = "/usr/bin/python3"
BARE = (PYTHON, "-I", "-S", "-Xutf8", "-c", "pass")
PROMISED = 3.0
"""Milliseconds over the bare interpreter, for every command that ends by itself."""

LONG_RUNNING = ("loghost", "supervise", "svscan", "svscanboot")

WRITE = """
import sys
code, folder, python = sys.argv[1:]
slashservice = type(sys)("slashservice")
slashservice.__path__ = [code]
sys.modules["slashservice"] = slashservice
try:
    from slashservice.supervise.chain import launchers
except ImportError:
    from slashservice.supervise import launchers
launchers.write(folder, python=python, code=code)
"""


def install(checkout: Path, root: Path) -> Path:
    """Copy the code of a checkout, compiled; return the folder of the launchers it writes."""
    code = root / "code"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(checkout / "supervise", code / "supervise", ignore=ignored)
    compileall.compile_dir(code, quiet=2)
    command = root / "command"
    run((PYTHON, "-I", "-c", WRITE, str(code), str(command), PYTHON))
    return command


def command_lines(root: Path, service: Path) -> dict[str, list[str]]:
    """Return how each command can be run without harm, by name.

    Long-running ones are started where they find that they can't do anything.
    """
    variables, nowhere, lock = root / "env", root / "nowhere", root / "lock"
    variables.mkdir()
    (variables / "A").write_text("1\n")
    log = root / "log"
    log.mkdir()
    (log / "current").write_text("a line\n")
    return {
        "chpst": ["-o100", "true"],
        "envdir": [str(variables), "true"],
        "envuidgid": ["root", "true"],
        "fghack": ["true"],
        "loghost": ["-1"],
        "multilog": ["t", str(root / "main")],
        "pgrphack": ["true"],
        "readproctitle": ["." * 20],
        "setlock": [str(lock), "true"],
        "setuidgid": ["root", "true"],
        "softlimit": ["-o100", "true"],
        "supervise": [str(nowhere)],
        "svc": ["-c", str(service)],
        "svlog": [str(log)],
        "svok": [str(service)],
        "svscan": [str(nowhere)],
        "svscanboot": [str(nowhere)],
        "svstat": [str(service)],
        "tai64n": [],
        "tai64nfrac": [],
        "tai64nlocal": [],
    }


def run(words: Sequence[str]) -> float:
    """Run a program to its end, quietly; return the processor time it took, in ms."""
    actions = [*QUIET, (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(words[0], list(words), os.environ, file_actions=actions)
    usage = os.wait4(pid, 0)[2]
    return (usage.ru_utime + usage.ru_stime) * 1000


def measure(rounds: int, variants: dict[str, Sequence[str]]) -> dict[str, float]:
    """Run the variants in turn, in a new order each time; return the lower quartile of each."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(-3, rounds):
        for name in random.sample(list(variants), len(variants)):
            value = run(variants[name])
            if number >= 0:
                samples[name].append(value)
    return {name: quantiles(values)[0] for name, values in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("commands", nargs="*")
    arguments = parser.parse_args()
    print("| command | bare | over it: before | now | change | kept |")
    print("|---|---|---|---|---|---|")
    with temporary_world() as world, tempfile.TemporaryDirectory() as made:
        before = install(arguments.before.resolve(), Path(made) / "before")
        now = install(CHECKOUT, Path(made) / "now")
        scan = world.scan_directory(1)
        service = scan / "00000"
        world.start(now / "svscan", scan)
        wait_for_daemons([service])
        for name, words in command_lines(Path(made), service).items():
            if arguments.commands and name not in arguments.commands:
                continue
            cost = measure(
                arguments.rounds,
                {
                    "bare": BARE,
                    "before": [str(before / name), *words],
                    "now": [str(now / name), *words],
                },
            )
            bare = cost["bare"]
            over = cost["now"] - bare
            kept = "" if name in LONG_RUNNING else "yes" if over <= PROMISED else "NO"
            print(
                f"| {name} | {bare:.2f} | {cost['before'] - bare:.2f} | {over:.2f} "
                f"| {cost['now'] - cost['before']:+.2f} | {kept} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
