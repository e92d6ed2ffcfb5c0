"""What others may have left in, or done to, a supervise directory."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.processes import kill, killed, runs, state_of
from helpers.services import await_down, await_pid, is_supervised, pid_of, status_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

from slashservice.supervise import tai
from slashservice.supervise.platform import linux
from slashservice.supervise.protocol.record import LENGTH
from slashservice.supervise.protocol.status import Status

COUNT_STARTS = "#!/bin/sh\necho $$ >>starts\nexec sleep 1000\n"


def starts(path: Path) -> list[int]:
    try:
        return [int(word) for word in (path / "starts").read_text().split()]
    except FileNotFoundError:
        return []


def test_random_bytes_into_the_control_fifo(tree: Tree) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    random_ = random.Random(seed)
    paths = [tree.add(f"s{n}") for n in range(5)]
    svscan = tree.svscan()
    for path in paths:
        await_pid(path)
    bystander = paths.pop()
    pid = pid_of(bystander)
    for _ in range(200):
        noise = random_.randbytes(random_.randrange(1, 3000)).translate(None, b"xX")
        fd = os.open(random_.choice(paths) / "supervise/control", os.O_WRONLY)
        os.write(fd, noise)
        os.close(fd)
    for path in paths:
        tree.svc("-cu", path)
        until(
            lambda: (
                (now := status_of(path))  # noqa: B023
                and now.want == b"u"
                and not now.paused
                and runs(now.pid)
                and state_of(now.pid) != "T"
            ),
            "up, whatever it was told",
        )
    assert pid_of(bystander) == pid
    assert tree.says() == ""
    tree.drain(svscan)


def test_someone_else_reads_the_control_fifo(tree: Tree) -> None:
    path = tree.add("s")
    svscan = tree.svscan()
    pid = await_pid(path)
    thief = tree.start(["/usr/bin/cat", str(path / "supervise/control")])
    for _ in range(300):
        tree.svc("-c", path)
    killed(thief)
    tree.svc("-t", path)
    await_pid(path, other_than=pid)
    tree.drain(svscan)


def stranger(tree: Tree, not_at: int) -> subprocess.Popen[bytes]:
    """A process that is nobody's daemon, in a session of its own, started at another tick."""
    until(lambda: linux.now() > not_at + 1, "the next tick")
    return tree.start(["/usr/bin/sleep", "1000"], start_new_session=True, cwd="/")


RECORDS: dict[str, Callable[[bytes, int], bytes]] = {
    "empty": lambda record, other: b"",
    "cut short": lambda record, other: record[:20],
    "too long": lambda record, other: record + b"more\n",
    "zeros": lambda record, other: bytes(len(record)),
    "noise": lambda record, other: random.Random(1).randbytes(len(record)),
    "of another boot": lambda record, other: replaced(record, 2, b"0-0/1"),
    "pid reused": lambda record, other: replaced(record, 0, b"%d" % other),
    "pid reused, start unknown": lambda record, other: replaced(
        replaced(record, 0, b"%d" % other), 1, b"0"
    ),
    "pid gone, start unknown": lambda record, other: replaced(
        replaced(record, 0, b"4194303"), 1, b"0"
    ),
    "huge": lambda record, other: replaced(replaced(record, 0, b"9" * 40), 1, b"0"),
    "negative": lambda record, other: replaced(record, 0, b"-1"),
    "process 1": lambda record, other: replaced(record, 0, b"1"),
    "intent long ago": lambda record, other: replaced(replaced(record, 0, b"0"), 1, b"1"),
    "intent in the future": lambda record, other: replaced(replaced(record, 0, b"0"), 1, b"9" * 30),
}


def replaced(record: bytes, at: int, word: bytes) -> bytes:
    words = record.split()
    words[at] = word
    return b" ".join(words).ljust(LENGTH - 1) + b"\n"


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS.keys())
def test_a_record_that_names_no_process_of_ours(
    tree: Tree, change: Callable[[bytes, int], bytes]
) -> None:
    path = tree.add("s", COUNT_STARTS)
    svscan = tree.svscan()
    pid = await_pid(path)
    other = stranger(tree, linux.started(pid))
    killed(svscan)
    kill(pid, signal.SIGKILL)
    until(lambda: not runs(pid), "daemon dead")
    lock = path / "supervise/lock"
    lock.write_bytes(change(lock.read_bytes(), other.pid))
    svscan = tree.svscan()
    second = await_pid(path, other_than=pid)
    assert second != other.pid
    until(lambda: len(starts(path)) == 2, "it says so itself")
    tree.svc("-d", path)
    await_down(path)
    assert starts(path) == [pid, second]
    assert runs(other.pid)
    tree.drain(svscan)
    assert runs(other.pid)


STATUSES = {
    "empty": b"",
    "short": bytes(17),
    "daemontools'": Status(tai.now(), 1, False, b"u").pack()[:18],
    "zeros": bytes(20),
    "ones": b"\xff" * 20,
    "long": b"u" * 5000,
    "foreign": Status(tai.now(), 1, True, b"z").pack(),
}


@pytest.mark.parametrize("data", STATUSES.values(), ids=STATUSES.keys())
def test_a_status_file_of_someone_else(tree: Tree, ours: Path, data: bytes) -> None:
    path = tree.add("s", COUNT_STARTS)
    svscan = tree.svscan()
    pid = await_pid(path)
    killed(svscan)
    (path / "supervise/status").write_bytes(data)
    for svstat in (ours / "svstat", Path("/usr/bin/svstat")):
        subprocess.run([svstat, path], check=True, capture_output=True)
    svscan = tree.svscan()
    until(lambda: pid_of(path) == pid, "adopted")
    tree.svc("-cu", path)
    until(lambda: (now := status_of(path)) and now.want == b"u" and not now.paused, "up")
    assert starts(path) == [pid]
    tree.drain(svscan)


def make_file(path: Path) -> None:
    path.write_text("not what it was")


def make_socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS = {
    "file": make_file,
    "directory": Path.mkdir,
    "fifo": os.mkfifo,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "null": lambda path: path.symlink_to("/dev/null"),
    "socket": make_socket,
}


@pytest.mark.parametrize("name", ["lock", "control", "ok", "status", "status.new", "pipe"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_something_else_in_place_of_a_file(
    tree: Tree, name: str, kind: Callable[[Path], None]
) -> None:
    path = tree.make("bad", SLEEP, "#!/bin/sh\nexec cat\n")
    wrong = path / "supervise" / name
    wrong.parent.mkdir()
    kind(wrong)
    (tree.scan / "bad").symlink_to(path)
    good = tree.add("good")
    svscan = tree.svscan()
    await_pid(good)
    until(lambda: "bad" in tree.says() or pid_of(path), "said, or up all the same")
    pid = pid_of(path)
    if wrong.is_dir() and not wrong.is_symlink():
        wrong.rmdir()
    elif not pid:
        wrong.unlink(missing_ok=True)
    # Put right, it is tried again by itself; a status file is written when there is news.
    until(lambda: is_supervised(path), "supervised")
    pid = await_pid(path)
    tree.svc("-t", path)
    await_pid(path, other_than=pid)
    assert svscan.poll() is None
    assert "internal error" not in tree.says()
    assert len(tree.says().splitlines()) <= 3, "said and said again"
    tree.drain(svscan)


def test_files_replaced_while_it_runs(tree: Tree) -> None:
    """The FIFO that svscan holds is not the one clients find: nothing breaks, and it recovers."""
    path = tree.add("s")
    svscan = tree.svscan()
    pid = await_pid(path)
    for name in ("control", "ok", "status"):
        (path / "supervise" / name).unlink()
        (path / "supervise" / name).mkdir()
    kill(pid, signal.SIGKILL)
    until(lambda: tree.lines("rename"), "complaint about the status file")
    until(lambda: len(tree.workers(path)) == 1, "started again")
    for name in ("control", "ok", "status"):
        (path / "supervise" / name).rmdir()
    killed(svscan)
    svscan = tree.svscan()
    assert [await_pid(path)] == tree.workers(path)
    tree.drain(svscan)


@pytest.mark.root
def test_a_read_only_supervise_directory(tree: Tree) -> None:
    fresh = tree.add("fresh")
    used = tree.add("used", COUNT_STARTS)
    (fresh / "supervise").mkdir()
    svscan = tree.svscan()
    pid = await_pid(used)
    await_pid(fresh)
    until(lambda: starts(used) == [pid], "it says so itself")
    tree.drain(svscan)
    shutil.rmtree(fresh / "supervise")
    (fresh / "supervise").mkdir()
    good = tree.add("good")
    mounts = "; ".join(
        f"mount --bind '{p}' '{p}' && mount -o remount,bind,ro '{p}'"
        for p in (fresh / "supervise", used / "supervise")
    )
    said = tree.said.stat().st_size
    svscan = tree.svscan(["/usr/bin/unshare", "-m", "/bin/sh", "-c", mounts + '; exec "$@"', "sh"])
    await_pid(good)
    until(lambda: "unable to acquire fresh/supervise/lock: read-only" in tree.says(), "line")
    until(lambda: "unable to acquire used/supervise/lock: read-only" in tree.says(), "line")
    assert len(tree.says()[said:].splitlines()) == 2, "each complaint once"
    assert not pid_of(used)
    assert starts(used) == [pid]
    tree.drain(svscan)
