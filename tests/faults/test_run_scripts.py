"""Run scripts that can't be run, and what becomes of them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.processes import kill, runs
from helpers.services import await_down, await_pid, contents, pid_of, write_script
from helpers.tree import SLEEP, Tree
from helpers.waiting import until


def not_executable(run: Path) -> None:
    run.write_text(SLEEP)
    run.chmod(0o644)


def of_no_format(run: Path) -> None:
    write_script(run, "no interpreter named\n")


def empty(run: Path) -> None:
    write_script(run, "")


def without_interpreter(run: Path) -> None:
    write_script(run, "#!/no/such/interpreter\n")


def binary_noise(run: Path) -> None:
    run.write_bytes(b"\x7fELF" + bytes(200))
    run.chmod(0o755)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda run: None, "file does not exist"),
    "directory": (Path.mkdir, "access denied"),
    "not executable": (not_executable, "access denied"),
    "of no format": (of_no_format, "exec format error"),
    "empty": (empty, "exec format error"),
    "noise": (binary_noise, "exec format error"),
    "without interpreter": (without_interpreter, "file does not exist"),
    "dangling link": (lambda run: run.symlink_to("nowhere"), "file does not exist"),
    "link to itself": (lambda run: run.symlink_to("run"), "symbolic link loop"),
}


def remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("when", ["at first", "later"])
def test_run_scripts_that_cannot_be_run(tree: Tree, when: str) -> None:
    """Started in bulk by the first scan, or one by one: each is said, and does no harm."""
    good = tree.add("good")
    lines = {}
    for number, (break_, why) in enumerate(BROKEN.values()):
        path = tree.make(f"bad{number}")
        remove(path / "run")
        break_(path / "run")
        lines[path] = f"supervise: fatal: unable to start {path.name}/run: {why}"
    if when == "later":
        svscan = tree.svscan()
        await_pid(good)
    for path in lines:
        (tree.scan / path.name).symlink_to(path)
    if when == "at first":
        svscan = tree.svscan()
    pid = await_pid(good)
    for line in lines.values():
        until(lambda: len(tree.lines(line)) >= 3, f"{line}, again and again")  # noqa: B023
    tree.svc("-d", *lines)
    for path in lines:
        await_down(path)
    # None is started any more; each would have said so before this one is up again.
    said = tree.said.stat().st_size
    tree.svc("-t", good)
    pid = await_pid(good, other_than=pid)
    assert tree.said.stat().st_size == said
    for path in lines:
        remove(path / "run")
        write_script(path / "run", SLEEP)
    tree.svc("-u", *lines)
    for path in lines:
        await_pid(path)
    assert pid_of(good) == pid
    tree.drain(svscan)
    assert not tree.processes()


def test_it_does_not_spin(tree: Tree) -> None:
    """A service that dies at once, or can't be run, is started once a second."""
    dies = tree.add("dies", "#!/bin/sh\necho died >&2\n")
    broken = tree.add("broken", "broken")
    metronome = tree.add("metronome", "#!/bin/sh\necho tick >&2\nexec sleep 1\n")
    svscan = tree.svscan()
    until(lambda: len(tree.lines("tick")) >= 4, "some seconds passed")
    for part in ("died", "broken"):
        assert 2 <= len(tree.lines(part)) <= 5, tree.says()
    for path in (dies, broken, metronome):
        tree.svc("-d", path)
    tree.drain(svscan)


def test_replaced_and_deleted_while_it_runs(tree: Tree) -> None:
    path = tree.add("s")
    svscan = tree.svscan()
    pid = await_pid(path)
    write_script(path / "run", "#!/bin/sh\n: >new\nexec sleep 1000\n")
    assert runs(pid)
    tree.svc("-t", path)
    pid = await_pid(path, other_than=pid)
    until((path / "new").exists, "the new script runs")
    (path / "run").unlink()
    kill(pid, signal.SIGKILL)
    await_down(path)
    until(lambda: tree.lines("unable to start s/run: file does not exist"), "said why")
    write_script(path / "run", SLEEP)
    await_pid(path)
    tree.drain(svscan)


def test_supervise_alone_with_a_broken_run_script(tree: Tree) -> None:
    path = tree.make("s", "broken")
    supervise = tree.start([str(tree.commands / "supervise"), str(path)])
    until(lambda: len(tree.lines("run: exec format error")) >= 2, "tried again")
    write_script(path / "run", SLEEP)
    await_pid(path)
    tree.drain(supervise)
    assert not tree.processes()


def test_run_scripts_that_ask_how_they_are(tree: Tree) -> None:
    """Many that start at once: each finds a status, as under supervise, at its very first start."""
    run = "#!/bin/sh\n/usr/bin/svstat . >said 2>&1\nexec sleep 1000\n"
    services = [tree.add(f"s{number}", run) for number in range(60)]
    tree.svscan()
    for service in services:
        until(lambda: contents(service / "said").endswith(b"\n"), "it has asked")  # noqa: B023
        assert re.fullmatch(
            rb"\.: (up \(pid \d+\)|down) \d+ seconds.*\n", contents(service / "said")
        )
