"""What ``/proc`` shows of processes, and what it doesn't."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from helpers.waiting import until

from slashservice.installer.host import processes
from slashservice.installer.host.host import Host


@pytest.fixture
def gone() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


@pytest.fixture
def reader() -> Iterator[subprocess.Popen[bytes]]:
    """A process that never reads what is in the pipe it has."""
    with subprocess.Popen(["sleep", "1000"], stdin=subprocess.PIPE) as process:
        until(lambda: processes.describe(process.pid)[0] == "sleep", "sleep")
        yield process
        process.kill()


def missing(error: type[OSError]) -> Callable[..., None]:
    """Return a call that fails with that error."""

    def call(path: str) -> None:
        raise error(path)

    return call


def test_a_process_is_described(reader: subprocess.Popen[bytes]) -> None:
    comm, program, argv = processes.describe(reader.pid)
    assert (comm, argv) == ("sleep", ("sleep", "1000"))
    assert program is not None and program.startswith("/")
    assert processes.working_directory(reader.pid) == os.getcwd()
    parent = processes.describe(os.getpid())[0]
    assert processes.parent_of(reader.pid) == f"{parent} ({os.getpid()})"


def test_one_that_is_gone_shows_nothing(gone: int) -> None:
    assert processes.describe(gone) == (None, None, ())
    assert processes.working_directory(gone) == ""
    assert processes.parent_of(gone) == ""
    assert processes.unread(gone) == 0
    assert not processes.shares_root(gone)


def test_what_is_left_in_a_pipe(reader: subprocess.Popen[bytes]) -> None:
    assert reader.stdin is not None
    reader.stdin.write(b"12345")
    reader.stdin.flush()
    assert processes.unread(reader.pid) == 5


def test_only_a_pipe_has_something_left() -> None:
    with subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL) as process:
        assert processes.unread(process.pid) == 0
        process.kill()


@pytest.mark.parametrize(
    ("error", "user", "told"),
    [(FileNotFoundError, 0, False), (PermissionError, 0, None), (PermissionError, 1, False)],
)
def test_a_root_directory_that_can_t_be_seen(
    error: type[OSError], user: int, told: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others than root never see PID 1's; root does, unless it is kept from it."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "stat", missing(error))
    assert processes.is_in_chroot() is told


def test_without_proc_it_is_not_another_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readlink", missing(FileNotFoundError))
    assert processes.has_own_proc()


def test_a_command_that_takes_too_long_is_ended() -> None:
    assert Host().run(["sleep", "1000"], timeout=0.1).status == 124
