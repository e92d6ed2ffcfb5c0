"""Descriptors, processes and disk space run out: one clear line, the rest goes on, it recovers."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.processes import kill, runs
from helpers.services import await_down, await_pid, is_supervised, pid_of, status_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

ACCOUNT = 54321
"""A uid that nobody else has: its limit of processes counts ours alone."""


def limited(*limits: str) -> list[str]:
    return ["/usr/bin/prlimit", *limits]


def supervised(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if is_supervised(path)]


def test_descriptors_exhausted(tree: Tree) -> None:
    """With room for some services, those are served; another's leaving makes room for one."""
    paths = [tree.add(f"s{n:02}", down=True) for n in range(30)]
    svscan = tree.svscan(limited("--nofile=100:100"))
    full = "process cannot open more files"
    until(lambda: len(supervised(paths)) + len(tree.lines(full)) == 30, "all tried")
    said = "".join(tree.lines(full))
    served = [path for path in paths if f" {path.name}/" not in said]
    assert 15 <= len(served) <= 25
    refused = [path for path in paths if path not in served]
    for path in refused:
        assert tree.lines(full).count(
            f"supervise: fatal: unable to acquire {path.name}/supervise/lock: {full}"
        )
    tree.svc("-u", *served)
    for path in served:
        await_pid(path)
    gone = served.pop()
    (tree.scan / gone.name).unlink()
    tree.svc("-dx", gone)
    until(lambda: len(supervised(refused)) == 1, "another has its place")
    pids = [pid_of(path) for path in served]
    assert len(tree.lines(full)) == len(refused), "each is said once"
    tree.svc("-t", *served)
    for path, pid in zip(served, pids, strict=True):
        await_pid(path, other_than=pid)
    tree.drain(svscan)
    assert not tree.processes()


def test_a_full_tree_is_adopted(tree: Tree) -> None:
    """Adopted services cost a descriptor more: no daemon is started twice, none is lost.

    There are new ones that would have been before them.
    """
    paths = [tree.add(f"s{n:02}") for n in range(30)]
    limit = limited("--nofile=100:100")
    first = tree.svscan(limit)
    # One that was refused may get a place that was in use for a start, and one that is tried again
    # may be seen for a moment: those are served that run.
    refused = "unable to acquire {}/supervise/lock: process cannot open more files"
    until(
        lambda: all(pid_of(path) or tree.lines(refused.format(path.name)) for path in paths),
        "all tried",
    )
    pids = {path: pid for path in paths if (pid := pid_of(path))}
    served = list(pids)
    assert 15 <= len(served) <= 25
    first.kill()
    first.wait()
    for n in range(5):
        tree.add(f"n{n}")
    second = tree.svscan(limit)
    # It has room for one more: it needs no descriptor for starting many.
    until(lambda: len(supervised(served)) == len(served), "all served again")
    for path in served:
        assert await_pid(path) == pids[path]
    for path in served:
        assert tree.workers(path) == [pids[path]]
    # Those that die are our own children from then on.
    tree.svc("-t", *served)
    for path in served:
        await_pid(path, other_than=pids[path])
    tree.drain(second)


def four_of(up: list[Path]) -> list[Path]:
    """Return what is up if that is four services; else nothing."""
    return up if len(up) == 4 else []


@pytest.mark.root
def test_no_more_processes(tree: Tree) -> None:
    """fork fails: one line, the rest keeps running, and it recovers."""
    os.chown(tree.scan, ACCOUNT, ACCOUNT)
    paths = [tree.add(f"s{n}") for n in range(6)]
    for path in paths:
        os.chown(path, ACCOUNT, ACCOUNT)
    user = ["/usr/bin/setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
    svscan = tree.svscan([*user, *limited("--nproc=5:5")])
    up = until(lambda: four_of([path for path in paths if pid_of(path)]), "some are up")
    pids = {path: pid_of(path) for path in up}
    starved = [path for path in paths if path not in up]
    for path in starved:
        until(lambda: tree.lines(f"fork for {path.name}"), "said so")  # noqa: B023
        said = f"supervise: warning: unable to fork for {path.name}, trying again in 5 seconds: "
        assert tree.lines(f"fork for {path.name}")[0].startswith(said)
    tree.svc("-d", *up[:2])
    for path in starved:
        await_pid(path)  # without being told
    assert [pid_of(path) for path in up[2:]] == [pids[path] for path in up[2:]]
    tree.drain(svscan)
    assert not tree.processes()


@pytest.mark.root
def test_the_disk_is_full(tree: Tree) -> None:
    """Nothing can be written: services go on, die, are started again and can be steered."""
    for name in ("s0", "s1"):
        tree.make(name)
    script = (
        f"mount -t tmpfs -o size=128k none '{tree.scan}' && cp -r '{tree.real}'/* '{tree.scan}' &&"
        ' exec "$@"'
    )
    unshare = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", script, "sh"]
    svscan = tree.svscan(unshare)
    inside = Path(f"/proc/{svscan.pid}/root{tree.scan}")
    paths = [inside / "s0", inside / "s1"]
    pids = [await_pid(path) for path in paths]
    with pytest.raises(OSError, match="No space left"), (inside / "big").open("wb") as big:
        while True:
            big.write(bytes(4096))
            big.flush()
    for path, pid in zip(paths, pids, strict=True):
        kill(pid, signal.SIGKILL)
        await_pid(path, other_than=pid)
    tree.svc("-d", paths[0])
    await_down(paths[0])
    now = status_of(paths[0])
    assert now and now.want == b"d"
    tree.svc("-u", paths[0])
    await_pid(paths[0])
    assert tree.says() == ""
    # A service that has no status file yet can have none: that is said, once for each news.
    tree.make("new").rename(tree.real / "late")
    (inside / "late").symlink_to(tree.real / "late")
    await_pid(inside / "late")
    svscan.kill()
    svscan.wait()
    for pid in until(lambda: [p for p in tree.processes() if runs(p)], "left running"):
        kill(pid, signal.SIGKILL)


@pytest.mark.root
def test_a_service_we_may_not_signal(tree: Tree) -> None:
    """Without the right to signal other accounts: nothing happens, as in C; nobody falls."""
    run = "#!/bin/sh\nexec /usr/bin/setpriv --reuid=54321 --clear-groups sleep 1000\n"
    path = tree.add("s", run)
    other = tree.add("other")
    weak = ["/usr/bin/setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]
    svscan = tree.svscan(weak)
    pid = await_pid(path)
    until(lambda: os.stat(f"/proc/{pid}").st_uid == ACCOUNT, "under its account")
    before = await_pid(other)
    tree.svc("-t", path)
    tree.svc("-t", other)
    before = await_pid(other, other_than=before)
    assert svscan.poll() is None
    assert pid_of(path) == pid
    svscan.kill()
    svscan.wait()
    adopting = tree.svscan(weak)
    assert await_pid(other) == before
    tree.svc("-t", path)
    tree.svc("-t", other)
    await_pid(other, other_than=before)
    assert adopting.poll() is None
    assert pid_of(path) == pid
    assert "internal error" not in tree.says()


@pytest.mark.root
@pytest.mark.parametrize("program", ["svscan", "supervise"])
def test_without_proc(tree: Tree, program: str) -> None:
    """No /proc, as early in a boot or in a bare chroot: all works but the adoption."""
    path = tree.add("s", SLEEP)
    hide = 'mount -t tmpfs none /proc && exec "$@"'
    words = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", hide, "sh"]
    target = tree.scan if program == "svscan" else path
    supervisor = tree.start([*words, str(tree.commands / program), str(target)])
    pid = await_pid(path)
    tree.svc("-t", path)
    await_pid(path, other_than=pid)
    tree.drain(supervisor)
    assert tree.says() == ""
    assert not tree.processes()
