"""Starting a process: what is as it was when it can't be started."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.services import starters
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage


def test_bulk_leaves_nothing_behind_when_the_directory_has_moved(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(posix, "set_descriptor_limit", lambda *pair: limits.append(pair))
    monkeypatch.chdir("/")
    heritage = Heritage([b"PATH=/bin"], b"life", loop.mask)
    heritage.descriptor_limit = (10, 20)
    path = tmp_path / "before"
    path.mkdir()
    directory = ServiceDirectory(os.fsencode(path), b"before")
    directory.acquire(b"life", 1 << 20)
    path.rename(tmp_path / "after")
    with pytest.raises(FileNotFoundError):
        starters.Bulk(loop, heritage).start(directory, {})
    assert limits == [(10, 20), (20, 20)]
    left = record.parse(os.pread(directory.lock, record.LENGTH, 0))
    assert left is not None
    assert (left.pid, left.after) == (0, None)
    directory.release()


def test_a_start_is_handed_in_until_the_first_scan_is_over(loop: Loop, tmp_path: Path) -> None:
    class First:
        ended = 0

        def expect(self, folder: bytes, names: Iterable[bytes]) -> None:
            self.expected = folder, list(names)

        def start(self, directory: ServiceDirectory, streams: dict[int, int]) -> int:
            return os.getppid()

        def end(self) -> None:
            self.ended += 1

    first = First()
    heritage = Heritage([b"PATH=/bin"], b"life", loop.mask)
    context = Context(loop, heritage, 1 << 20, first)
    context.expect(b"/service", [b"a"])
    directory = ServiceDirectory(os.fsencode(tmp_path), b"service")
    assert first.expected == (b"/service", [b"a"])
    assert context.start(directory, {}, lambda status: None).pid == os.getppid()
    context.first_scan_is_over()
    assert first.ended == 1
    assert isinstance(context._starter, starters.Forking)
