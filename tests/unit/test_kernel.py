"""Starting a process: what is as it was when it can't be started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.supervise import identity, kernel
from slashservice.supervise.directory import ServiceDirectory
from slashservice.supervise.loop import Loop


def test_bulk_leaves_nothing_behind_when_the_directory_has_moved(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(kernel, "_set_descriptor_limit", lambda *pair: limits.append(pair))
    monkeypatch.chdir("/")
    heritage = kernel.Heritage([b"PATH=/bin"], b"life", loop.mask)
    heritage.descriptor_limit = (10, 20)
    path = tmp_path / "before"
    path.mkdir()
    directory = ServiceDirectory(os.fsencode(path), b"before")
    directory.acquire(b"life", 1 << 20)
    path.rename(tmp_path / "after")
    with pytest.raises(FileNotFoundError):
        kernel.Bulk(loop, heritage).start(directory, {})
    assert limits == [(10, 20), (20, 20)]
    record = identity.parse(os.pread(directory.lock, identity.LENGTH, 0))
    assert record is not None
    assert (record.pid, record.after) == (0, None)
    directory.release()
