"""The status file of a service directory, from one life of the machine to the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from slashservice.supervise.protocol import status
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.directory import ServiceDirectory

LIMIT = 1 << 20
NOW = Status(bytes(12), os.getpid(), False, b"u")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A service directory that a supervisor left in another life of the machine."""
    directory = ServiceDirectory(os.fsencode(tmp_path), b"service")
    directory.acquire(b"past", LIMIT)
    directory.record(os.getpid(), b"past")
    directory.announce(NOW)
    directory.release()
    return tmp_path / "supervise" / "status"


def supervised(path: Path) -> ServiceDirectory:
    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")
    assert directory.acquire(b"present", LIMIT) is None
    return directory


def test_status_of_another_life_is_not_left_to_be_read(path: Path) -> None:
    directory = supervised(path)
    assert not path.exists()
    assert directory.announce(NOW) == b""
    assert path.read_bytes() == NOW.pack()
    assert sorted(os.listdir(path.parent)) == ["control", "lock", "ok", "status"]
    directory.release()


def test_status_of_this_life_is_kept(path: Path) -> None:
    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")
    assert directory.acquire(b"past", LIMIT) is not None
    assert path.read_bytes() == NOW.pack()
    directory.release()


def test_status_that_is_a_link_is_replaced(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(bytes(status.SIZE))
    other.chmod(0o644)
    for link in (path.symlink_to, path.hardlink_to):
        path.unlink(missing_ok=True)
        link(other)
        directory = supervised(path)
        assert directory.announce(NOW) == b""
        assert path.read_bytes() == NOW.pack()
        assert other.read_bytes() == bytes(status.SIZE)
        directory.release()


def test_status_is_right_when_the_directory_is_renamed_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "supervise").mkdir(parents=True)
    directory = supervised(before / "supervise/status")
    for name in ("open", "rename"):
        real = getattr(os, name)

        def late(*words: object, real: Callable[..., object] = real, **more: object) -> object:
            if words[0] == bytes(before) + b"/supervise/status.new" and before.exists():
                before.rename(after)
            return real(*words, **more)

        now = Status(bytes(12), 0, False, name[:1].encode())
        with monkeypatch.context() as patch:
            patch.setattr(os, name, late)
            assert directory.announce(now) == b""
        assert (after / "supervise/status").read_bytes() == now.pack()
        after.rename(before)
    before.rename(after)
    shutil.rmtree(after)
    assert b"unable to open service/supervise/status.new" in directory.announce(NOW)
    directory.release()


def test_status_is_as_long_as_it_should_be_whatever_was_there(path: Path) -> None:
    path.with_name("status.new").write_bytes(bytes(1000))
    directory = supervised(path)
    directory.announce(NOW)
    directory.announce(Status(bytes(12), 0, False, b"d"))
    path.with_name("status.new").write_bytes(bytes(1000))
    directory.announce(NOW)
    assert path.read_bytes() == NOW.pack()
    directory.release()


def test_a_lock_that_the_file_system_has_lost(path: Path) -> None:
    directory = supervised(path)
    service = os.fsencode(path.parent.parent)
    assert directory.holds_lock_in(service)
    lock, directory.lock = directory.lock, 1 << 19  # nothing is open there
    assert not directory.holds_lock_in(service)
    directory.lock = lock
    directory.release()
