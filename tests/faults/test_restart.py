"""Restart means restart: a second svscan takes over from the first, and nobody else hinders it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.processes import catches, comm, kill, killed, runs, state_of
from helpers.services import await_in_place, await_pid, contents, is_supervised, pid_of
from helpers.tree import MULTILOG, SLEEP, Tree
from helpers.waiting import GENEROUS, until

from slashservice.supervise.protocol import scan_directory

SLOW = "#!/bin/sh\ntrap 'sleep 1.5; exit' TERM\n: >ready\nwhile :; do sleep 0.1; done\n"
"""Takes longer to end than a second svscan has patience before it says anything."""


def second(tree: Tree, *options: str) -> subprocess.Popen[bytes]:
    """Start another svscan on the same directory."""
    return tree.start([str(tree.commands / "svscan"), *options, str(tree.scan)])


def complained(tree: Tree) -> list[str]:
    return tree.lines("svscan: warning: unable to acquire ")


@pytest.mark.parametrize("log", [None, MULTILOG, "hosted"])
@pytest.mark.parametrize("stop", ["term", "term and dx", "dx and kill"])
def test_stop_and_start_at_once(tree: Tree, log: str | None, stop: str) -> None:
    """As init scripts have done for twenty years. C's svscan gets there, too."""
    if log == "hosted":
        log = f"#!/bin/sh\nexec {tree.commands}/multilog ./main\n"
    paths = [tree.add("slow", SLOW, log), tree.add("quick", SLEEP, log)]
    first = tree.svscan()
    before = [await_pid(path) for path in paths]
    await_in_place(paths[0])
    if stop == "dx and kill":
        tree.svc("-dx", *paths)
        killed(first)
    else:
        first.send_signal(signal.SIGTERM)
        if "dx" in stop:
            tree.svc("-dx", *paths)
    after = second(tree)
    if stop == "dx and kill":
        # What C's svc -dx told a svscan that was killed is done by the next one, or is undone.
        until(lambda: scan_directory.running(bytes(tree.scan)) == after.pid, "it has taken over")
        tree.svc("-u", *paths)
        for path in paths:
            await_pid(path)
    else:
        for path, old in zip(paths, before, strict=True):
            await_pid(path, other_than=old)
        assert first.wait(timeout=GENEROUS) == 0
        assert not any(runs(pid) for pid in before)
    tree.drain(after)
    assert sorted(os.listdir(tree.scan)) == ["quick", "slow"]
    assert scan_directory.running(bytes(tree.scan)) == 0


def test_beside_a_healthy_one_it_waits_and_says_so_once(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    waiting = second(tree)
    until(lambda: complained(tree), "it says that it waits")
    assert f"process {first.pid}:" in complained(tree)[0]
    for _ in range(3):
        waiting.send_signal(signal.SIGHUP)
        until(lambda: state_of(waiting.pid) == "S", "it has tried again")
    assert waiting.poll() is None
    assert len(complained(tree)) == 1
    assert pid_of(path) == pid
    killed(first)
    until(lambda: scan_directory.running(bytes(tree.scan)) == waiting.pid, "it has taken over")
    assert await_pid(path) == pid
    tree.drain(waiting)


@pytest.mark.root
def test_in_another_time_namespace_it_adopts_all_the_same(tree: Tree) -> None:
    """There the kernel tells other times since the boot, of every process."""
    path = tree.add("s", SLEEP, MULTILOG)
    words = ["/usr/bin/unshare", "--time", "--boottime=100000000"]
    pids = []
    for namespace in (words, [], words):
        svscan = tree.svscan(namespace)
        until(lambda: scan_directory.running(bytes(tree.scan)) == svscan.pid, "it runs")  # noqa: B023
        pids.append((await_pid(path), await_pid(path / "log")))
        killed(svscan)
    assert pids == pids[:1] * 3
    tree.drain(tree.svscan())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_while_it_waits_it_can_be_ended(tree: Tree, name: str) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    waiting = second(tree)
    until(lambda: catches(waiting.pid, signal.SIGUSR1), "it waits")
    tree.drain(waiting, signal.Signals[name])
    assert pid_of(path) == pid
    assert scan_directory.running(bytes(tree.scan)) == first.pid
    tree.drain(first)


def test_told_to_start_nothing_while_it_waits(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    await_pid(path)
    waiting = second(tree)
    until(lambda: catches(waiting.pid, signal.SIGUSR1), "it waits")
    waiting.send_signal(signal.SIGUSR1)
    tree.drain(first)
    until(lambda: scan_directory.running(bytes(tree.scan)) == waiting.pid, "it has taken over")
    waiting.send_signal(signal.SIGHUP)
    tree.drain(waiting)
    assert not is_supervised(path)


def test_it_gives_up_if_it_shall_not_wait(tree: Tree) -> None:
    path = tree.add("s")
    first = tree.svscan()
    pid = await_pid(path)
    assert second(tree, "-n").wait(timeout=GENEROUS) == 111
    assert tree.lines(f"svscan: fatal: unable to acquire {tree.scan}: temporary failure")
    assert pid_of(path) == pid
    tree.drain(first)
    third = second(tree, "-n")
    await_pid(path, other_than=pid)
    tree.drain(third)


LOCKER = """
import ctypes, fcntl, os, sys
if sys.argv[2] != "0":
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, getattr(fcntl, sys.argv[3]))
ctypes.CDLL(None).prctl(15, sys.argv[4].encode(), 0, 0, 0)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.mark.root
@pytest.mark.parametrize("how", ["LOCK_EX", "LOCK_SH"])
@pytest.mark.parametrize(("account", "name"), [("65534", "svscan"), ("65534", "x"), ("0", "x")])
def test_a_stranger_who_locks_the_directory_keeps_nobody_out(
    tree: Tree, account: str, name: str, how: str
) -> None:
    path = tree.add("s")
    words = [sys.executable, "-c", LOCKER, str(tree.scan), account, how, name]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as locker:
        assert locker.stdout and locker.stdout.readline() == b"locked\n"
        assert scan_directory.running(bytes(tree.scan)) == 0
        svscan = tree.svscan()
        await_pid(path)
        line = f"{tree.scan} is locked by process {locker.pid}, which is no svscan: going on"
        assert len(tree.lines(line)) == 1
        assert scan_directory.running(bytes(tree.scan)) == svscan.pid
        tree.drain(svscan)


def test_a_lock_that_outlived_its_svscan_keeps_nobody_out(tree: Tree) -> None:
    """A child that hangs before it becomes the daemon may share the lock."""
    path = tree.add("s")
    words = "import fcntl, os, sys, time\nfd = os.open(sys.argv[1], 0)\nfcntl.flock(fd, 2)\n"
    words += "if os.fork() == 0:\n time.sleep(1000)\nprint('locked', flush=True)\n"
    with subprocess.Popen(
        [sys.executable, "-c", words, str(tree.scan)],
        stdout=subprocess.PIPE,
        cwd=tree.root,
        start_new_session=True,
    ) as parent:
        assert parent.stdout and parent.stdout.readline() == b"locked\n"
        parent.wait()
        svscan = tree.svscan()
        await_pid(path)
        tree.drain(svscan)
        tree.end()


def test_a_pid_that_cannot_be_noted_is_found_all_the_same(tree: Tree) -> None:
    """Without a place under /run: as in a sandbox where that is read-only."""
    path = tree.add("s")
    mounts = 'mount -t tmpfs -o ro none /run && exec "$@"'
    words = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", mounts, "sh"]
    svscan = tree.svscan(words)
    await_pid(path)
    look = [str(tree.commands / "svscan"), "-n", str(tree.scan)]
    beside = subprocess.run([*words, *look], capture_output=True, timeout=GENEROUS)
    assert beside.returncode == 111, beside
    tree.drain(svscan)


def old_lock(tree: Tree) -> int:
    """Be a svscan 0.1.0; return the descriptor of its lock."""
    folder = tree.scan / ".svscan"
    folder.mkdir(0o700)
    (folder / "pid").write_text(f"{os.getpid()}\n")
    fd = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def test_a_svscan_of_the_former_version_is_awaited_and_its_folder_removed(tree: Tree) -> None:
    path = tree.add("s")
    fd = old_lock(tree)
    assert scan_directory.running(bytes(tree.scan)) == os.getpid()
    svscan = tree.svscan()
    until(lambda: complained(tree), "it waits")
    assert f"process {os.getpid()}:" in complained(tree)[0]
    assert not (path / "supervise").exists()
    os.close(fd)
    await_pid(path)
    assert os.listdir(tree.scan) == ["s"]
    tree.drain(svscan)


def test_the_service_of_that_name_is_left_alone(tree: Tree) -> None:
    folder = tree.scan / ".svscan"
    folder.mkdir()
    (folder / "run").write_text(SLEEP)
    path = tree.add("s")
    svscan = tree.svscan()
    await_pid(path)
    assert os.listdir(folder) == ["run"]
    tree.drain(svscan)
    assert os.listdir(folder) == ["run"]


def test_beside_c_svscan_nothing_runs_twice(tree: Tree, oracle: Path) -> None:
    path = tree.add("s", "#!/bin/sh\necho up >>started\nexec sleep 1000\n")
    theirs = tree.start([str(oracle / "svscan"), str(tree.scan)])
    pid = await_pid(path)
    svscan = tree.svscan()
    until(lambda: tree.lines("unable to acquire s/supervise/lock"), "ours says so")
    assert pid_of(path) == pid
    killed(theirs)
    tree.svc("-dx", path)
    await_pid(path, other_than=pid)
    until(lambda: (path / "started").read_text() == "up\nup\n", "started by ours, once")
    tree.drain(svscan)


@pytest.mark.parametrize("signalled", [signal.SIGHUP, 0])
def test_one_of_two_that_wait_takes_over(tree: Tree, signalled: int) -> None:
    path = tree.add("s", SLOW)
    first = tree.svscan()
    before = await_pid(path)
    await_in_place(path)
    others = [second(tree), second(tree)]
    for other in others:
        until(lambda: catches(other.pid, signal.SIGHUP), "it waits")  # noqa: B023
    first.send_signal(signal.SIGTERM)
    for other in others:
        if signalled:
            kill(other.pid, signalled)
    await_pid(path, other_than=before)
    running = scan_directory.running(bytes(tree.scan))
    assert running in [other.pid for other in others]
    for other in sorted(others, key=lambda one: one.pid == running):
        tree.drain(other)


REMOVALS = {
    "ok": ["ok"],
    "control": ["control"],
    "both": ["ok", "control"],
    "lock": ["lock"],
    "status": ["status"],
    "all files": ["ok", "control", "lock", "status"],
    "supervise": None,
}


@pytest.mark.parametrize("what", REMOVALS)
@pytest.mark.parametrize("noticed", ["told", "HUP", "late"])
def test_what_somebody_removes_is_made_again(tree: Tree, what: str, noticed: str) -> None:
    """Clients work again, and the next svscan adopts the daemon as if nothing had been.

    Of what is removed before svscan watches it, it learns when it begins to watch.
    """
    deaf = ["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null"]
    deaf += ["-e", "inject=inotify_add_watch:error=ENOSPC"]
    path = tree.add("s", SLEEP, MULTILOG)
    svscan = tree.svscan(deaf if noticed == "HUP" else ())
    pids = [await_pid(part) for part in (path, path / "log")]
    if noticed == "told":
        watched = Path(f"/proc/{svscan.pid}/fdinfo")
        until(lambda: inotify_watches(watched) == 3, "both parts are watched")
    for part in (path, path / "log"):
        files = REMOVALS[what] or os.listdir(part / "supervise")
        for name in files:
            (part / "supervise" / name).unlink()
        if what == "supervise":
            (part / "supervise").rmdir()
    if noticed == "HUP":
        svscan.send_signal(signal.SIGHUP)
    for part, pid in zip((path, path / "log"), pids, strict=True):
        state = part / "supervise"
        for name in ("ok", "control", "lock", "status"):
            until((state / name).exists, f"{name} is there again")
        until(lambda: is_supervised(part) and pid_of(part) == pid, "clients see it again")  # noqa: B023
    killed(svscan)
    after = tree.svscan()
    until(lambda: scan_directory.running(bytes(tree.scan)) == after.pid, "the next one")
    assert [await_pid(part) for part in (path, path / "log")] == pids, "adopted"
    until(lambda: is_supervised(path), "it listens")
    tree.svc("-t", path)
    await_pid(path, other_than=pids[0])
    tree.drain(after)


def inotify_watches(folder: Path) -> int:
    """How many directories a process watches."""
    return sum(contents(one).count(b"inotify wd:") for one in folder.iterdir())


def test_nothing_is_made_again_in_a_service_that_is_being_removed(tree: Tree) -> None:
    path = tree.add("s")
    svscan = tree.svscan()
    pid = await_pid(path)
    until(lambda: comm(pid) == "sleep", "it runs")
    (path / "run").unlink()
    for name in os.listdir(path / "supervise"):
        (path / "supervise" / name).unlink()
    (path / "supervise").rmdir()
    for _ in range(3):
        svscan.send_signal(signal.SIGHUP)
        until(lambda: state_of(svscan.pid) == "S", "it has looked")
    path.rmdir()
    tree.drain(svscan)
