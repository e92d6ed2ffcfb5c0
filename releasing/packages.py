"""Packages of distributions, by the commands in ``packaging/``, as far as the tree has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from releasing.checkout import Commit, environment
from releasing.troubles import Trouble, run

COMMANDS = {"deb": ("dpkg-buildpackage", "*.deb"), "build-rpm": ("rpmbuild", "*.rpm")}
"""Each command of ``packaging/`` with the tool that it needs, and what it makes."""


def build(tree: Path, commit: Commit, work: Path, to: Path) -> None:
    """Put the packages of the files in ``tree`` into ``to``."""
    for name, (tool, made) in COMMANDS.items():
        command = tree / "packaging" / name
        if not command.exists():
            continue
        if not shutil.which(tool):
            raise Trouble(f"{tool} is not here: install it, or leave packages out, --no-packages")
        folder = work / name
        folder.mkdir()
        run([command, folder], tree, environment() | {"SOURCE_DATE_EPOCH": str(commit.time)})
        found = sorted(folder.rglob(made))
        if not found:
            raise Trouble(f"packaging/{name} has made no {made}")
        for path in found:
            shutil.copyfile(path, to / path.name)
