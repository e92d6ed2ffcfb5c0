"""The folder ``dist/``: complete with its sums, and put in place in one step."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from pathlib import Path

from releasing.troubles import Trouble

SUMS = "SHA256SUMS"
EXCHANGE = 2
"""``RENAME_EXCHANGE`` of renameat2(2)."""

HERE = -100
"""``AT_FDCWD``: paths are from the current directory, if they don't begin at the root."""


def write_sums(folder: Path) -> None:
    """Write down the sum of each file in a folder, for ``sha256sum -c``."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    ]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check(place: Path) -> None:
    """Refuse a place at which something else than a folder is."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise Trouble(f"{place} is there, and is no folder")


def put(new: Path, place: Path) -> None:
    """Put a folder in its place, whatever folder is there; what was there is gone afterwards.

    Both are in one file system. Nobody ever sees half of it; where the system can't exchange two
    names, nobody sees anything for a moment.
    """
    if not place.exists():
        new.rename(place)
        return
    if not _exchange(new, place):
        old = new.with_name(f"{new.name}.old")
        place.rename(old)
        new.rename(place)
        new = old
    shutil.rmtree(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; tell whether the system can."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    if call is None:
        return False
    return bool(call(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0)
