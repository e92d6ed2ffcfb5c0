"""What others write is mutated, at a fixed seed: nothing dies of it, hangs, or is mistaken.

``SLASHSERVICE_SEED`` and ``SLASHSERVICE_SECONDS`` are for other cases, and for more of them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
from pathlib import Path

import pytest
from helpers import fuzz
from helpers.fuzz import Mutator
from helpers.processes import kill, killed
from helpers.services import await_pid, pid_of
from helpers.tree import Tree
from helpers.waiting import until

SEED = int(os.environ.get("SLASHSERVICE_SEED", "1"))
SECONDS = float(os.environ.get("SLASHSERVICE_SECONDS", "1.5"))


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_mutations(name: str, tmp_path: Path) -> None:
    end = time.monotonic() + SECONDS
    for number in itertools.count():
        fuzz.case(name, SEED, number, tmp_path)
        if time.monotonic() > end:
            break


def test_what_is_on_disk_when_svscan_starts(tree: Tree) -> None:
    """Records and status files that name a stranger: he is not signalled, and all come up."""
    draw = Mutator(SEED)
    paths = [tree.add(f"s{n}") for n in range(4)]
    stranger = tree.start(["/usr/bin/sleep", "1000"], start_new_session=True, cwd="/")
    end = time.monotonic() + 3 * SECONDS
    while time.monotonic() < end:
        svscan = tree.svscan()
        pids = [await_pid(path) for path in paths]
        for path in paths:
            for letters in (b"pctahi12q", bytes(255)):
                noise = draw.mutate(letters).translate(None, b"xdok")
                fd = os.open(path / "supervise/control", os.O_WRONLY)
                os.write(fd, noise[:2000])
                os.close(fd)
        until(lambda: all(map(pid_of, paths)), "all are up")
        killed(svscan)
        for path, pid in zip(paths, pids, strict=True):
            for worker in tree.workers(path):
                kill(worker, 9)
            until(lambda: not tree.workers(path), "all are dead")  # noqa: B023
            lock, status = path / "supervise/lock", path / "supervise/status"
            text = lock.read_bytes()
            theirs = text.replace(b"%d" % pid, b"%d" % stranger.pid, 1)
            lock.write_bytes(draw.mutate(theirs)[: len(text) - 1].ljust(len(text) - 1) + b"\n")
            # What was wanted is believed, so it is not mutated.
            status.write_bytes(draw.mutate(status.read_bytes()[:17], 2)[:17].ljust(17) + b"u\0\0")
    svscan = tree.svscan()
    for path in paths:
        until(lambda: tree.workers(path) == [pid_of(path)], f"{path} is up, once")  # noqa: B023
    tree.drain(svscan)
    assert stranger.poll() is None, "the stranger was signalled"
    assert not tree.lines("internal error")


def test_anything_in_a_scan_directory(tree: Tree) -> None:
    """Odd entries, there at the start and coming and going: a service beside them is not hurt."""
    draw = Mutator(SEED)
    precious = tree.root / "precious"
    precious.write_text("secret")
    service = tree.add("s")
    here = os.fsencode(tree.scan)
    plants(draw, here, os.fsencode(precious), 30)
    svscan = tree.svscan()
    pid = await_pid(service)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        plants(draw, here, os.fsencode(precious), 10)
        entries = sorted(set(os.listdir(here)) - {b"s"})
        for name in draw.random.sample(entries, len(entries) // 3):
            remove(os.path.join(here, name))
        svscan.send_signal(1)
    other = tree.add("after")
    await_pid(other)
    assert pid_of(service) == pid
    assert precious.read_text() == "secret"
    tree.drain(svscan)
    assert not tree.lines("internal error") and not tree.lines("Traceback")


def plants(draw: Mutator, folder: bytes, precious: bytes, count: int) -> None:
    names = (b"plain", b"\xff\xfe", b"new\nline", b"-x", b"n" * 255, b"a b", b"log", b".dot", b"%s")
    for _ in range(count):
        name = draw.mutate(draw.one(*names), 2).translate(None, b"/\0")[:255]
        path = os.path.join(folder, name)
        if name not in (b"", b".", b"..", b"s", b"after") and not os.path.lexists(path):
            fuzz.plant(draw, path, precious)


def remove(path: bytes) -> None:
    """Remove a file, or a directory with all in it, even if somebody makes more in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)
