"""Service directories and scan directories that come, go, and are put together slowly."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.processes import comm, kill, opened, runs
from helpers.services import await_pid, is_supervised, pid_of, write_script
from helpers.tree import MULTILOG, SLEEP, Tree
from helpers.waiting import until

SAY = "#!/bin/sh\necho up $$\nexec sleep 1000\n"


def current(path: Path) -> str:
    try:
        return (path / "log/main/current").read_text()
    except FileNotFoundError:
        return ""


def test_removed_and_made_again_under_the_same_name(tree: Tree) -> None:
    path = tree.scan / "s"
    tree.add("other")
    svscan = tree.svscan()
    await_pid(tree.real / "other")
    old: list[int] = []
    for _ in range(5):
        tree.make("s").rename(path)
        old.append(await_pid(path))
        until(lambda: comm(old[-1]) == "sleep", "its script was read")
        kill(old[0], signal.SIGSTOP)  # it must not matter what the old one is doing
        subprocess.run(["rm", "-rf", path], check=True)  # svscan may be writing into it
    tree.make("s").rename(path)
    pid = await_pid(path)
    assert all(runs(each) for each in old), "not ours to end: the directory is gone, they are not"
    for each in old:
        kill(each, signal.SIGKILL)
    until(lambda: len(tree.lines("s/run: service directory is gone")) >= len(old), "said so")
    assert pid_of(path) == pid
    tree.svc("-t", path)
    await_pid(path, other_than=pid)
    tree.drain(svscan)
    assert not tree.processes()


def test_renamed_and_unlinked_while_it_runs(tree: Tree) -> None:
    in_place = tree.scan / "foo"
    tree.make("foo", SAY, MULTILOG).rename(in_place)
    linked = tree.add("linked", SAY, MULTILOG)
    svscan = tree.svscan()
    pids = [await_pid(in_place), await_pid(linked)]
    hidden = tree.scan / ".foo"
    in_place.rename(hidden)
    (tree.scan / "linked").unlink()
    for path, pid in zip((hidden, linked), pids, strict=True):
        assert await_pid(path) == pid
        tree.svc("-t", path)
        await_pid(path, other_than=pid)  # still supervised
    hidden.rename(in_place)
    (tree.scan / "again").symlink_to(linked)
    for path in (in_place, linked):
        pid = await_pid(path)
        tree.svc("-t", path)
        await_pid(path, other_than=pid)
        assert len(tree.workers(path)) == 1
    assert tree.says() == ""
    # Told to exit without an entry, it goes for good, and its log with it.
    in_place.rename(hidden)
    (tree.scan / "again").unlink()
    tree.svc("-dx", hidden, linked)
    for path in (hidden, linked):
        until(lambda: not is_supervised(path) and not is_supervised(path / "log"), "gone")  # noqa: B023
        assert current(path).count("up") == 3
    until(lambda: not tree.processes(), "all gone")
    tree.drain(svscan)


def test_renamed_at_any_moment_of_a_start(tree: Tree) -> None:
    """C's supervise has its directory as the current one; ours has many, and loses none."""
    paths = [tree.add(f"s{n}", "#!/bin/sh\necho >>starts\n") for n in range(20)]
    svscan = tree.svscan()
    for path in paths:
        until(lambda: is_supervised(path), "supervised")  # noqa: B023
    other = {path: path.with_name(f"moved-{path.name}") for path in paths}

    def starts() -> int:
        return sum(
            (file / "starts").stat().st_size
            for pair in other.items()
            for file in pair
            if (file / "starts").exists()
        )

    def moved() -> bool:
        for path, elsewhere in other.items():
            path.rename(elsewhere)
        for path, elsewhere in other.items():
            elsewhere.rename(path)
        return starts() >= 5 * len(paths)

    until(moved, "started five times each")
    assert tree.says() == ""
    tree.drain(svscan)


def test_the_scan_directory_goes_and_comes_back(tree: Tree) -> None:
    paths = [tree.add(f"s{n}") for n in range(3)]
    inside = tree.scan / "inside"
    tree.make("inside").rename(inside)
    svscan = tree.svscan()
    pids = [await_pid(path) for path in [*paths, inside]]
    away = tree.root / "away"
    tree.scan.rename(away)
    for path, pid in zip([*paths, away / "inside"], pids, strict=True):
        assert await_pid(path) == pid
    tree.svc("-t", away / "inside")
    pids[-1] = await_pid(away / "inside", other_than=pids[-1])
    # Another one takes its place, with some of the same services.
    tree.scan.mkdir()
    (tree.scan / "s0").symlink_to(paths[0])
    new = tree.add("new")
    await_pid(new)
    assert await_pid(paths[0]) == pids[0]
    # And the first one comes back.
    shutil.rmtree(tree.scan)
    away.rename(tree.scan)
    late = tree.add("late")
    await_pid(late)
    for path, pid in zip([*paths, inside], pids, strict=True):
        assert await_pid(path) == pid
        assert len(tree.workers(path)) == 1
    assert svscan.poll() is None
    tree.drain(svscan)
    assert not tree.processes()


def test_a_thousand_at_once(tree: Tree) -> None:
    """Linked in one go: each is seen, none twice."""
    names = [f"s{n}" for n in range(1000)]
    nothing = "#!/bin/sh\nexit 1\n"  # starting one is enough to see that it was seen
    for name in names:
        tree.make(name, nothing, down=True)
    early = tree.add("early")
    svscan = tree.svscan()
    await_pid(early)
    for name in names:
        (tree.scan / name).symlink_to(tree.real / name)
    until(lambda: all(is_supervised(tree.real / name) for name in names), "all supervised")
    assert tree.says() == ""
    tree.drain(svscan)


def test_renamed_as_they_appear(tree: Tree) -> None:
    """As by those who make a link under another name first, so that it appears complete."""
    names = [f"s{n}" for n in range(300)]
    for name in names:
        (tree.make(name, log=SLEEP, down=True) / "log/down").touch()
    early = tree.add("early")
    svscan = tree.svscan()
    await_pid(early)
    for number, name in enumerate(names):
        new = tree.scan / f"{name}.new"
        new.symlink_to(tree.real / name)
        end = time.perf_counter() + (number % 100) * 1e-5  # at any point of its looking at us
        while time.perf_counter() < end:
            pass
        new.rename(tree.scan / name)
        until(lambda: is_supervised(tree.real / name / "log"), f"{name} is supervised")  # noqa: B023
    assert tree.says() == ""
    tree.drain(svscan)


@pytest.mark.parametrize("how", ["copied", "made in place", "made slowly"])
def test_put_together_in_the_scan_directory_with_a_log(tree: Tree, how: str) -> None:
    model = tree.make("model", SAY, MULTILOG)
    (model / "aaa").write_bytes(bytes(3_000_000))
    early = tree.add("early")
    svscan = tree.svscan()
    await_pid(early)  # its first scan is over: from now on it is told
    paths = [tree.scan / f"s{n}" for n in range(20)]
    if how == "copied":
        script = f"for n in $(seq 0 19); do cp -r '{model}' '{tree.scan}'/s$n; done"
    elif how == "made in place":
        make = f"mkdir $s; cp '{model}/run' $s; mkdir $s/log; cp '{model}/log/run' $s/log"
        script = f"for n in $(seq 0 19); do s='{tree.scan}'/s$n; {make}; done"
    else:
        make = f"mkdir $s; sleep 0.1; cp '{model}/run' $s; sleep 0.1; mkdir $s/log; sleep 0.1"
        script = f"for n in 0; do s='{tree.scan}'/s$n; {make}; cp '{model}/log/run' $s/log; done"
        paths = paths[:1]
    assert tree.start(["/bin/sh", "-c", script]).wait(timeout=60) == 0
    for path in paths:
        until(lambda: "up" in current(path), f"{path} logs; said {tree.says()}")  # noqa: B023
        assert len(tree.workers(path)) == 1
    tree.drain(svscan)


def test_entries_that_are_no_services(tree: Tree) -> None:
    (tree.scan / "file").write_text("no service")
    (tree.scan / "dangling").symlink_to("nowhere")
    (tree.scan / "loop").symlink_to("loop")
    (tree.scan / ".hidden").symlink_to(tree.make("hidden"))
    os.mkfifo(tree.scan / "fifo")
    odd = tree.scan / os.fsdecode(b"odd \xff\n-name")
    tree.make("odd").rename(odd)
    svscan = tree.svscan()
    await_pid(odd)
    assert not (tree.real / "hidden/supervise").exists()
    target = tree.make("nowhere")
    target.rename(tree.scan / "nowhere")
    (tree.scan / "file").unlink()
    tree.make("file").rename(tree.scan / "file")
    await_pid(tree.scan / "file")
    await_pid(tree.scan / "nowhere")
    tree.drain(svscan)


def test_a_log_that_was_there_from_the_beginning_and_goes(tree: Tree) -> None:
    path = tree.add("s", SAY, MULTILOG)
    svscan = tree.svscan()
    until(lambda: "up" in current(path), "up")
    log = await_pid(path / "log")
    shutil.move(path / "log", tree.root / "away")
    kill(log, signal.SIGKILL)
    await_pid(tree.root / "away", other_than=log)
    shutil.move(tree.root / "away", path / "log")
    pid = pid_of(path)
    tree.svc("-t", path)
    pid = await_pid(path, other_than=pid)
    until(lambda: f"up {pid}" in current(path), "logged again")
    tree.drain(svscan)


def test_linked_again_while_its_log_still_reads(tree: Tree) -> None:
    """What a service left behind holds up the end of its log; it itself is to come back."""
    path = tree.add("s", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", MULTILOG)
    svscan = tree.svscan()
    pid, log = await_pid(path), await_pid(path / "log")
    until(lambda: len(tree.workers(path)) == 2, "what it leaves behind is there")
    (tree.scan / "s").unlink()
    tree.svc("-dx", path)
    until(lambda: not is_supervised(path), "ended")
    (tree.scan / "s").symlink_to(path)
    await_pid(path, other_than=pid)
    assert await_pid(path / "log") == log
    assert opened(svscan.pid).count(str(path / "supervise/pipe")) == 2
    tree.drain(svscan)


def test_two_svscans_on_one_directory(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    second = tree.start([str(tree.commands / "svscan"), "-n", str(tree.scan)])
    assert second.wait(timeout=30) == 111
    assert tree.lines("svscan: fatal: unable to acquire ")
    assert pid_of(path) == pid
    tree.drain(first)


def test_a_directory_that_another_supervises(tree: Tree) -> None:
    path = tree.add("s", SLEEP)
    supervise = tree.start([str(tree.commands / "supervise"), str(path)])
    pid = await_pid(path)
    svscan = tree.svscan()
    line = "unable to acquire s/supervise/lock: temporary failure"
    until(lambda: tree.lines(line), "said so")
    write_script(path / "run", SLEEP)
    assert pid_of(path) == pid
    supervise.send_signal(signal.SIGQUIT)
    assert supervise.wait(timeout=30) == 0
    assert await_pid(path) == pid, "adopted from the other"
    assert len(tree.lines(line)) == 1
    tree.drain(svscan)
    assert not runs(pid)
