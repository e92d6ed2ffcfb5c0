"""Starting a process: what is as it was when it can't be started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.services import processes, starters
from slashservice.supervise.services.directory import ServiceDirectory


def test_bulk_leaves_nothing_behind_when_the_directory_has_moved(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(posix, "set_descriptor_limit", lambda *pair: limits.append(pair))
    monkeypatch.chdir("/")
    heritage = processes.Heritage([b"PATH=/bin"], b"life", loop.mask)
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
