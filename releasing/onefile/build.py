"""Make ``slashservice.pyz`` of a tree and the pinned packages."""

from __future__ import annotations

import sys
from pathlib import Path

from releasing import packing, pins
from releasing.checkout import Commit, environment
from releasing.packing import Entry
from releasing.troubles import run

NAME = "slashservice.pyz"
HEAD = b"#!/usr/bin/env python3\n"
FIRST = {"__main__.py": "first.py", "slashservice_unpack.py": "slashservice_unpack.py"}
"""What is read before zlib is known to be there, by its name in the file."""


def build(tree: Path, commit: Commit, kept: Path, work: Path, to: Path) -> None:
    """Put the single file into ``to``; ``kept`` is where wheels are kept, ``work`` for use."""
    vendor, code = work / "vendor", work / "code"
    pins.unpack(tree, kept, vendor)
    here = tree / "releasing" / "onefile"
    run(
        [sys.executable, "-I", "-S", "-B", here / "collect.py", tree, vendor, code],
        tree,
        environment(),
    )
    entries = [Entry(name, (here / of).read_bytes(), plain=True) for name, of in FIRST.items()]
    entries += [one._replace(name=f"slashservice/{one.name}") for one in packing.folder(code)]
    packing.write_zip(to / NAME, entries, commit.time, HEAD)
