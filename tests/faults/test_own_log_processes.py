"""Logs with a process of their own, whatever multilog it is: the doctor looks at them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.logs import content
from helpers.services import await_down, await_pid, is_supervised
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

from slashservice.installer import logs
from slashservice.installer.host.host import Host

pytestmark = pytest.mark.root

HELD = """
import fcntl, sys, time
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    time.sleep(1000)
"""

SCRIPTS = {
    "C": "exec /usr/bin/multilog t {path}\n",
    "C, not plain": "exec 2>&1\nexec setuidgid root /usr/bin/multilog t {path}\n",
    "ours": "{ours}/multilog t {path}\n",
    "ours, hosted": "exec {ours}/multilog t {path}\n",
}


@pytest.fixture(params=SCRIPTS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def add(kind: str, tree: Tree) -> Callable[[str, Path], Path]:
    """Return what adds a service whose log is written to a directory; it returns the log."""

    def make(name: str, path: Path) -> Path:
        text = SCRIPTS[kind].format(path=path, ours=tree.commands)
        return tree.add(name, SLEEP, "#!/bin/sh\n" + text) / "log"

    return make


def found(tree: Tree) -> list[str]:
    return [one.text for one in logs.troubles(Host("/"), str(tree.scan))]


def test_a_directory_that_is_locked_by_another(
    add: Callable[[str, Path], Path], kind: str, tree: Tree
) -> None:
    main = tree.root / "main"
    main.mkdir()
    holder = tree.start([sys.executable, "-c", HELD, str(main / "lock")])
    until((main / "lock").exists, "lock")

    def is_locked() -> bool:
        with (main / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    until(is_locked, "locked")
    add("web", main)
    svscan = tree.svscan()
    name = Path(f"/proc/{holder.pid}/comm").read_text().strip()
    told = f"{main} is locked by another process, {holder.pid} ({name})"
    hosted = f"unable to lock directory {main}: "
    until(lambda: found(tree), "found")
    if kind == "ours, hosted":
        until(lambda: any(hosted in one for one in found(tree)), "told")
    else:
        until(lambda: found(tree) == [told], "found")
    holder.kill()
    holder.wait()
    until((main / "current").exists, "logged to")
    until(lambda: found(tree) == [], "all is well")
    tree.drain(svscan)


def test_a_directory_that_was_removed(
    add: Callable[[str, Path], Path], kind: str, tree: Tree
) -> None:
    """Ours makes it again by itself; C's multilog has to be started again."""
    main = tree.root / "main"
    log = add("web", main)
    svscan = tree.svscan()
    before = await_pid(log)
    until((main / "current").exists, "logged to")
    until(lambda: found(tree) == [], "all is well")
    shutil.rmtree(main)
    if kind.startswith("ours"):
        assert found(tree) == []
        fd = os.open(log.parent / "supervise/pipe", os.O_RDWR)
        os.write(fd, b"line\n")
        os.close(fd)
        until(lambda: main.exists() and b" line\n" in content(main), "written")
    else:
        (told,) = found(tree)
        assert told.startswith(f"{main} was removed; ")
        subprocess.run(["/usr/bin/svc", "-t", log], check=True)
        await_pid(log, before)
        until((main / "current").exists, "made again")
    until(lambda: found(tree) == [], "all is well")
    tree.drain(svscan)


def test_an_unknown_account(tree: Tree) -> None:
    log = tree.add("web", SLEEP, "#!/bin/sh\nexec setuidgid nobody-at-all multilog t ./main\n")
    svscan = tree.svscan()
    until(lambda: found(tree), "found")
    want = f"{log}/log/run wants the account nobody-at-all, which is not there"
    assert found(tree) == [want]
    until(lambda: is_supervised(log / "log"), "supervised")
    subprocess.run(["/usr/bin/svc", "-d", log / "log"], check=True)
    await_down(log / "log")
    until(lambda: found(tree) == [], "it is not wanted")
    tree.drain(svscan)
