"""What hangs, hangs alone: a run script that can't be opened, a stderr that nobody reads."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from helpers.processes import killed, opened, runs
from helpers.services import await_pid, is_supervised, pid_of
from helpers.tree import ENVIRONMENT, SLEEP, Tree
from helpers.waiting import GENEROUS, until

MANY = 12
"""So many services are started through a spawner, fewer by forks."""


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Have every open of a file hang, as on a file system that does not answer.

    The kernel waits until the lease is given back, or some 45 seconds.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    fd = os.open(path, os.O_RDONLY)  # else the program would be busy for a moment
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)


@pytest.mark.parametrize("services", [3, MANY])
@pytest.mark.parametrize("log", [None, "#!/bin/sh\nexec /usr/bin/multilog ./main\n"])
@pytest.mark.parametrize("when", ["first scan", "later", "interpreter"])
def test_a_run_script_that_hangs(tree: Tree, services: int, log: str | None, when: str) -> None:
    paths = [tree.make(f"s{number:02}", SLEEP, log) for number in range(services)]
    stuck, others = paths[1], [*paths[:1], *paths[2:]]
    held = stuck / "run"
    if when == "interpreter":
        held = tree.root / "interpreter"
        held.write_bytes(Path("/bin/sh").read_bytes())
        held.chmod(0o755)
        (stuck / "run").write_text(f"#!{held}\nexec sleep 1000\n")
    if when == "later":
        svscan = tree.svscan()
    with leased(held):
        for path in paths:
            (tree.scan / path.name).symlink_to(path)
        if when != "later":
            svscan = tree.svscan()
        pids = {path: await_pid(path) for path in others}
        until(lambda: is_supervised(stuck), "it is supervised all the same")
        tree.svc("-t", others[0])
        pids[others[0]] = await_pid(others[0], other_than=pids[others[0]])
        # svscan can be killed, and the next one serves all others.
        killed(svscan)
        svscan = tree.svscan()
        for path in others:
            until(lambda: is_supervised(path), "supervised")  # noqa: B023
            assert await_pid(path) == pids[path]
        tree.svc("-t", others[-1])
        await_pid(others[-1], other_than=pids[others[-1]])
    pid = await_pid(stuck)
    until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n", "it goes on")
    assert len(tree.workers(stuck)) == 1
    tree.drain(svscan)


def test_one_that_hangs_can_be_killed(tree: Tree) -> None:
    path, other = tree.add("stuck"), tree.add("other")
    with leased(path / "run"):
        svscan = tree.svscan()
        await_pid(other)
        tree.svc("-dk", path)
        until(lambda: is_supervised(path) and not pid_of(path), "it is down")
    tree.drain(svscan)


@pytest.mark.parametrize("supervisor", ["svscan", "supervise"])
def test_a_standard_error_that_nobody_reads(tree: Tree, supervisor: str) -> None:
    """A full pipe keeps neither the supervisor from its work, nor a child from its end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(65536))
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    good = tree.add("good")
    bad = tree.add("bad")
    (bad / "run").chmod(0o644)
    if supervisor == "svscan":
        (tree.scan / "worse").mkdir()
        (tree.scan / "worse/supervise").write_text("a file")
        words = [tree.commands / "svscan", tree.scan]
    else:
        words = [tree.commands / "supervise", bad]
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stderr=writing, stdout=writing, env=ENVIRONMENT
    )
    tree.started.append(process)
    try:
        until(lambda: is_supervised(bad), "it works")
        if supervisor == "svscan":
            pid = await_pid(good)
            tree.svc("-t", good)
            await_pid(good, other_than=pid)
        until(lambda: (bad / "supervise/status").exists(), "it was tried")
        starts = (bad / "supervise/status").stat().st_mtime_ns
        until(lambda: (bad / "supervise/status").stat().st_mtime_ns != starts, "it is tried again")
        process.terminate()
        assert process.wait(GENEROUS) == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_a_daemon_has_the_locks_of_nobody(tree: Tree) -> None:
    paths = [tree.add(f"s{number:02}") for number in range(MANY)]
    svscan = tree.svscan()
    for path in paths:
        pid = await_pid(path)
        until(partial(has_nothing_of_svscan, pid), "it has become its program, with no lock")
    tree.svc("-t", paths[0])
    pid = await_pid(paths[0], other_than=pid)
    until(partial(has_nothing_of_svscan, pid), "it has become its program, with no lock")
    tree.drain(svscan)


def has_nothing_of_svscan(pid: int) -> bool:
    """Tell whether no descriptor leads to what svscan keeps. Until it has become its program
    a child has all of them, and its pid is known already."""
    return not [link for link in opened(pid) if "supervise/" in link or ".svscan" in link]


@pytest.mark.root
def test_supervise_elsewhere(tree: Tree) -> None:
    """A service on a frozen disk, whose ``supervise`` leads to another: svscan goes on.

    In a mount namespace a loop device holds the service. fsfreeze(8) stops all that writes.
    """
    image, disk = tree.root / "image", tree.root / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    state = tree.root / "state"
    state.mkdir()
    other = tree.add("other")
    (tree.scan / "frozen").symlink_to(disk / "frozen")
    prepare = (
        f"mount -o loop {image} {disk} && mkdir {disk}/frozen && cd {disk}/frozen &&"
        f" printf '#!/bin/sh\\nexec sleep 1000\\n' >run && chmod +x run &&"
        f" ln -s {state}/frozen supervise && exec {tree.commands}/svscan {tree.scan}"
    )
    svscan = tree.start(["unshare", "-m", "sh", "-c", prepare])
    inside = Path(f"/proc/{svscan.pid}/root")
    until(lambda: (state / "frozen/ok").exists(), "it runs there")
    pid = await_pid(other)
    enter = ["nsenter", f"--mount=/proc/{svscan.pid}/ns/mnt"]
    subprocess.run([*enter, "fsfreeze", "-f", disk], check=True)
    try:
        for letters in (b"d", b"u", b"t", b"p", b"c"):
            fd = os.open(state / "frozen/control", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, letters)
            os.close(fd)
        tree.svc("-t", other)
        pid = await_pid(other, other_than=pid)
        assert runs(pid)
        assert inside.exists()
    finally:
        subprocess.run([*enter, "fsfreeze", "-u", disk], check=True)
    tree.drain(svscan)
