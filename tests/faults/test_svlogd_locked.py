"""A hosted svlogd whose directories others have locked, or it itself: it goes on with the rest."""

from __future__ import annotations

import fcntl
from pathlib import Path

from helpers.services import await_pid, contents, send
from helpers.tree import Tree
from helpers.waiting import until

LINES = b"".join(b"%06d %s\n" % (n, b"x" * 60) for n in range(2000))
"""More than a pipe takes."""

TALKS = f"""\
#!/bin/sh
i=0
while [ $i -lt 2000 ]; do
    printf '%06d {"x" * 60}\\n' $i
    i=$((i + 1))
done
: >wrote
exec sleep 1000
"""

SHAPES = {
    "twice": ("./main ./main", 1),
    "by another path": ("main ../log/main", 1),
    "three times": ("./main ./main/ ./main/.", 2),
    "the supervisor's": ("*", 1),
    "a stranger's first": ("./taken ./main", 1),
    "a stranger's last": ("./main ./taken", 1),
    "all at once": ("./taken supervise ./main main", 3),
}
"""What svlogd is told, and how many of these directories it has to leave out."""


def test_it_goes_on_with_the_rest(tree: Tree) -> None:
    """As runit's does, at once or in a while; and it takes what is free by then at HUP."""
    paths: dict[str, Path] = {}
    held = []
    for number, (shape, (words, _)) in enumerate(SHAPES.items()):
        log = f"#!/bin/sh\nexec {tree.commands}/svlogd {words}\n"
        path = paths[shape] = tree.make(f"s{number}", TALKS, log)
        (path / "log/main").mkdir()
        if "taken" in words:
            (path / "log/taken").mkdir()
            held.append((path / "log/taken/lock").open("w"))
            fcntl.flock(held[-1], fcntl.LOCK_EX)
        (tree.scan / path.name).symlink_to(path)
    svscan = tree.svscan()
    for shape, path in paths.items():
        until(lambda: contents(path / "log/main/current") == LINES, shape)  # noqa: B023
        until((path / "wrote").exists, f"{shape}: it waits for nobody")
    count = sum(left_out for _, left_out in SHAPES.values())
    warnings = [line for line in tree.lines("unable to lock") if line.startswith("svlogd: warning")]
    assert len(warnings) == count
    for lock in held:
        lock.close()
    path = paths["a stranger's first"]
    pid = await_pid(path)
    send(path / "log", b"h")
    until((path / "log/taken/current").exists, "HUP has it tried again")
    assert await_pid(path) == pid
    tree.drain(svscan)


def test_one_that_has_nothing_else_waits(tree: Tree) -> None:
    """It may be that of a log host that is about to end."""
    log = f"#!/bin/sh\nexec {tree.commands}/svlogd ./taken\n"
    path = tree.make("s", TALKS, log)
    (path / "log/taken").mkdir()
    with (path / "log/taken/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (tree.scan / "s").symlink_to(path)
        svscan = tree.svscan()
        until(lambda: tree.lines("unable to lock"), "it says for what it waits")
        assert not (path / "log/taken/current").exists()
    until(lambda: contents(path / "log/taken/current") == LINES, "all is there")
    tree.drain(svscan)
