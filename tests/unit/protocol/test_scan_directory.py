"""A scan directory from outside: its services, and whether svscan runs on it."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from slashservice.supervise.protocol import names, scan_directory


@pytest.fixture
def scan(tmp_path: Path) -> bytes:
    path = os.fsencode(tmp_path)
    os.mkdir(os.path.join(path, names.SCANNER))
    os.close(os.open(os.path.join(path, names.SCANNER_LOCK), os.O_CREAT | os.O_WRONLY))
    return path


def lock(scan: bytes) -> int:
    fd = os.open(os.path.join(scan, names.SCANNER_LOCK), os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def write_pid(scan: bytes, text: str) -> None:
    with open(os.path.join(scan, names.SCANNER_PID), "w") as file:
        file.write(text)


def test_services_are_what_has_no_dot(scan: bytes, tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
    assert scan_directory.services(scan) == [scan + b"/a", scan + b"/b"]
    assert scan_directory.services(scan + b"/nowhere") == []


def test_svscan_runs_if_it_has_the_lock_and_a_pid(scan: bytes) -> None:
    assert (scan_directory.running(scan), scan_directory.is_locked(scan)) == (0, False)
    fd = lock(scan)
    assert (scan_directory.running(scan), scan_directory.is_locked(scan)) == (0, True)
    write_pid(scan, f"{os.getpid()}\n")
    assert scan_directory.running(scan) == os.getpid()
    os.close(fd)
    assert (scan_directory.running(scan), scan_directory.is_locked(scan)) == (0, False)


@pytest.mark.parametrize("text", ["", "no number\n", "0\n", "-1\n"])
def test_no_pid_at_all(scan: bytes, text: str) -> None:
    fd = lock(scan)
    write_pid(scan, text)
    assert scan_directory.running(scan) == 0
    os.close(fd)


def test_the_pid_of_a_process_that_has_gone(scan: bytes) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    fd = lock(scan)
    write_pid(scan, f"{gone.pid}\n")
    assert scan_directory.running(scan) == 0
    os.close(fd)


def test_a_lock_that_cannot_be_looked_at_counts_as_held(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    path = os.fsencode(tmp_path)
    assert scan_directory.is_held(path + b"/loop")
    assert not scan_directory.is_held(path + b"/nowhere")
    assert not scan_directory.is_held(path + b"/file/lock")
    assert not scan_directory.is_held(path + b"/file")


def test_a_process_that_we_may_not_signal_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(errno.EPERM, "")

    monkeypatch.setattr(os, "kill", refuse)
    assert scan_directory.is_alive(1)
