"""A scan directory from outside: its services, and whether svscan runs on it."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from slashservice.supervise.platform import flocks
from slashservice.supervise.protocol import former, names, scan_directory, scanner_pid


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A scan directory; the machine's own notes of pids are out of reach."""
    (tmp_path / "scan").mkdir()
    places = [(bytes(tmp_path / "run"), os.geteuid())]
    monkeypatch.setattr(scanner_pid, "_folders", lambda: places)
    return bytes(tmp_path / "scan")


def lock(path: bytes) -> int:
    fd = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def told(scan: bytes) -> tuple[int, bool]:
    return scan_directory.running(scan), scan_directory.is_locked(scan)


def test_services_are_what_has_no_dot(scan: bytes) -> None:
    for name in (b"b", b"a", b".hidden"):
        os.mkdir(os.path.join(scan, name))
    assert scan_directory.services(scan) == [scan + b"/a", scan + b"/b"]
    assert scan_directory.services(scan + b"/nowhere") == []


def test_svscan_runs_if_its_pid_is_noted(scan: bytes) -> None:
    assert told(scan) == (0, False)
    fd = lock(scan)
    assert told(scan) == (0, True)
    scanner_pid.write(scan)
    assert told(scan) == (os.getpid(), True)
    os.close(fd)
    scanner_pid.remove(scan)
    assert told(scan) == (0, False)


def test_without_start_times_it_needs_the_lock(
    scan: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner_pid, "read", lambda directory: -os.getpid())
    assert told(scan) == (0, False)
    fd = lock(scan)
    assert told(scan) == (os.getpid(), True)
    os.close(fd)


@pytest.mark.parametrize(
    ("account", "name", "kept", "believed"),
    [
        (os.geteuid(), b"svscan", False, True),
        (os.geteuid(), b"svscanboot", False, True),
        (os.geteuid(), b"flock", False, False),
        (12345, b"svscan", False, False),
        (0, b"svscan", False, True),
        (0, b"svscan", True, False),
        (-1, b"", False, False),
    ],
)
def test_who_holds_the_lock_by_the_kernel_s_list(
    scan: bytes,
    monkeypatch: pytest.MonkeyPatch,
    account: int,
    name: bytes,
    kept: bool,
    believed: bool,
) -> None:
    monkeypatch.setattr(flocks, "describe", lambda pid: (account, name))
    monkeypatch.setattr(scanner_pid, "is_kept", lambda: kept)
    assert told(scan) == (0, False)
    fd = lock(scan)
    assert scan_directory.holders(scan) == [os.getpid()]
    assert told(scan) == (os.getpid() if believed else 0, True)
    os.close(fd)


def test_a_directory_that_is_gone_has_no_holder(scan: bytes) -> None:
    os.rmdir(scan)
    assert scan_directory.holders(scan) is None
    assert told(scan) == (0, False)


def make_former(scan: bytes, text: str) -> bytes:
    """Make what svscan 0.1.0 made; return the path of its lock."""
    os.mkdir(os.path.join(scan, names.SCANNER), 0o700)
    Path(os.fsdecode(os.path.join(scan, names.SCANNER_PID))).write_text(text)
    path = os.path.join(scan, names.SCANNER_LOCK)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    return path


@pytest.mark.parametrize("text", ["", "no number\n", "0\n", "-1\n", "own\n", "gone\n"])
def test_the_former_svscan(scan: bytes, text: str) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    path = make_former(scan, text.replace("own", f"{os.getpid()}").replace("gone", f"{gone.pid}"))
    assert told(scan) == (0, False)
    fd = lock(path)
    assert told(scan) == (os.getpid() if text == "own\n" else 0, True)
    with pytest.raises(BlockingIOError):
        former.take_over(scan)
    os.close(fd)
    former.take_over(scan)
    assert os.listdir(scan) == []


@pytest.mark.parametrize("name", ["run", "log", "lock.old"])
def test_somebody_s_service_of_that_name_is_left_alone(scan: bytes, name: str) -> None:
    path = Path(os.fsdecode(make_former(scan, ""))).parent
    (path / name).touch()
    former.take_over(scan)
    assert {one.name for one in path.iterdir()} == {"lock", "pid", name}


@pytest.mark.parametrize("kind", ["file", "link", "empty", "no lock", "fifo"])
def test_what_is_no_former_lock_is_left_alone(scan: bytes, tmp_path: Path, kind: str) -> None:
    path = Path(os.fsdecode(scan)) / ".svscan"
    other = tmp_path / "other"
    if kind == "file":
        path.touch()
    elif kind == "link":
        other.mkdir()
        (other / "lock").touch()
        path.symlink_to(other)
    else:
        path.mkdir()
        if kind == "no lock":
            (path / "pid").touch()
        elif kind == "fifo":
            os.mkfifo(path / "lock")
    former.take_over(scan)
    assert os.path.lexists(path)
    assert kind != "link" or (other / "lock").exists()


def test_a_lock_that_cannot_be_looked_at_counts_as_held(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    path = os.fsencode(tmp_path)
    assert scan_directory.is_held(path + b"/loop")
    assert not scan_directory.is_held(path + b"/nowhere")
    assert not scan_directory.is_held(path + b"/file/lock")
    assert not scan_directory.is_held(path + b"/file")
    assert not scan_directory.is_held(path)


def test_a_process_that_we_may_not_signal_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(errno.EPERM, "")

    monkeypatch.setattr(os, "kill", refuse)
    assert scan_directory.is_alive(1)
