"""A log directory that may be read and not entered."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from slashservice.supervise.logs import folder
from slashservice.supervise.logs.folder import Folder


class NoEntry:
    """The ``os`` of a process that may enter no directory."""

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def stat(self, path: bytes, dir_fd: int) -> None:
        raise PermissionError(errno.EACCES, "")


def test_nothing_is_left_open(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "os", NoEntry())
    made = Folder(os.fsencode(place))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(PermissionError):
        made.open(-1)
    assert made.fd == -1
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.root
def test_multilog_says_what_c_says(world_dir: Path, oracle: Path, ours: Path) -> None:
    directory = world_dir / "no entry"
    directory.mkdir(mode=0o400)
    os.chown(directory, 65534, -1)
    outcomes = [
        subprocess.run(
            [programs / "multilog", directory],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            user=65534,
            extra_groups=[],
            check=False,
        )
        for programs in (oracle, ours)
    ]
    theirs, mine = ((done.returncode, done.stderr) for done in outcomes)
    assert mine == theirs
    assert mine[0] == 111
