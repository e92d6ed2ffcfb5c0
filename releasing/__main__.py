"""Make a release of this checkout's last commit, in dist/: all files, and SHA256SUMS.

Whoever makes it of the same commit, with the same tools, has the same bytes. A release that fails
leaves dist/ as it was. Exit status: 0 done, 100 wrong usage, 111 trouble.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from releasing import checkout, dist, packages, python
from releasing.onefile import build as onefile
from releasing.troubles import Trouble

CHECKOUT = Path(__file__).resolve().parents[1]
MISUSE, TROUBLE = 100, 111
PREFIX = "release-"
"""Begins the names of folders in which a release is made."""


class Parser(argparse.ArgumentParser):
    """Tells of wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        """Say it, and end."""
        self.exit(MISUSE, f"release: usage: {message}\n")


def main() -> int:
    """Do it, or say why not."""
    parser = Parser(prog="./release", description=__doc__)
    parser.add_argument(
        "--rehearsal", action="store_true", help="take a version that CHANGELOG.md calls unreleased"
    )
    parser.add_argument(
        "--no-packages", action="store_true", help="leave out the packages of distributions"
    )
    given = parser.parse_args()
    try:
        release(CHECKOUT, given.rehearsal, not given.no_packages)
    except Trouble as trouble:
        lines = [f"release: fatal: {trouble}", *(f"    {line}" for line in trouble.said)]
        print("\n".join(lines), file=sys.stderr)
        return TROUBLE
    except OSError as error:
        print(f"release: fatal: {error.filename}: {error.strerror}", file=sys.stderr)
        return TROUBLE
    return 0


def release(place: Path, rehearsal: bool, with_packages: bool) -> None:
    """Make all of it beside its place, then put it there; :class:`Trouble` if that can't be."""
    os.umask(0o022)
    commit = checkout.look(place, rehearsal)
    dist.check(place / "dist")
    build = place / "build"
    build.mkdir(exist_ok=True)
    descriptor = os.open(build, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble("another release is being made here") from None
    for left in build.glob(f"{PREFIX}*"):  # by one that was killed
        shutil.rmtree(left)
    try:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=build) as folder:
            work = Path(folder)
            tree, made = work / "tree", work / "dist"
            checkout.export(place, commit, tree)
            made.mkdir()
            onefile.build(tree, commit, build / "wheels", work, made)
            if with_packages:
                packages.build(tree, commit, work, made)
            python.build(tree, commit, work, made)
            dist.write_sums(made)
            dist.put(made, place / "dist")
    finally:
        os.close(descriptor)
    for path in sorted((place / "dist").iterdir()):
        print(f"dist/{path.name}")


if __name__ == "__main__":
    sys.exit(main())
