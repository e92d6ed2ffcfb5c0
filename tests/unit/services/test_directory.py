"""The status file of a service directory, from one life of the machine to the next."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from slashservice.supervise.platform import bsd, clib, restored
from slashservice.supervise.platform.current import system
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record, status
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services import status_file
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.refusal import Refused

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
    found = status.unpack(path.read_bytes())
    assert found and (found.pid, found.want, found.stamp > bytes(12)) == (0, b"u", True)
    assert directory.announce(NOW) == b""
    assert path.read_bytes() == NOW.pack()
    assert sorted(os.listdir(path.parent)) == ["control", "lock", "ok", "status"]
    directory.release()


def test_status_of_this_life_is_kept(path: Path) -> None:
    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")
    assert directory.acquire(b"past", LIMIT) is not None
    assert path.read_bytes() == NOW.pack()
    directory.release()


LONG_AGO = 1_000_000_000


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("is_restored", [True, False])
@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_copy_may_get_the_inodes_of_its_original(
    path: Path, runs: bool, is_restored: bool, mode: int
) -> None:
    """It has no death to tell of. That its file is older than itself says what it is."""
    lock = path.with_name("lock")
    if not runs:
        gone = subprocess.Popen(["/usr/bin/true"])
        gone.wait()
        found = record.parse(lock.read_bytes())
        assert found
        found.pid = gone.pid
        lock.write_bytes(found.line())
    if is_restored:
        os.utime(lock, (LONG_AGO, LONG_AGO))
    lock.chmod(mode)
    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")
    left = directory.acquire(b"past", LIMIT)
    assert (left is None) == (is_restored and not runs)
    now = status.unpack(path.read_bytes())
    assert now and now.pid == (0 if left is None else NOW.pid)
    directory.release()


@pytest.mark.parametrize("call", ["fstat", "statx"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOMEM, errno.ENOSYS])
def test_while_it_can_not_be_told_whether_it_is_a_copy_it_is_not_taken(
    path: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as it was for the next attempt. A system that never tells has no copies."""
    lock = path.with_name("lock")
    found = record.parse(lock.read_bytes())
    assert found
    with subprocess.Popen(["/usr/bin/true"]) as gone:
        found.pid = gone.pid
    lock.write_bytes(found.line())
    os.utime(lock, (LONG_AGO, LONG_AGO))
    before = sorted(os.listdir("/proc/self/fd")), path.read_bytes()
    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")

    def fail(*_: object) -> bytes:
        raise OSError(number, "")

    with monkeypatch.context() as patch:
        if call == "statx":
            patch.setattr(clib, "statx", fail)
        else:
            was_restored = restored.was_restored

            def failing(fd: int) -> bool:
                with pytest.MonkeyPatch.context() as inner:
                    inner.setattr(os, "fstat", fail)
                    return was_restored(fd)

            patch.setattr(restored, "was_restored", failing)
        if call == "statx" and number == errno.ENOSYS:
            left = directory.acquire(b"past", LIMIT)
            assert left and left.dead == gone.pid
            directory.release()
            return
        with pytest.raises(Refused, match="unable to stat service/supervise/lock"):
            directory.acquire(b"past", LIMIT)
    assert (sorted(os.listdir("/proc/self/fd")), path.read_bytes()) == before
    assert directory.acquire(b"past", LIMIT) is None
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
            file = bytes(before) + b"/supervise/status"
            if words[0] in (file, file + b".new") and before.exists():
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


def with_mode(path: Path, mode: int) -> None:
    path.write_bytes(NOW.pack())
    path.chmod(mode)


FOUND: dict[str, Callable[[Path, Path], object]] = {
    "nothing": lambda path, other: None,
    "ours": lambda path, other: path.write_bytes(NOW.pack()),
    "C's": lambda path, other: path.write_bytes(NOW.pack()[: status.DAEMONTOOLS_SIZE]),
    "half": lambda path, other: path.write_bytes(b"half"),
    "longer": lambda path, other: path.write_bytes(bytes(1000)),
    "private": lambda path, other: with_mode(path, 0o600),
    "anybody's": lambda path, other: with_mode(path, 0o666),
    "a link": lambda path, other: path.symlink_to(other),
    "another name": lambda path, other: path.hardlink_to(other),
    "a FIFO": lambda path, other: os.mkfifo(path),
    "a directory": lambda path, other: path.mkdir(),
}


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("later", FOUND)
@pytest.mark.parametrize("mask", [0o22, 0o77])
def test_whatever_is_where_the_first_status_goes(
    found: str, later: str, mask: int, tmp_path: Path
) -> None:
    """And where the next one does: a file of somebody else is never written to."""
    path, other = tmp_path / "status", tmp_path / "other"
    other.write_bytes(bytes(status.SIZE))
    FOUND[found](path, other)
    before = os.umask(mask)
    try:
        begun = status_file.begin(bytes(path), b"u")
    finally:
        os.umask(before)
    assert bool(begun) == (found != "a directory")
    if begun:
        first = status.unpack(path.read_bytes())
        assert first and (first.pid, first.want) == (0, b"u")
        mode = 0o644 if found in ("ours", "C's", "half") else 0o644 & ~mask
        assert path.lstat().st_mode & 0o777 == mode
        path.unlink()
    else:
        path.rmdir()
    FOUND[later](path, other)
    if status_file.follow(bytes(path), NOW.pack()):
        assert path.read_bytes() == NOW.pack() and not path.is_symlink()
    else:
        assert later not in ("ours", "C's")
    assert other.read_bytes() == bytes(status.SIZE)


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


def disk_fails(fd: int, data: bytes, offset: int = 0) -> int:
    raise OSError(errno.EIO, "")


def test_a_record_that_cannot_be_written_is_complained_of_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where a process is started in two steps, the intent first."""
    directory = supervised(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", disk_fails)
        directory.record_intent(b"present", 7)
        assert capfd.readouterr().err == ""
        directory.record(os.getpid(), b"present")
    said = "supervise: warning: unable to write service/supervise/lock: input/output error\n"
    assert capfd.readouterr().err == said
    directory.release()


def test_a_renamed_directory_is_lost_where_the_system_does_not_follow(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "supervise").mkdir(parents=True)
    directory = supervised(before / "supervise/status")
    before.rename(after)
    with monkeypatch.context() as patch:
        patch.setattr(system, "path_of", bsd.path_of)
        assert not directory.locate()
    assert directory.path == os.fsencode(before)
    assert directory.locate()
    assert directory.path == os.fsencode(after)
    directory.release()


def disk_is_full(fd: int, data: bytes, offset: int = 0) -> int:
    raise OSError(errno.ENOSPC, "")


@pytest.mark.parametrize("how", ["it is a link", "it fails as well", "it is written by half"])
def test_on_a_full_disk_a_status_that_cannot_be_overwritten_is_complained_of(
    how: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = supervised(path)
    assert directory.announce(NOW) == b""
    later = Status(bytes(12), 0, False, b"d")
    precious = tmp_path / "precious"
    precious.write_bytes(b"as it was")
    if how == "it is a link":
        path.unlink()
        path.symlink_to(precious)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", disk_is_full)
        if how == "it fails as well":
            patch.setattr(os, "pwrite", disk_is_full)
        elif how == "it is written by half":
            patch.setattr(os, "pwrite", lambda fd, data, offset: len(data) // 2)
        assert directory.announce(later) == (
            b"supervise: warning: unable to write service/supervise/status.new: out of disk space\n"
        )
    assert precious.read_bytes() == b"as it was"
    assert directory.announce(later) == b"", "it is tried again"
    assert path.read_bytes() == later.pack()
    directory.release()


def test_a_lock_that_is_made_again_has_the_record_when_it_has_its_name(
    tmp_path: Path, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nothing of it is seen, if anything fails; then it is made the next time."""
    (tmp_path / "run").touch()
    directory = ServiceDirectory(os.fsencode(tmp_path), b"service")
    directory.acquire(b"life", LIMIT)
    directory.listen(loop, lambda characters: None)
    directory.record(os.getpid(), b"life")
    lock = tmp_path / "supervise/lock"
    kept = lock.with_name("kept")
    link = os.link
    seen = []

    def look(new: bytes, name: bytes) -> None:
        seen.append(Path(os.fsdecode(new)).read_bytes().split()[0])
        link(new, name)

    for name in ("fstat", "link", "pwrite"):
        lock.rename(kept)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing)
            with pytest.raises(OSError, match="Errno 5"):
                directory.mend(loop)
        assert not lock.with_name("lock.new").exists()
        lock.unlink(missing_ok=True)
        kept.rename(lock)
    lock.unlink()
    monkeypatch.setattr(os, "link", look)
    assert directory.mend(loop)
    assert seen == [b"%d" % os.getpid()]
    assert directory.holds_lock_in(os.fsencode(tmp_path))
    directory.ignore(loop)
    directory.release()


def failing(*args: object, **options: object) -> None:
    raise OSError(errno.EIO, "")


@pytest.mark.parametrize("what", ["status", "process"])
def test_what_a_supervisor_left_is_not_guessed(
    path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a daemon that runs nor what is wanted is forgotten for a passing error."""

    def fail(*arguments: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    directory = ServiceDirectory(os.fsencode(path.parent.parent), b"service")
    with monkeypatch.context() as patch:
        where, name = (status, "read") if what == "status" else (system, "started")
        patch.setattr(where, name, fail)
        with pytest.raises(Refused):
            directory.acquire(b"past", LIMIT)
    assert not directory.is_held
    left = directory.acquire(b"past", LIMIT)
    assert left
    assert left.pid == os.getpid()
    directory.release()


@pytest.mark.parametrize("name", ["fstat", "stat"])
def test_in_doubt_a_directory_is_the_one_we_hold(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = supervised(path)

    def fail(*arguments: object, **options: object) -> int:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        assert directory.holds_lock_in(directory.path)
    assert directory.holds_lock_in(directory.path)
    assert not directory.holds_lock_in(b"/nowhere")
    directory.release()


@pytest.mark.parametrize("found", FOUND)
def test_whatever_is_where_the_next_status_is_made(found: str, tmp_path: Path) -> None:
    """A file of somebody else is not written to, and only a directory stands in the way."""
    path, new, other = (tmp_path / name for name in ("status", "status.new", "other"))
    path.write_bytes(bytes(status.SIZE))
    other.write_bytes(b"other")
    FOUND[found](new, other)
    if found == "a directory":
        with pytest.raises(status_file.NotWritten):
            status_file.replace(bytes(path), bytes(new), NOW.pack())
        assert path.read_bytes() == bytes(status.SIZE)
    else:
        status_file.replace(bytes(path), bytes(new), NOW.pack())
        assert path.read_bytes() == NOW.pack() and not path.is_symlink()
        assert not os.path.lexists(new)
    assert other.read_bytes() == b"other"


def test_a_fifo_that_is_read_is_no_status(tmp_path: Path) -> None:
    new = tmp_path / "status.new"
    os.mkfifo(new)
    reader = os.open(new, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status_file.replace(bytes(tmp_path / "status"), bytes(new), NOW.pack())
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)
    assert (tmp_path / "status").read_bytes() == NOW.pack()


@pytest.mark.parametrize("late", [False, True])
def test_a_command_to_a_control_that_is_removed_counts(path: Path, loop: Loop, late: bool) -> None:
    """It may have come, or even come yet, when the FIFO is made again."""
    directory = supervised(path)
    told: list[bytes] = []
    directory.listen(loop, told.append)
    before = len(os.listdir("/proc/self/fd"))
    client = os.open(path.with_name("control"), os.O_WRONLY | os.O_NONBLOCK)
    (path.parent.parent / "run").touch()
    path.with_name("control").unlink()
    if not late:
        os.write(client, b"dk")
    assert directory.mend(loop)
    if late:
        os.write(client, b"dk")
    os.close(client)
    loop.after(0, lambda: None)
    loop.step()
    assert told == [b"dk"]
    assert len(os.listdir("/proc/self/fd")) == before
    directory.ignore(loop)
    directory.release()


def test_it_is_entered_wherever_it_has_been_moved(path: Path, tmp_path: Path) -> None:
    """But not another one that has its path now, nor one that is gone."""
    home = tmp_path / "home"
    (home / "service").mkdir(parents=True)
    directory = ServiceDirectory(bytes(home / "service"), b"service")
    assert directory.acquire(b"present", LIMIT) is None
    before = os.open(".", os.O_RDONLY)
    try:
        (home / "service").rename(home / "elsewhere")
        for _ in range(2):
            directory.enter()
            assert os.getcwdb() == bytes(home / "elsewhere")
            os.fchdir(before)
            (home / "service").mkdir(exist_ok=True)
        shutil.rmtree(home / "elsewhere")
        with pytest.raises(FileNotFoundError):
            directory.enter()
    finally:
        os.fchdir(before)
        os.close(before)
        directory.release()
