"""The lock of a scan directory, and what happens where it can't be had."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.protocol import names, scan_directory
from slashservice.supervise.services import session


@pytest.fixture(autouse=True)
def mask() -> Iterator[set[int]]:
    """The signals that were blocked before; they are again after the test."""
    before: set[int] = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}
    yield before
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def descriptors() -> set[int]:
    """Return those that are open, without the one that looks."""
    return {
        int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")
    }


def let_go(before: set[int]) -> None:
    """Close the lock, which svscan keeps to its end; it is the only descriptor left open."""
    (lock,) = descriptors() - before
    os.close(lock)


def test_it_is_held_with_our_pid_beside_it(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path)
    before = descriptors()
    session.lock(path)
    assert scan_directory.running(path) == os.getpid()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= set(session.OBEYED)
    let_go(before)
    assert not scan_directory.is_locked(path)


def test_where_it_can_not_be_made_we_do_without(tmp_path: Path, mask: set[int]) -> None:
    (tmp_path / os.fsdecode(names.SCANNER)).write_text("no directory")
    before = descriptors()
    session.lock(os.fsencode(tmp_path))
    assert descriptors() == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask, "nobody is told our pid"


def test_it_is_held_where_the_pid_can_not_be_written(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path)
    os.makedirs(os.path.join(path, names.SCANNER_PID))
    before = descriptors()
    session.lock(path)
    assert scan_directory.is_locked(path)
    assert scan_directory.running(path) == 0
    let_go(before)
