"""Who waits for services is told by the kernel, and looks by himself where it tells nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.waiting import GENEROUS

from slashservice.supervise import signals
from slashservice.supervise.protocol import onlooker
from slashservice.supervise.protocol.onlooker import Onlooker

NEVER = 10 * GENEROUS
LIMIT = GENEROUS


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Undo what the loop does to signals."""
    from slashservice.supervise import signal_numbers

    before = signals.getsignal(signal_numbers.SIGCHLD)
    yield
    signals.set_wakeup_fd(-1)
    signals.signal(signal_numbers.SIGCHLD, before)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a service, which is the current one."""
    (tmp_path / "supervise").mkdir()
    (tmp_path / "supervise/status").write_bytes(b"old")
    (tmp_path / "supervise/lock").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by himself."""
    monkeypatch.setattr(onlooker, "SECONDS_AT_MOST", NEVER)
    monkeypatch.setattr(onlooker, "SECONDS_BETWEEN_LOOKS", NEVER)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells nothing, so services are looked at, often enough for a test."""
    monkeypatch.setattr(onlooker, "watcher", lambda: None)
    monkeypatch.setattr(onlooker, "SECONDS_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(onlooker, "SECONDS_AT_MOST", NEVER)


def replace(path: Path, data: bytes) -> None:
    new = path.with_name("status.new")
    new.write_bytes(data)
    new.rename(path)


def over_when_new(path: Path) -> Onlooker:
    made = Onlooker(lambda number: (path / "supervise/status").read_bytes() == b"new")
    made.add(0)
    return made


def later(what: object, *arguments: object) -> None:
    threading.Timer(0.01, what, arguments).start()  # type: ignore[arg-type]


@pytest.mark.usefixtures("told")
def test_a_status_that_is_replaced(service: Path) -> None:
    looks = over_when_new(service)
    looks.see(0)
    later(replace, service / "supervise/status", b"new")
    assert looks.run(LIMIT) == []


@pytest.mark.usefixtures("told")
def test_a_status_that_is_written_over(service: Path) -> None:
    """As svscan does where the disk is full."""
    looks = over_when_new(service)
    later((service / "supervise/status").write_bytes, b"new")
    assert looks.run(LIMIT) == []


@pytest.mark.usefixtures("told")
def test_a_supervisor_that_ends(service: Path) -> None:
    """Its lock is closed by the kernel, and whatever else it held soon after."""
    held = [os.open(service / "supervise/lock", os.O_WRONLY)]
    looked: list[int] = []

    def look(number: int) -> bool:
        looked.append(number)
        return len(looked) == 3

    looks = Onlooker(look)
    looks.add(7)
    later(lambda: os.close(held.pop()))
    assert looks.run(LIMIT) == []
    assert looked == [7, 7, 7]


@pytest.mark.usefixtures("told")
def test_what_we_do_ourselves_is_no_news(service: Path) -> None:
    """A look opens and closes a FIFO, and reads the status; it must not lead to the next one."""
    os.mkfifo(service / "supervise/ok")
    reader = os.open(service / "supervise/ok", os.O_RDONLY | os.O_NONBLOCK)
    looked = 0

    def look(number: int) -> bool:
        nonlocal looked
        looked += 1
        os.close(os.open("supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
        return (service / "supervise/status").read_bytes() == b"new"

    looks = Onlooker(look)
    looks.add(0)
    looks.see(0)
    for _ in range(3):
        os.close(os.open("supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
        looks.loop.step()
    assert looked == 1
    later(replace, service / "supervise/status", b"new")
    assert looks.run(LIMIT) == []
    os.close(reader)


@pytest.mark.usefixtures("told")
def test_one_directory_by_two_names(service: Path) -> None:
    done: list[int] = []

    def look(number: int) -> bool:
        if (service / "supervise/status").read_bytes() == b"new":
            done.append(number)
        return number in done

    looks = Onlooker(look)
    for number in (3, 1):
        looks.add(number)
    later(replace, service / "supervise/status", b"new")
    assert looks.run(LIMIT) == []
    assert done == [1, 3]


@pytest.mark.usefixtures("blind")
def test_where_the_kernel_tells_nothing(service: Path) -> None:
    looks = over_when_new(service)
    later(replace, service / "supervise/status", b"new")
    assert looks.run(LIMIT) == []


def test_where_it_can_tell_of_one_alone(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is looked at; there is no such directory."""
    monkeypatch.setattr(onlooker, "SECONDS_BETWEEN_LOOKS", 0.001)
    looked: list[int] = []

    def look(number: int) -> bool:
        looked.append(number)
        return looked.count(1) == 3

    looks = Onlooker(look)
    looks.add(0)
    (service / "elsewhere").mkdir()
    monkeypatch.chdir(service / "elsewhere")
    looks.add(1)
    assert looks.run(0.2) == [0] or looked.count(1) >= 3
    assert looked.count(1) == 3


def test_time_is_up(service: Path) -> None:
    looks = Onlooker(lambda number: number == 1)
    for number in range(3):
        looks.add(number)
    looks.see(1)
    assert looks.run(0.0) == [0, 2]


def test_nothing_is_left_to_look_at(service: Path) -> None:
    looks = Onlooker(lambda number: True)
    looks.add(0)
    looks.see(0)
    assert looks.run(LIMIT) == []


@pytest.mark.usefixtures("told")
def test_a_program(service: Path) -> None:
    """It runs here, what it prints goes nowhere, and its end is told."""
    script = service / "check"
    script.write_text("#!/bin/sh\nexec 2>&1\necho x && : >printed\nexit 3\n")
    script.chmod(0o755)
    ended: list[int] = []
    looks = Onlooker(lambda number: bool(ended))
    looks.add(0)

    def end(status: int) -> None:
        ended.append(os.waitstatus_to_exitcode(status))
        looks.see(0)

    looks.start(b"check", [b"./check"], end)
    assert looks.run(LIMIT) == []
    assert ended == [3]
    assert (service / "printed").exists()
