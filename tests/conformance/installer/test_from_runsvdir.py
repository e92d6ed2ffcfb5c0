"""The services of runit's own runsvdir are stopped in order, and go on if need be.

BusyBox's runsvdir is not in Debian's BusyBox, so it is not here.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.processes import kill, runs, state_of
from helpers.services import write_script
from helpers.waiting import GENEROUS, until

from slashservice.installer import supervision
from slashservice.installer.detection import wirings
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.plan import takeover
from slashservice.installer.plan.takeover import EndScanner, QuietenScanner

WRITER = """#!/usr/bin/python3 -Iu
import os, signal, sys, time
told = []
signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
number = 0
while True:
    number += 1
    print(number)
    if told and number % 50 == 0:
        break
    if not told:
        time.sleep(0.002)
with open("last", "a") as file:
    file.write(f"{number}\\n")
"""
"""Counts, and goes on for a while when it is told to end; writes down how far it came."""

SLOW_LOG = """#!/usr/bin/python3 -Iu
import os, time
while data := os.read(0, 512):
    with open("../logged", "ab") as file:
        file.write(data)
    time.sleep(0.005)
"""
"""Is always behind."""


@pytest.fixture
def scan(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return what starts a runsvdir on services, given as texts of files; nothing is left of it."""
    started: list[subprocess.Popen[bytes]] = []
    directory = tmp_path / "services"

    def start(**services: dict[str, str]) -> Path:
        for name, files in services.items():
            for file, text in files.items():
                (tmp_path / "sv" / name / file).parent.mkdir(parents=True, exist_ok=True)
                write_script(tmp_path / "sv" / name / file, text)
            directory.mkdir(exist_ok=True)
            (directory / name).symlink_to(tmp_path / "sv" / name)
        command = ["runsvdir", "-P", str(directory)]
        started.append(subprocess.Popen(command, start_new_session=True))
        for name in services:
            until(lambda: supervision.daemon_pid(str(directory / name)), "the service")  # noqa: B023
        return directory

    yield start
    for process in started:
        process.terminate()  # before it goes on, and starts what was stopped
        process.send_signal(signal.SIGCONT)
        process.wait(GENEROUS)
    for path in supervision.service_directories(str(directory)):
        supervision.tell(path, b"x")
        if pid := supervision.daemon_pid(path):
            with contextlib.suppress(ProcessLookupError):  # runsv has ended it by now
                kill(pid, signal.SIGKILL)
        until(lambda: not supervision.supervised(path), "the end of runsv")  # noqa: B023


def quieten(directory: Path) -> tuple[QuietenScanner, dict[str, Any]]:
    """Hold the scanner of a directory still, with its services stopped; return how it was."""
    action = QuietenScanner(service_dir=str(directory))
    before = action.capture(Host())
    action.apply(Host())
    return action, before


def test_no_line_is_lost(scan: Callable[..., Path]) -> None:
    """Of a service that goes on when told to end, and a log that is far behind."""
    directory = scan(writer={"run": WRITER, "log/run": SLOW_LOG, "finish": "#!/bin/sh\n: >done\n"})
    sv = directory / "writer"
    until(lambda: (sv / "logged").exists(), "the first lines")
    action, before = quieten(directory)
    assert not supervision.supervised(str(sv)) and not supervision.supervised(str(sv / "log"))
    last = int((sv / "last").read_text())
    assert list(map(int, (sv / "logged").read_text().split())) == list(range(1, last + 1))
    assert (sv / "done").exists()
    (pid,) = before["pids"]
    assert state_of(pid) == "T"
    assert not action.done(Host())

    assert action.undo(Host(), before, "") == []
    until(lambda: supervision.daemon_pid(str(sv)), "the service runs again")
    quieten(directory)
    EndScanner(service_dir=str(directory)).apply(Host())
    assert not runs(pid) or state_of(pid) == "Z"
    assert action.done(Host())


def test_a_process_that_holds_the_pipe(
    scan: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is ended once it has read all; what the service left behind runs on."""
    monkeypatch.setattr(takeover, "STRAY_LIMIT", 0.2)
    stray = "#!/bin/sh\nsetsid sleep 1000 &\necho $! >stray\necho line\nexec sleep 1000\n"
    log = "#!/bin/sh\nexec cat >../logged\n"
    directory = scan(stray={"run": stray, "log/run": log})
    sv = directory / "stray"
    until(lambda: (sv / "stray").exists() and (sv / "stray").read_text(), "the stray")
    try:
        quieten(directory)
        assert (sv / "logged").read_text() == "line\n"
        assert runs(int((sv / "stray").read_text()))
    finally:
        kill(int((sv / "stray").read_text()), signal.SIGKILL)


def test_what_does_not_end_goes_on(
    scan: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; and runsv, which was to end with it, restarts it as before."""
    monkeypatch.setattr(takeover, "STOP_LIMIT", 1.0)
    stubborn = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n"
    directory = scan(stubborn={"run": stubborn}, easy={"run": "#!/bin/sh\nexec sleep 1000\n"})
    pid = supervision.daemon_pid(str(directory / "stubborn"))
    action = QuietenScanner(service_dir=str(directory))
    before = action.capture(Host())
    with pytest.raises(Trouble, match=r"services did not go down in time: .*/stubborn"):
        action.apply(Host())
    assert action.undo(Host(), before, "") == []
    until(lambda: supervision.daemon_pid(str(directory / "easy")), "the other one runs again")
    assert supervision.daemon_pid(str(directory / "stubborn")) == pid
    kill(pid, signal.SIGKILL)
    until(
        lambda: supervision.daemon_pid(str(directory / "stubborn")) not in (0, pid),
        "it is restarted",
    )


def test_what_was_down_stays_down_if_it_goes_on(
    scan: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was to be up is told so."""
    directory = scan(web={"run": "#!/bin/sh\nexec sleep 1000\n"})
    (directory / "web/down").touch()
    supervision.tell(str(directory / "web"), b"d")
    until(lambda: not supervision.daemon_pid(str(directory / "web")), "it is down")
    action = QuietenScanner(service_dir=str(directory))
    before = action.capture(Host())
    assert before["up"] == []
    action.apply(Host())
    assert action.undo(Host(), before, "") == []
    until(lambda: supervision.supervised(str(directory / "web")), "it is supervised again")
    assert not supervision.daemon_pid(str(directory / "web"))


def test_one_that_is_held_for_our_svscan_is_no_scanner(
    scan: Callable[..., Path], ours: Path
) -> None:
    """It is found by whoever looks for it, and in nobody's way."""
    directory = scan(web={"run": "#!/bin/sh\nexec sleep 1000\n"})
    where = str(directory)
    (pid,) = wirings.strangers(Host(), where)
    assert wirings.held(Host(), where) == []
    action, before = quieten(directory)
    assert wirings.strangers(Host(), where) == wirings.held(Host(), where) == [pid]
    svscan = subprocess.Popen([ours / "svscan", where])
    try:
        until(lambda: supervision.running(where), "svscan")
        assert wirings.strangers(Host(), where) == []
        assert wirings.held(Host(), where) == [pid]
        assert action.done(Host())
        until(lambda: supervision.daemon_pid(f"{where}/web"), "the service")
    finally:
        svscan.terminate()
        svscan.wait(GENEROUS)
    assert wirings.strangers(Host(), where) == [pid]
    assert action.undo(Host(), before, "") == []
    until(lambda: supervision.daemon_pid(f"{where}/web"), "the service, below runsvdir again")
