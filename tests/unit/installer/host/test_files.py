"""Changes to the files of a host."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.installer import Running

from slashservice.installer.errors import Refusal
from slashservice.installer.host.files import Files
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.supervise.platform import watch
from slashservice.supervise.platform.inotify import Inotify

OWNER = (os.getuid(), os.getgid())


@pytest.mark.parametrize(
    "state",
    [FileState("link", target="/etc/redis"), FileState("file", 0o755, *OWNER, b"#!/bin/sh\n")],
    ids=lambda state: state.kind,
)
def test_nothing_half_made_can_be_taken_for_a_service(tmp_path: Path, state: FileState) -> None:
    watcher = Inotify()
    watcher.add(os.fsencode(tmp_path), watch.ENTRIES)
    Files(str(tmp_path)).put("/redis", state)
    seen = {event.name for event in watcher.events()}
    os.close(watcher.fd)
    assert {name for name in seen if not name.startswith(b".")} == {b"redis"}


TEXT = FileState("file", 0o644, *OWNER, b"text")


def failing(number: int) -> Callable[..., None]:
    """Return a call that always fails with that error."""

    def call(*given: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def test_a_fifo_is_not_read_nor_made(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    host = Files(str(tmp_path))
    assert host.read("/fifo") is None
    state = host.state("/fifo")
    assert state.kind == "other"
    with pytest.raises(Refusal, match="/other is neither a file, a link nor a directory"):
        host.put("/other", state)


def test_removing_what_is_gone_is_no_trouble(tmp_path: Path) -> None:
    host = Files(str(tmp_path))
    host.put("/gone/as/well", ABSENT)
    assert host.changes == 1


def test_a_file_is_no_directory_made_before(tmp_path: Path) -> None:
    host = Files(str(tmp_path))
    directory = FileState("directory", 0o755, *OWNER)
    host.put("/place", directory)
    host.put("/place", directory)
    host.put("/file", TEXT)
    with pytest.raises(FileExistsError):
        host.put("/file", directory)
    assert host.read("/file") == b"text"


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EPERM])
def test_a_file_system_without_attributes(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "listxattr", failing(number))
    assert Files(str(tmp_path)).state("/file").xattrs == ()


def test_attributes_that_can_t_be_read_are_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "listxattr", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        Files(str(tmp_path)).state("/file")
    monkeypatch.setattr("sys.platform", "freebsd15")  # which has no such call
    assert Files(str(tmp_path)).state("/file").xattrs == ()


def test_a_folder_that_can_t_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have nothing to sync, and say EINVAL."""
    host = Files(str(tmp_path))
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    host.put("/link", FileState("link", target="x"))
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        host.put("/link", FileState("link", target="y"))


def test_a_new_file_gets_the_label_of_its_place(tmp_path: Path) -> None:
    host = Running(tmp_path)
    host.put("/file", TEXT)
    assert host.asked == []
    (tmp_path / "sys/fs/selinux/booleans").mkdir(parents=True)
    host.put("/file", TEXT)
    host.sync_tree("/sys/fs")
    assert host.asked == ["restorecon -F /file", "restorecon -R -F /sys/fs"]
