"""The sdist, and the wheel that is built from it: so the sdist has all that a build needs."""

from __future__ import annotations

import sys
from pathlib import Path

from releasing.checkout import Commit, environment
from releasing.packing import Entry, read_tar, read_zip, write_tar, write_zip
from releasing.troubles import run

BUILD = "import sys, setuptools.build_meta as built; getattr(built, sys.argv[1])(sys.argv[2])"
"""Has setuptools build in the current directory. Nothing is fetched: it is that of ``.venv``."""


def build(tree: Path, commit: Commit, work: Path, to: Path) -> None:
    """Put sdist and wheel of the files in ``tree`` into ``to``; ``work`` is a folder for use."""
    sdist = _built(tree, commit, "build_sdist", work / "sdist")
    entries = read_tar(sdist)
    write_tar(to / sdist.name, entries, commit.time)
    for entry in entries:
        path = work / "unpacked" / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.data)
        path.chmod(entry.mode)
    (unpacked,) = (work / "unpacked").iterdir()
    wheel = _built(unpacked, commit, "build_wheel", work / "wheel")
    write_zip(to / wheel.name, sorted(read_zip(wheel), key=_place), commit.time)


def _built(tree: Path, commit: Commit, what: str, to: Path) -> Path:
    """Have setuptools build one thing into a new folder; return its path."""
    to.mkdir()
    words = [sys.executable, "-c", BUILD, what, str(to)]
    run(words, tree, environment() | {"SOURCE_DATE_EPOCH": str(commit.time)})
    (made,) = to.iterdir()
    return made


def _place(entry: Entry) -> tuple[bool, bool, str]:
    """Return where in a wheel a file stands: what is about the package comes last."""
    about = entry.name.partition("/")[0].endswith(".dist-info")
    return about, entry.name.endswith("/RECORD"), entry.name
