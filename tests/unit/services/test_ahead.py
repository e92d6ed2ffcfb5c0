"""What is made ahead of the first scan, and what is left alone."""

from __future__ import annotations

import errno
import os
import signal
import stat
from pathlib import Path

import pytest

from slashservice.supervise.services import ahead, lock_file
from slashservice.supervise.services.heritage import Heritage

MADE = {"control", "lock", "ok", "status.new"}


def make(paths: list[bytes]) -> None:
    ahead.make(Heritage([b"PATH=/bin"], b"life", set()), paths)


def services(scan: Path, count: int) -> list[bytes]:
    paths = [scan / f"{number:03}" for number in range(count)]
    for path in paths:
        path.mkdir()
    return [os.fsencode(path) for path in paths]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pids of the children that were made."""
    pids: list[int] = []
    fork = os.fork

    def noting() -> int:
        if pid := fork():
            pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", noting)
    return pids


def wait_for_helper(children: list[int]) -> None:
    """Wait for the one child, which makes the files."""
    (pid,) = children
    assert os.waitpid(pid, 0) == (pid, 0)


def made(service: bytes) -> set[str]:
    return set(os.listdir(os.fsdecode(service) + "/supervise"))


def test_fresh_services_get_what_they_lack(tmp_path: Path, children: list[int]) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / "001" / "log").mkdir()
    make(paths)
    wait_for_helper(children)
    assert all(made(path) == MADE for path in paths)
    assert made(paths[1] + b"/log") == MADE
    for name, kind in (("control", stat.S_IFIFO), ("ok", stat.S_IFIFO), ("lock", stat.S_IFREG)):
        assert (tmp_path / "000" / "supervise" / name).stat().st_mode == kind | 0o600
    assert stat.S_IMODE((tmp_path / "000" / "supervise").stat().st_mode) == 0o700


def test_what_is_there_stays_as_it_is(tmp_path: Path, children: list[int]) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / "003" / "supervise").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "004" / "supervise").mkdir()
    (tmp_path / "005").rmdir()
    (tmp_path / "005").write_text("no directory")
    make(paths)
    wait_for_helper(children)
    assert not (tmp_path / "elsewhere").exists()
    assert made(paths[4]) == set()
    assert (tmp_path / "005").read_text() == "no directory"
    assert all(made(path) == MADE for path in (*paths[:3], *paths[6:]))


def test_no_process_for_a_few_services(tmp_path: Path, children: list[int]) -> None:
    make(services(tmp_path, ahead.FEWEST - 1))
    assert not children


def test_no_process_after_a_boot(tmp_path: Path, children: list[int]) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / f"{ahead.FEWEST - 1:03}" / "supervise").mkdir()
    make(paths)
    assert not children


def test_a_directory_that_appears_between_two_steps_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = services(tmp_path, 1)
    make = os.mkdir

    def make_twice(path: bytes, mode: int) -> None:
        make(path, mode)
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", make_twice)
    os.close(lock_file.opened(path + b"/supervise/lock"))


def test_where_no_process_can_be_had_the_scan_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "")

    paths = services(tmp_path, ahead.FEWEST)
    monkeypatch.setattr(os, "fork", refuse)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    make(paths)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert not any(os.listdir(path) for path in paths)
