"""svscanboot's parts: what it ends, and the display of what is said."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.clock import Clock
from helpers.waiting import until

from slashservice.supervise import messages
from slashservice.supervise.chain import environment
from slashservice.supervise.commands import svscanboot
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import client, names
from slashservice.supervise.protocol.scan_directory import PATH


@pytest.mark.parametrize("locked", [False, True])
def test_what_a_svscan_of_ours_runs_is_left_alone(
    locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(client, "tell", lambda path, letters: told.append((path, letters)))
    (tmp_path / "service").mkdir()
    lock = tmp_path / os.fsdecode(names.SCANNER_LOCK)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        if locked:
            fcntl.flock(file, fcntl.LOCK_EX)
        svscanboot.end_leftovers(bytes(tmp_path))
    service = bytes(tmp_path / "service")
    assert told == ([] if locked else [(service, b"dx"), (service + b"/log", b"dx")])


@pytest.fixture
def standard_streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put descriptors 1 and 2 back afterwards, and where complaints go."""
    monkeypatch.setattr(messages, "write", messages.write)
    kept = [(fd, os.dup(fd)) for fd in (1, 2)]
    yield
    for fd, copy in kept:
        os.dup2(copy, fd)
        os.close(copy)


def stepped(loop: Loop) -> object:
    """Let the loop do what is due now; return whose deaths it awaits."""
    loop.after(0, lambda: None)
    loop.step()
    return loop._children


def test_a_display_that_appears_later(
    tmp_path: Path,
    loop: Loop,
    clock: Clock,
    standard_streams: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is tried each second, beside us and then on the PATH, and nothing said is lost."""
    folders = [tmp_path / name for name in ("beside", "first", "second")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(sys, "argv", [str(folders[0] / "svscanboot")])
    monkeypatch.setattr(svscanboot, "PATH", b":".join(map(bytes, folders[1:])))
    made = svscanboot.ErrorDisplay(loop)
    assert made._program() == bytes(folders[0] / "readproctitle")
    os.write(2, b"early\n")
    shown = tmp_path / "shown"
    program = folders[2] / "readproctitle"
    program.write_text(f'#!/bin/sh\nread -r line\necho "$* $line" >{shown}.new\n')
    with program.open("a") as file:
        file.write(f"/bin/mv {shown}.new {shown}\n")
    program.chmod(0o755)
    for seconds, started in ((0.5, False), (0.5, True)):
        clock.now += seconds
        assert (stepped(loop) != {}) is started
    until(shown.exists, "the display has read")
    assert shown.read_text() == "service errors: " + "." * svscanboot.DOTS + " early\n"
    shown.unlink()
    os.write(2, b"late\n")
    until(lambda: stepped(loop) == {}, "its death is seen")
    beside = folders[0] / "readproctitle"
    beside.write_text(program.read_text().replace("$* ", "beside "))
    beside.chmod(0o755)
    assert made._program() == bytes(beside)
    clock.now += svscanboot.SECONDS_BETWEEN_STARTS
    loop.step()
    until(shown.exists, "the next display has read")
    assert shown.read_text() == "beside late\n"
    until(lambda: stepped(loop) == {}, "its death is seen")
    os.close(made._read_end)


@pytest.mark.parametrize(
    ("user", "folder", "expected"),
    [
        (0, "/x", [b"PATH=" + PATH]),
        (7, "/x", [b"PATH=/x:" + PATH, b"HOME=/h", b"USER=u"]),
        (7, "/command", [b"PATH=" + PATH, b"HOME=/h", b"USER=u"]),
    ],
)
def test_services_of_an_account_find_its_home_and_our_commands(
    user: int, folder: str, expected: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = [b"HOME=/h", b"PATH=/bin", b"HOMEX=1", b"SECRET=x", b"USER=u"]
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(sys, "argv", [f"{folder}/svscanboot"])
    monkeypatch.setattr(environment, "inherited", lambda: inherited)
    assert svscanboot.of_services() == expected
