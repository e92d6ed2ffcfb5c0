"""``benchmarks/run [--json FILE] [FIGURE...]``: measure, and print a table.

Exit status 1 if a promise is not kept.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from benchmarks import harness
from benchmarks.world import temporary_world

FIGURES = (
    "admin",
    "arrival",
    "boot_tree",
    "capacity",
    "chain_costs",
    "delivery",
    "idle",
    "launcher_cost",
    "loggers",
    "memory",
    "runit_tree",
    "selection",
    "start",
    "storm",
    "svlog",
    "svlogd",
)
"""Each is a module of this package with ``measure(world) -> list[Figure]``."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    arguments = parser.parse_args()
    if unknown := set(arguments.figures) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    figures: list[harness.Figure] = []
    for name in arguments.figures or FIGURES:
        with temporary_world() as world:
            figures += importlib.import_module(f"benchmarks.{name}").measure(world)
    print(harness.table(figures))
    if arguments.json:
        arguments.json.write_text(harness.to_json(figures))
    return 0 if all(figure.is_kept for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
