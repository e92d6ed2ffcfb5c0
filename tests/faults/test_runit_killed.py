"""SIGKILL runsv or runsvdir at any moment: the next one adopts, and stops what has no entry."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.processes import kill, runs
from helpers.services import (
    await_down,
    await_pid,
    contents,
    is_supervised,
    make_service,
    pid_of,
    send,
    status_of,
)
from helpers.waiting import GENEROUS, until

SEED = int(os.environ.get("SLASHSERVICE_SEED", "0")) or random.randrange(1, 1 << 32)
"""Printed by a failing test; put it into the environment to have the same again."""

SERVICES = 12
KILLS = 25
KILLS_OF_RUNSV = 15

RUN = """\
#!/bin/sh
exec 9>>alone
/usr/bin/flock -n 9 || { echo $$ >>twice; exit 1; }
echo $$ >>starts
exec sleep 1000
"""
LOG = "#!/bin/sh\necho $$ >>starts\nexec cat >>lines\n"


@contextmanager
def process(*words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Have a program run; it is killed at the end, if it still does."""
    started = subprocess.Popen(
        list(map(str, words)),
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait(GENEROUS)


def starts(service: Path) -> int:
    """Return how often the service was started."""
    return contents(service / "starts").count(b"\n")


def kill_all(services: list[Path]) -> None:
    """Kill whatever the services have ever started."""
    for part in [part for service in services for part in (service, service / "log")]:
        for word in contents(part / "starts").split():
            with suppress(OSError):
                if Path(f"/proc/{int(word)}/cwd").samefile(part):
                    kill(int(word), signal.SIGKILL)


@pytest.mark.slow
def test_runsvdir_killed_while_entries_come_and_go(ours: Path, tmp_path: Path) -> None:
    print(f"SLASHSERVICE_SEED={SEED}")
    chance = random.Random(SEED)
    scan = tmp_path / "scan"
    scan.mkdir()
    services = [make_service(tmp_path / "real" / str(n), RUN, LOG) for n in range(SERVICES)]
    stays = services[: SERVICES // 2]
    moves = services[SERVICES // 2 :]
    for service in services:
        (scan / service.name).symlink_to(service)
    try:
        for _ in range(KILLS):
            with process(ours / "runsvdir", scan):
                until(lambda: all(map(is_supervised, stays)), "it supervises all")
                for service in moves:
                    entry = scan / service.name
                    if entry.is_symlink() and chance.random() < 0.3:
                        entry.unlink()
                    elif not entry.is_symlink() and chance.random() < 0.5:
                        entry.symlink_to(service)
                    if chance.random() < 0.2:
                        time.sleep(chance.random() * 0.1)
                time.sleep(chance.random() * 0.3)
        for service in moves:
            (scan / service.name).unlink(missing_ok=True)
        pids = {service: int(contents(service / "starts").split()[-1]) for service in stays}
        for service in moves:
            (scan / service.name).symlink_to(service)
        with process(ours / "runsvdir", scan) as last:
            for service in services:
                await_pid(service)
            assert {service: pid_of(service) for service in stays} == pids
            assert [starts(service) for service in stays] == [1] * len(stays)
            for service in moves:
                (scan / service.name).unlink()
            for service in moves:
                until(lambda: not is_supervised(service / "log"), f"{service} ended")  # noqa: B023
            last.send_signal(signal.SIGHUP)
            assert last.wait(GENEROUS) == 111
        assert not [service for service in services if (service / "twice").exists()]
        for service in services:
            pid = int(contents(service / "starts").split()[-1])
            until(lambda: not runs(pid), f"{service} is down")  # noqa: B023
    finally:
        kill_all(services)


@pytest.mark.slow
def test_runsv_killed_at_any_moment(ours: Path, tmp_path: Path) -> None:
    print(f"SLASHSERVICE_SEED={SEED}")
    chance = random.Random(SEED)
    service = make_service(tmp_path / "service", RUN, LOG)
    try:
        for _ in range(KILLS_OF_RUNSV):
            with process(ours / "runsv", service):
                time.sleep(chance.random() * 0.3)
        with process(ours / "runsv", service) as last:
            pid = await_pid(service)
            await_pid(service / "log")
            assert contents(service / "starts") == b"%d\n" % pid
            last.send_signal(signal.SIGTERM)
            assert last.wait(GENEROUS) == 0
        assert not runs(pid)
        assert not (service / "twice").exists()
    finally:
        kill_all([service])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL])
def test_the_next_supervisor_of_any_kind_adopts(ours: Path, tmp_path: Path, number: int) -> None:
    scan = tmp_path / "scan"
    service = make_service(scan / "service", RUN, LOG)
    kinds = [("runsvdir", scan), ("svscan", scan), ("runsvdir", scan), ("svscan", scan)]
    if number != signal.SIGTERM:  # it leaves a process that keeps the services for the next one
        kinds[1] = ("runsv", service)
    try:
        for name, directory in kinds:
            with process(ours / name, directory) as one:
                until(lambda: is_supervised(service), "it is supervised")
                until(lambda: is_supervised_by(one.pid, service), "by this one")
                pid = await_pid(service)
                await_pid(service / "log")
                until(lambda: starts(service), "it has said so")
                assert starts(service) == 1
                if name == "runsvdir" or number != signal.SIGTERM:
                    one.send_signal(number)
                    one.wait(GENEROUS)
                assert runs(pid)
    finally:
        kill_all([service])


def is_supervised_by(pid: int, service: Path) -> bool:
    """Tell whether this process has the lock of the service."""
    held = os.stat(service / "supervise/lock").st_ino
    lines = Path("/proc/locks").read_text().splitlines()
    return any(f" {pid} " in line and line.split()[5].endswith(f":{held}") for line in lines)


@pytest.mark.slow
def test_a_directory_that_was_switched_after_term(ours: Path, tmp_path: Path) -> None:
    """What keeps the services of the old one gives way to the runsvdir on the new one."""
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "link"
    service = make_service(tmp_path / "service", RUN, LOG)
    for directory in (old, new):
        directory.mkdir()
        (directory / "service").symlink_to(service)
    link.symlink_to("old")
    try:
        with process(ours / "runsvdir", link) as first:
            pid = await_pid(service)
            await_pid(service / "log")
            first.send_signal(signal.SIGTERM)
            assert first.wait(GENEROUS) == 0
        until(lambda: is_supervised(service), "it is kept")
        link.unlink()
        link.symlink_to("new")
        with process(ours / "runsvdir", link) as second:
            until(lambda: is_supervised_by(second.pid, service), "the next one has it")
            assert await_pid(service) == pid
            second.send_signal(signal.SIGHUP)
            assert second.wait(GENEROUS) == 111
        assert not runs(pid)
    finally:
        kill_all([service])


@pytest.mark.slow
@pytest.mark.parametrize("next_one", ["runsvdir", "runsv", "svscan"])
def test_once_is_remembered(ours: Path, tmp_path: Path, next_one: str) -> None:
    scan = tmp_path / "scan"
    service = make_service(scan / "service", RUN)
    try:
        with process(ours / "runsvdir", scan):
            pid = await_pid(service)
            send(service, b"o")
            until(lambda: status_of(service).want == b"d", "it says so")  # type: ignore[union-attr]
        with process(ours / next_one, service if next_one == "runsv" else scan):
            until(lambda: is_supervised(service), "it is taken over")
            assert await_pid(service) == pid
            send(service, b"t")
            await_down(service)
        with process(ours / "runsvdir", scan):
            until(lambda: is_supervised(service), "it is supervised")
            assert starts(service) == 1
            send(service, b"u")
            await_pid(service)
    finally:
        kill_all([service])


@pytest.mark.slow
def test_what_keeps_services_starts_none(ours: Path, tmp_path: Path) -> None:
    """It may come late, when the next runsvdir has brought all down, and there may be new ones."""
    scan = tmp_path / "scan"
    left, ended, new = (make_service(scan / name, RUN) for name in ("left", "ended", "new"))
    new.rename(tmp_path / "new")
    try:
        with process(ours / "runsvdir", scan):
            pid = await_pid(left)
            await_pid(ended)
            send(ended, b"x")
            ended.rename(scan / ".ended")
            until(lambda: not is_supervised(scan / ".ended"), "it has ended")
        (scan / ".ended").rename(ended)
        (tmp_path / "new").rename(new)
        before = starts(ended)
        with process(ours / "runsvdir", "--keep=0", scan) as keeper:
            until(lambda: is_supervised_by(keeper.pid, left), "it keeps what is left")
            send(left, b"x")
            assert keeper.wait(GENEROUS) == 0
        assert (starts(left), starts(ended), starts(new)) == (1, before, 0)
        assert not runs(pid)
    finally:
        kill_all([left, ended, new])
