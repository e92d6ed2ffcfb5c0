"""A folder that nobody may touch, not even look into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.platform.inotify import Inotify

ALL_EVENTS = 0xFFF


class Canary:
    """A folder with a file, a script and a folder in it, and a watch on all of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folders = [path, path / "inner", path / "empty"]
        for folder in self.folders:
            folder.mkdir(mode=0o700)
        (path / "secret").write_text("secret\n")
        (path / "secret").chmod(0o600)
        (path / "inner" / "run").write_text("#!/bin/sh\n")
        self.before = self.facts()
        self.watcher = Inotify()
        for folder in self.folders:
            self.watcher.add(os.fsencode(folder), ALL_EVENTS)

    def facts(self) -> dict[str, tuple[object, ...]]:
        """What all of it is like: names, content, modes, owners and times."""
        found: dict[str, tuple[object, ...]] = {}
        for path in [self.path, *sorted(self.path.rglob("*"))]:
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            times = (about.st_mtime_ns, about.st_ctime_ns)
            owner = (about.st_mode, about.st_uid, about.st_gid)
            found[str(path)] = (*owner, *times, content)
        return found

    def check(self) -> None:
        """Check that nothing in it was changed, opened or read."""
        seen = [(hex(event.mask), event.name) for event in self.watcher.events()]
        assert not seen
        assert self.facts() == self.before
        self.watcher.events()  # those of the look just now

    def close(self) -> None:
        """Give up the watch."""
        os.close(self.watcher.fd)


@pytest.fixture
def canary(in_memory: Path) -> Iterator[Canary]:
    """A folder that nobody may touch."""
    made = Canary(in_memory / "canary")
    yield made
    made.check()
    made.close()
