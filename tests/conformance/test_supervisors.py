"""supervise and svscan beside the C ones: what they say of odd directories and leave in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.inheritance import SLEEPER
from helpers.processes import state_of
from helpers.services import (
    Outcome,
    await_down,
    await_pid,
    contents,
    is_ours_alone,
    is_supervised,
    listing,
    make_service,
    pid_of,
    run,
    send,
    services_in,
    status_of,
    supervising,
)
from helpers.waiting import until


def empty(path: Path) -> None:
    path.mkdir(parents=True)


def without_run_but(make_run: Callable[[Path], None]) -> Callable[[Path], None]:
    def make(service: Path) -> None:
        service.mkdir(parents=True)
        make_run(service / "run")

    return make


def ordinary(service: Path) -> None:
    make_service(service, SLEEPER)


def with_file(name: str) -> Callable[[Path], None]:
    def make(service: Path) -> None:
        make_service(service)
        (service / name).parent.mkdir(exist_ok=True)
        (service / name).touch()

    return make


def with_directory(name: str) -> Callable[[Path], None]:
    return lambda service: (make_service(service) / name).mkdir(parents=True)


def with_link(name: str, target: str) -> Callable[[Path], None]:
    return lambda service: (make_service(service) / name).symlink_to(target)


def with_script(text: str, mode: int = 0o755) -> Callable[[Path], None]:
    return lambda service: (make_service(service, text) / "run").chmod(mode)


def with_status(data: bytes) -> Callable[[Path], None]:
    def make(service: Path) -> None:
        with_directory("supervise")(service)
        (service / "supervise/status").write_bytes(data)

    return make


class Oddity(NamedTuple):
    """A directory made odd, what supervise says of it, and whether that is the end."""

    make: Callable[[Path], None]
    said: str = ""
    ends: bool = False


REFUSED = "supervise: fatal: unable to acquire DIR/supervise/lock: "
NOT_STARTED = "supervise: fatal: unable to start DIR/run: "

ODDITIES = {
    "ordinary": Oddity(ordinary),
    "normally down": Oddity(with_file("down")),
    "down is a directory": Oddity(with_directory("down")),
    "down leads nowhere": Oddity(with_link("down", "nowhere")),
    "down loops": Oddity(
        with_link("down", "down"),
        "supervise: fatal: unable to stat DIR/down: symbolic link loop",
        True,
    ),
    "supervise is a file": Oddity(with_file("supervise"), REFUSED + "not a directory", True),
    "supervise loops": Oddity(
        with_link("supervise", "supervise"), REFUSED + "symbolic link loop", True
    ),
    "supervise is elsewhere": Oddity(with_link("supervise", "elsewhere")),
    "supervise is too far elsewhere": Oddity(
        with_link("supervise", "else/where"), REFUSED + "file does not exist", True
    ),
    "lock is a directory": Oddity(
        with_directory("supervise/lock"), REFUSED + "is a directory", True
    ),
    "control is a directory": Oddity(
        with_directory("supervise/control"),
        "supervise: fatal: unable to write DIR/supervise/control: is a directory",
        True,
    ),
    "status is a directory": Oddity(
        with_directory("supervise/status"),
        "supervise: warning: unable to rename DIR/supervise/status.new to status: is a directory",
    ),
    "status.new is a directory": Oddity(
        with_directory("supervise/status.new"),
        "supervise: warning: unable to open DIR/supervise/status.new: is a directory",
    ),
    "an old status": Oddity(with_status(b"\x40" * 18)),
    "a foreign status": Oddity(with_status(b"not a status at all, and too long for one")),
    "no run": Oddity(empty, NOT_STARTED + "file does not exist"),
    "run is a directory": Oddity(without_run_but(Path.mkdir), NOT_STARTED + "access denied"),
    "run may not be executed": Oddity(with_script(SLEEPER, 0o644), NOT_STARTED + "access denied"),
    "run has no interpreter": Oddity(
        with_script("#!/nowhere/to/be/found\n"), NOT_STARTED + "file does not exist"
    ),
    "run has no first line": Oddity(with_script("sleep 1000\n"), NOT_STARTED + "exec format error"),
    "run is empty": Oddity(with_script(""), NOT_STARTED + "exec format error"),
    "run loops": Oddity(
        without_run_but(lambda run: run.symlink_to("run")),
        NOT_STARTED + "symbolic link loop",
    ),
}

STARTS = [name for name, oddity in ODDITIES.items() if not oddity.said]
SIDES = ("C", "ours")


class Watched(NamedTuple):
    """A service directory under a supervise of its own."""

    service: Path
    err: Path
    wait: Callable[[], int]

    def said(self) -> set[bytes]:
        """Return the different lines said, with the directory's name taken out."""
        return set(contents(self.err).replace(os.fsencode(self.service), b"DIR").splitlines())


@pytest.fixture(scope="module")
def watched(oracle: Path, ours: Path, world_dir: Path) -> Iterator[dict[tuple[str, str], Watched]]:
    """Every oddity under C supervise and under ours."""
    found = {}
    with ExitStack() as stack:
        for name, oddity in ODDITIES.items():
            for side, where in zip(SIDES, (oracle, ours), strict=True):
                service = world_dir / "odd" / side / name
                oddity.make(service)
                err = world_dir / "odd" / f"{side} {name}.err"
                process = stack.enter_context(
                    supervising(where / "supervise", service, services=[service], err=err)
                )
                found[name, side] = Watched(service, err, partial(process.wait, 30))
        yield found
        for one in found.values():
            send(one.service, b"dkx")  # all at once, as C may sleep a second before it listens


@pytest.mark.parametrize("name", ODDITIES)
def test_odd_directories(watched: dict[tuple[str, str], Watched], name: str) -> None:
    oddity = ODDITIES[name]
    expected = {oddity.said.encode()} if oddity.said else set()
    # A status.new that is no directory, nor in the way of one, is there only for a moment.
    passing = {"supervise/status.new"} if not name.startswith("status") else set()
    if name == "status.new is a directory":
        passing = {"supervise/status"}  # ours needs no status.new for the first one

    def tree(side: str) -> dict[str, str]:
        return {
            path: mode
            for path, mode in listing(watched[name, side].service).items()
            if "ready." not in path
            and path.replace("elsewhere", "supervise") not in passing
            and not is_ours_alone(path.replace("elsewhere", "supervise"))
        }

    for side in SIDES:
        one = watched[name, side]
        if oddity.ends:
            assert one.wait() == 111
        else:
            until(lambda: is_supervised(one.service), "it is supervised")  # noqa: B023
        if name in STARTS and "down" not in listing(one.service):
            await_pid(one.service)
        if name == "status.new is a directory":
            send(one.service, b"pc")
        until(lambda: one.said() == expected, f"{side} says what it should: {expected!r}")  # noqa: B023
    until(lambda: tree("ours") == tree("C"), "both have made the same files")


COMMANDS = {
    b"d": (False, False, b"d"),
    b"o": (True, False, b"\0"),
    b"u": (True, False, b"u"),
    b"pu": (True, False, b"u"),
    b"po": (True, False, b"\0"),
    b"zU?\0\xff\nu": (True, False, b"u"),
    b"dudu": (True, False, b"u"),
    b"up": (True, True, b"u"),
    b"upc": (True, False, b"u"),
    b"upd": (False, False, b"d"),
    b"opk": (False, False, b"\0"),
    b"ot": (False, False, b"\0"),
    b"x": (False, False, b"d"),
    b"pdx": (False, False, b"d"),
}
"""What is sent to a service that is down, and what the status says of it at last: whether it
is up, whether it is paused, and what is wanted."""


def summary(service: Path) -> tuple[bool, bool, bytes]:
    now = status_of(service)
    assert now is not None
    return bool(now.pid), now.paused, now.want


def test_status_after_commands(oracle: Path, ours: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = []
        for number, letters in enumerate(COMMANDS):
            for where in (oracle, ours):
                service = make_service(tmp_path / where.name / str(number), SLEEPER, down=True)
                stack.enter_context(supervising(where / "supervise", service, services=[service]))
                made.append((service, letters))
        for service, letters in made:
            await_down(service)
            send(service, letters)
        for service, letters in made:
            if b"x" in letters:
                until(lambda: not is_supervised(service), "it has ended")  # noqa: B023
                assert summary(service) == COMMANDS[letters]
            else:
                expected = COMMANDS[letters]
                until(lambda: summary(service) == expected, f"{service} {letters!r}")  # noqa: B023


def test_second_supervise_is_refused(oracle: Path, ours: Path, tmp_path: Path) -> None:
    said = b"supervise: fatal: unable to acquire service/supervise/lock: temporary failure\n"
    for holder in (oracle, ours):
        service = make_service(tmp_path / holder.name / "service", SLEEPER)
        with supervising(holder / "supervise", "service", services=[service], cwd=service.parent):
            pid = await_pid(service)
            for other in (oracle, ours):
                outcome = run(other / "supervise", "service", cwd=service.parent)
                assert outcome == Outcome(111, b"", said)
            assert pid_of(service) == pid


SAID_OF_SCAN = {
    b"svscan: warning: unable to stat dangling: file does not exist",
    b"svscan: warning: unable to stat loop: symbolic link loop",
    b"svscan: warning: unable to stat logloop/log: symbolic link loop",
    b"supervise: fatal: unable to acquire nolock/supervise/lock: is a directory",
    b"supervise: fatal: unable to chdir to log: not a directory",
    b"supervise: fatal: unable to start log/run: file does not exist",
}


def odd_scan_directory(top: Path) -> Path:
    """Fill a scan directory with all kinds of entries; return it."""
    scan = top / "scan"
    names = ["good", ".hidden", "two words", "-dash", "logged", "logfile", "logdangling", "logloop"]
    for name in [*names, "nolock", "lognorun", "loglink", "\udcff\nodd", "../real", "../reallog"]:
        make_service(scan / name, SLEEPER)
    (scan / "file").touch()
    os.mkfifo(scan / "fifo")
    (scan / "dangling").symlink_to("nowhere")
    (scan / "loop").symlink_to("loop")
    (scan / "linked").symlink_to("../real")
    (scan / "again").symlink_to("good")
    (scan / "zgood").symlink_to("good/")
    make_service(scan / "logged/log", SLEEPER)
    (scan / "logfile/log").touch()
    (scan / "logdangling/log").symlink_to("nowhere")
    (scan / "logloop/log").symlink_to("log")
    (scan / "nolock/supervise/lock").mkdir(parents=True)
    (scan / "lognorun/log").mkdir()
    (scan / "loglink/log").symlink_to("../../reallog")
    return scan


def test_odd_scan_directory(oracle: Path, ours: Path, world_dir: Path) -> None:
    up = "good logged logged/log logfile logdangling lognorun loglink loglink/log linked again"
    results = []
    for side, where in zip(SIDES, (oracle, ours), strict=True):
        top = world_dir / "odd scan" / side
        scan = odd_scan_directory(top)
        err = top / "errors"

        def left() -> list[Path]:
            return services_in(scan)  # noqa: B023

        with supervising(where / "svscan", scan, services=left, err=err):
            for name in [*up.split(), "two words", "-dash", "\udcff\nodd"]:
                pid = await_pid(scan / name)
                until(lambda: state_of(pid) == "S", "it runs")  # noqa: B023

            def said() -> set[bytes]:
                # Ours also names the service whose log it is.
                return {
                    re.sub(rb"(chdir to|start) \w+/log", rb"\1 log", line)
                    for line in contents(err).splitlines()  # noqa: B023
                }

            until(lambda: said() == SAID_OF_SCAN, f"{side} says what it should")
            names = sorted(os.listdir(os.fsencode(scan)))
            stats = run(where / "svstat", *names, *(name + b"/log" for name in names), cwd=scan).out
            tree = listing(top)
        results.append(
            (
                re.sub(rb"\(pid \d+\) \d+ sec", b"(pid) sec", stats),
                {
                    path: mode
                    for path, mode in tree.items()
                    if "ready." not in path
                    if not path.endswith(("supervise/pipe", "supervise/status.new"))
                    if not is_ours_alone(path)
                },
            )
        )
    assert results[1][1] == results[0][1]
    lines = [
        [line for line in stats.splitlines() if not line.startswith(b"lognorun/log")]
        for stats, _ in results
    ]
    assert lines[1] == lines[0]
