"""Talking to a svscan that starts, or ends, just then."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.services import await_pid, make_service, supervising, write_script

from slashservice.installer import supervision
from slashservice.installer.plan import takeover
from slashservice.installer.plan.takeover import EndScanner, QuietenScanner
from slashservice.supervise.protocol import scanner_pid

LIMIT = 25.0


def note(scan: Path) -> Path:
    """The file in which root's svscan has its pid."""
    return Path("/run/slashservice") / os.fsdecode(scanner_pid.name_of(bytes(scan)))


@pytest.fixture
def starting(tmp_path: Path, ours: Path) -> Iterator[Path]:
    """A scan directory whose svscan has the lock, and a service, and has not told its pid."""
    service = make_service(tmp_path / "scan/service")
    with supervising(ours / "svscan", service.parent, services=[service]) as svscan:
        await_pid(service)
        note(service.parent).rename(tmp_path / "note")
        yield service.parent
        svscan.poll()


def test_drain_does_not_wait_for_a_svscan_that_has_died(starting: Path, ours: Path) -> None:
    begun = time.monotonic()
    assert not supervision.drain(str(starting), limit=LIMIT, program=str(ours / "svscan"))
    assert time.monotonic() - begun < LIMIT - 5


def test_drain_goes_on_with_the_one_that_was_faster(starting: Path) -> None:
    text = f'#!/bin/sh\ncp "$3/../note" {note(starting)}\nexit 111\n'
    program = write_script(starting.parent / "program", text)
    assert supervision.drain(str(starting), limit=LIMIT, program=str(program))
    assert supervision.daemons(str(starting)) == []


def test_a_supervisor_that_ends_as_it_is_told_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supervise").mkdir()
    fifo = tmp_path / "supervise/control"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    real = os.open

    def late(path: str, flags: int) -> int:
        fd = real(path, flags)
        os.close(reader)
        return fd

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", late)
        assert not supervision.tell(str(tmp_path), b"dx")


def test_a_svscan_that_has_gone_by_itself_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    found = [[gone.pid], [gone.pid], [gone.pid], []]
    monkeypatch.setattr(takeover, "strangers", lambda host, directory: found.pop(0))
    for name in ("runsvdirs", "held"):  # what else scans the directory: nothing
        monkeypatch.setattr(takeover, name, lambda host, directory: ())
    host: Any = SimpleNamespace(live=True)
    action = QuietenScanner(service_dir=str(tmp_path))
    action.apply(host)
    assert action.undo(host, {}, "") == []
    EndScanner(service_dir=str(tmp_path)).apply(host)
    assert found == []
