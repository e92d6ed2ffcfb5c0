"""What happens to an sv that waits when svscan is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.processes import kill, runs
from helpers.services import (
    await_in_place,
    await_pid,
    in_status,
    is_supervised,
    pid_of,
    status_of,
)
from helpers.tree import Tree
from helpers.waiting import GENEROUS, until

STUBBORN = "#!/bin/sh\ntrap '' TERM\n: >ready\nwhile :; do sleep 0.05; done\n"


def waiting(tree: Tree, *words: str | Path) -> subprocess.Popen[bytes]:
    """Start an sv that has patience."""
    argv = [str(tree.commands / "sv"), "-w", str(int(GENEROUS)), *map(str, words)]
    process = subprocess.Popen(argv, stdout=-1, stderr=-1)
    tree.started.append(process)
    return process


@pytest.mark.parametrize("command", ["stop", "restart", "exit", "check"])
def test_it_says_so_at_once(tree: Tree, command: str) -> None:
    path = tree.add("s", STUBBORN)
    svscan = tree.svscan()
    await_in_place(path)
    if command == "check":
        (path / "check").write_text("#!/bin/sh\nexit 1\n")
        (path / "check").chmod(0o755)
    client = waiting(tree, command, path)
    if command == "check":
        until(lambda: os.path.exists(f"/proc/{client.pid}/fd/5"), "it waits")
    else:
        until(lambda: status_of(path).termed, "TERM is sent")  # type: ignore[union-attr]
    svscan.kill()
    svscan.wait()
    out, err = client.communicate(timeout=GENEROUS)
    gone = (0, b"ok") if command == "exit" else (1, b"fail")
    assert (client.returncode, err) == (gone[0], b"")
    assert out == gone[1] + b": %s: runsv not running\n" % os.fsencode(path)
    assert runs(in_status(path)), "the service runs on"


def test_a_restart_goes_on_under_the_next_svscan(tree: Tree) -> None:
    """The order was given: the next svscan has the service, and another sv sees the end of it."""
    path = tree.add("s", STUBBORN)
    svscan = tree.svscan()
    await_in_place(path)
    pid = pid_of(path)
    first = waiting(tree, "stop", path)
    until(lambda: status_of(path).termed, "TERM is sent")  # type: ignore[union-attr]
    svscan.kill()
    svscan.wait()
    first.communicate(timeout=GENEROUS)
    assert first.returncode == 1
    tree.svscan()
    until(lambda: is_supervised(path), "it is adopted")
    second = waiting(tree, "restart", path)
    until(lambda: status_of(path).want == b"u", "it is told")  # type: ignore[union-attr]
    kill(pid, signal.SIGKILL)
    out, _ = second.communicate(timeout=GENEROUS)
    assert second.returncode == 0
    assert out.startswith(b"ok: run: %s: (pid %d) " % (os.fsencode(path), await_pid(path, pid)))
