"""What the processes of a service use, whatever they do to get out of sight."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.processes import runs
from helpers.services import await_pid
from helpers.tree import Tree
from helpers.waiting import until

from slashservice.supervise.platform import cgroups, usage

BUSY = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"

ENOUGH = 0.3
"""Seconds of processor time. So much nobody uses who only waits."""

SHAPES = {
    "itself": f"#!/bin/sh\nwhile :; do {BUSY}; done\n",
    "a child": f"#!/bin/sh\nsh -c 'while :; do {BUSY}; done' & wait\n",
    "a session of its own": f"#!/bin/sh\nsetsid sh -c 'while :; do {BUSY}; done' & wait\n",
    "a grandchild in the background": f"#!/bin/sh\n(sh -c 'while :; do {BUSY}; done' &)\n"
    "exec sleep 1000\n",
    "children that end": f"#!/bin/sh\nwhile :; do sh -c '{BUSY}'; done\n",
}


def seconds(pid: int, svscan: int) -> float:
    """Return the processor time of a service."""
    found = usage.of({pid}, svscan)
    return found[pid].seconds if pid in found else 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_it_does_counts(tree: Tree, shape: str) -> None:
    path = tree.add("it", SHAPES[shape])
    quiet = tree.add("quiet")
    svscan = tree.svscan()
    pid, other = await_pid(path), await_pid(quiet)
    until(lambda: seconds(pid, svscan.pid) > ENOUGH, "it has used some time")
    assert seconds(other, svscan.pid) < ENOUGH
    found = usage.of({pid, other}, svscan.pid)
    assert found[pid].memory > 0 and found[other].processes == 1


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group; it is skipped where none can be made."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    top = next((Path(words[1]) for words in mounts if words[2] == "cgroup2"), None)
    made = (top or Path("/nowhere")) / f"slashservice-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / "cgroup.procs").read_text()
    except OSError as why:
        pytest.skip(f"no control group can be made here: {why}")
    try:
        yield made
    finally:
        until(lambda: is_removed(made), "the group is empty, and gone")


def is_removed(path: Path) -> bool:
    """Remove a group, as soon as it is empty."""
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()


@pytest.mark.root
def test_a_control_group_has_those_that_went_away(group: Path, tree: Tree) -> None:
    """Who leaves session and parent is out of sight otherwise."""
    leaves = f"(setsid sh -c 'echo $$ >left; while :; do {BUSY}; done' &)\n"
    path = tree.add("it", f"#!/bin/sh\necho $$ >{group}/cgroup.procs\n{leaves}exec sleep 1000\n")
    lost = tree.add("lost", f"#!/bin/sh\n{leaves}exec sleep 1000\n")
    svscan = tree.svscan()
    pid, other = await_pid(path), await_pid(lost)
    for one in (path, lost):
        until(lambda: (one / "left").exists() and (one / "left").read_text(), "it left")  # noqa: B023
    assert cgroups.own({pid, other}, svscan.pid) == {pid: os.fsencode(group)}
    until(lambda: seconds(pid, svscan.pid) > ENOUGH, "its time is known")
    found = usage.of({pid, other}, svscan.pid)
    assert (found[pid].processes, found[other].processes) == (2, 1)
    left = int((path / "left").read_text())
    before = found[pid].seconds
    subprocess.run(["kill", "-9", str(left)], check=True)
    until(lambda: not runs(left), "it is gone")
    assert seconds(pid, svscan.pid) >= before, "the time of what has ended counts"
    subprocess.run(["kill", "-9", (lost / "left").read_text().strip()], check=True)
