"""What svscan gives to a log host, and what it makes of the end of one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from slashservice.supervise.services import loghosts


def test_a_journal_is_a_file_of_its_own(tmp_path: Path) -> None:
    (fd,) = loghosts._journal(os.fsencode(tmp_path / "journal"))
    about = os.fstat(fd)
    assert stat.S_ISREG(about.st_mode) and about.st_mode & 0o777 == 0o600
    os.close(fd)


@pytest.mark.parametrize("what", ["link", "fifo", "directory", "nowhere"])
def test_anything_else_is_no_journal(what: str, tmp_path: Path) -> None:
    """Somebody may have put it there; the log goes on without."""
    path = tmp_path / "journal"
    if what == "link":
        (tmp_path / "precious").touch()
        path.symlink_to("precious")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    else:
        path = tmp_path / "nowhere" / "journal"
    before = sorted(os.listdir("/proc/self/fd"))
    assert loghosts._journal(os.fsencode(path)) == []
    assert sorted(os.listdir("/proc/self/fd")) == before
