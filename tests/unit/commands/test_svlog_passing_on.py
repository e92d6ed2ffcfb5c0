"""``svlog -p FILE``: what comes to logs is passed on, each line once, whatever FILE is."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from helpers.processes import catches
from helpers.waiting import GENEROUS, until

from slashservice.supervise import tai
from slashservice.supervise.logs.passing_on import BEHIND, PassingShower, Place
from slashservice.supervise.logs.reader import LogReader
from slashservice.supervise.logs.stamps import label_time


@pytest.fixture
def top(world_dir: Path, request: pytest.FixtureRequest) -> Path:
    made = world_dir / f"passing-{abs(hash(request.node.nodeid)):x}"
    made.mkdir()
    return made


def log(top: Path, name: str, *lines: str, stamped: bool = True) -> Path:
    """Append lines to the log of a service."""
    main = top / "scan" / name / "log/main"
    main.mkdir(parents=True, exist_ok=True)
    (main.parent / "run").write_text("#!/bin/sh\nexec multilog t ./main\n")
    with (main / "current").open("ab") as file:
        for line in lines:
            stamp = tai.label(tai.now()) + b" " if stamped else b""
            file.write(stamp + line.encode() + b"\n")
    return main


def words(ours: Path, top: Path, *more: str) -> list[str]:
    return [str(ours / "svlog"), "-p", str(top / "place"), *more, str(top / "scan")]


@contextmanager
def passing(ours: Path, top: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A svlog whose output is in a file; it has begun when its place is there."""
    with (top / "out").open("ab") as out:
        process = subprocess.Popen(words(ours, top, *more), stdout=out, stderr=out)
    try:
        until((top / "place").exists, "it has begun")
        until(lambda: catches(process.pid, signal.SIGTERM), "it can be told to end")
        yield process
    finally:
        process.kill()
        process.wait()


def said(top: Path) -> list[str]:
    return (top / "out").read_text().splitlines()


def is_said(top: Path, line: str) -> bool:
    return line in said(top)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(GENEROUS) == 0


def test_lines_of_all_logs_with_names(ours: Path, top: Path) -> None:
    """Those that were there before are not shown; logs that come are."""
    log(top, "web", "old")
    with passing(ours, top) as process:
        log(top, "web", "one", "")
        log(top, "a b", "two")
        until(lambda: len(said(top)) == 3, "all have come")
        log(top, "web", "last")
        until(lambda: "web: last" in said(top), "and the last one")
        end(process)
    assert sorted(said(top)) == ["a b: two", "web: ", "web: last", "web: one"]


def test_each_line_once_whatever_ends_it(ours: Path, top: Path) -> None:
    """Told to end, it leaves nothing; what comes until the next one begins is of the next."""
    log(top, "web")
    for number in range(4):
        with passing(ours, top) as process:
            log(top, "web", f"{number} while it runs")
            end(process)
        log(top, "web", f"{number} while it does not")
    with passing(ours, top) as process:
        until(lambda: len(said(top)) == 8, "all have come")
        end(process)
    wanted = [
        f"web: {number} while it {how}" for number in range(4) for how in ("runs", "does not")
    ]
    assert said(top) == wanted


def test_killed_it_leaves_nothing_out(ours: Path, top: Path) -> None:
    log(top, "web")
    for number in range(5):
        with passing(ours, top) as process:
            log(top, "web", f"line {number}")
            until(partial(is_said, top, f"web: line {number}"), "it has come")
            process.kill()
        log(top, "web", f"after {number}")
    with passing(ours, top) as process:
        until(lambda: "web: after 4" in said(top), "it has come")
        end(process)
    wanted = {f"web: {word} {number}" for word in ("line", "after") for number in range(5)}
    assert {*said(top)} == wanted


def test_lines_without_stamps(ours: Path, top: Path) -> None:
    log(top, "web", "old", stamped=False)
    past = time.time() - 1000
    os.utime(top / "scan/web/log/main/current", (past, past))
    with passing(ours, top) as process:
        until(lambda: (top / "place").stat().st_size, "it has begun")
        log(top, "web", "new", stamped=False)
        until(lambda: "web: new" in said(top), "it has come")
        end(process)


def test_a_stamp_of_the_future_hides_nothing(ours: Path, top: Path) -> None:
    log(top, "web")
    future = tai.label(tai.pack(time.time_ns() + 10**15)).decode()
    with passing(ours, top) as process:
        log(top, "web", f"{future} future", stamped=False)
        until(lambda: "web: future" in said(top), "it has come")
        end(process)
    with passing(ours, top) as process:
        log(top, "db", "later")
        until(lambda: "db: later" in said(top), "it has come")
        end(process)


@pytest.mark.parametrize("kind", ["device", "folder", "link", "junk", "cut", "long"])
def test_a_place_that_is_none_is_left_alone(ours: Path, top: Path, kind: str) -> None:
    log(top, "web")
    place = top / "place"
    label = tai.label(tai.now())
    texts = {"junk": b"some text\n", "cut": label[:-1] + b"\n", "long": label + b"\nmore"}
    if kind == "device":
        place = Path(os.devnull)
    elif kind == "folder":
        place.mkdir()
    elif kind == "link":
        (top / "target").write_bytes(label + b"\n")
        place.symlink_to("target")
    else:
        place.write_bytes(texts[kind])
    before = place.lstat()
    made = subprocess.run(
        [ours / "svlog", "-p", place, top / "scan"], capture_output=True, timeout=GENEROUS
    )
    assert made.returncode == 111 and made.stdout == b""
    assert made.stderr.startswith(b"svlog: fatal: ") and made.stderr.count(b"\n") == 1
    after = place.lstat()
    assert (after.st_ino, after.st_rdev, after.st_size) == (
        before.st_ino,
        before.st_rdev,
        before.st_size,
    )


@pytest.mark.parametrize(
    "more", [("-n", "3"), ("-a",), ("-j",), ("-r",), ("-s", "1h"), ("-c", "always")]
)
def test_what_makes_no_sense_with_it(ours: Path, top: Path, more: tuple[str, ...]) -> None:
    made = subprocess.run(words(ours, top, *more), capture_output=True, timeout=GENEROUS)
    assert made.returncode == 100
    assert made.stderr.startswith(b"svlog: usage: -p goes with")
    assert not (top / "place").exists()


def test_only_lines_with_a_pattern(ours: Path, top: Path) -> None:
    log(top, "web")
    with passing(ours, top, "-i", "-g", "error") as process:
        log(top, "web", "an Error", "nothing")
        until(lambda: "web: an Error" in said(top), "it has come")
        end(process)
    assert said(top) == ["web: an Error"]


def test_a_reader_that_is_stuck_does_not_keep_it_from_ending(ours: Path, top: Path) -> None:
    main = log(top, "web")
    reader, writer = os.pipe()
    process = subprocess.Popen(words(ours, top), stdout=writer)
    os.close(writer)
    try:
        until((top / "place").exists, "it has begun")
        for _ in range(20):
            log(top, "web", *["x" * 1000] * 100)
        until(lambda: b"S" in state(process.pid) and os.stat(main / "current").st_size, "it waits")
        process.send_signal(signal.SIGTERM)
        assert process.wait(GENEROUS) == -signal.SIGALRM
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def test_stuck_as_it_catches_up_it_leaves_nothing_out(ours: Path, top: Path) -> None:
    """One log is read to its end; of another, with older lines, the output takes only some."""
    log(top, "a", stamped=False)
    log(top, "b", stamped=False)
    now = time.time_ns()
    stamps = [tai.label(tai.pack(now - back * 10**9)).decode() for back in (5, 60, 100)]
    log(top, "a", f"{stamps[0]} last", stamped=False)
    log(top, "b", *[f"{stamps[1]} {number} {'x' * 1000}" for number in range(200)], stamped=False)
    (top / "place").write_text(f"{stamps[2]}\n")
    reader, writer = os.pipe()
    process = subprocess.Popen(words(ours, top), stdout=writer)
    os.close(writer)
    try:
        assert os.read(reader, 1)
        until(lambda: state(process.pid) == b"S", "it waits")
    finally:
        process.kill()
        process.wait()
        os.close(reader)
    with passing(ours, top) as process:
        until(lambda: "a: last" in said(top), "the last line has come")
        end(process)
    assert [line.split()[1] for line in said(top)] == [*map(str, range(200)), "last"]


def test_its_place_is_not_ahead_of_what_was_read(top: Path) -> None:
    """What is written while it is read is there in one log, and not yet in another."""
    top.joinpath("place").write_bytes(tai.label(tai.pack(1)) + b"\n")
    shower = PassingShower(Place(bytes(top / "place")))
    shower.begin()
    begun = time.time_ns()
    later = (begun + 5 * 10**9, b"", b"", LogReader(b"/nowhere", b"web"))
    time.sleep(0.01)
    shower.show([later])
    noted = label_time((top / "place").read_bytes())
    assert begun - 2 * BEHIND < noted <= begun - BEHIND


def state(pid: int) -> bytes:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]
