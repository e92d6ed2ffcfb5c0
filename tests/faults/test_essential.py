"""Services that all others end with, and those that end when all others have."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from helpers.services import await_down, await_pid, pid_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import GENEROUS, until

READY = "#!/bin/sh\n: >ready\nexec sleep 1000\n"
GO = "#!/bin/sh\n: >ready\nwhile [ ! -e go ]; do sleep 0.02; done\n{}\n"
ENDS = {"exit 0": 0, "exit 7": 7, "exit 100": 100, "exit 111": 111, "exit 255": 255}
SIGNALS = {f"kill -{number} $$": 128 + number for number in (1, 6, 9, 11, 15)}
"""What a run script does at its end, and what svscan exits with."""

DEAF = "#!/bin/sh\ntrap '' TERM\n: >ready\nwhile :; do sleep 0.1; done\n"


def svscan(tree: Tree, *options: str) -> subprocess.Popen[bytes]:
    return tree.start([str(tree.commands / "svscan"), *options, str(tree.scan)])


def essential(tree: Tree, name: str, run: str) -> Path:
    """Make a service that is essential, with a log."""
    path = tree.make(name, run)
    (path / "essential").touch()
    (tree.scan / name).symlink_to(path)
    return path


def is_ready(*services: Path) -> None:
    for service in services:
        until((service / "ready").exists, f"{service.name} has begun")


@pytest.mark.parametrize("end", [*ENDS, *SIGNALS])
def test_its_end_is_that_of_svscan(tree: Tree, end: str) -> None:
    other = tree.add("other", READY)
    path = essential(tree, "main", GO.format(end))
    (path / "go").touch()
    scanner = svscan(tree, "-e")
    assert scanner.wait(GENEROUS) == {**ENDS, **SIGNALS}[end]
    (line,) = tree.lines("essential")
    assert line.startswith("svscan: warning: main is essential and has ended (")
    assert not pid_of(other)


@pytest.mark.parametrize("run", [None, "#!/nonexistent\n"])
def test_what_can_not_be_run_ends_all_as_well(tree: Tree, run: str | None) -> None:
    path = essential(tree, "main", run or SLEEP)
    if run is None:
        (path / "run").chmod(0o644)
    assert svscan(tree, "-e").wait(GENEROUS) == 111


@pytest.mark.parametrize("word", ["-t", "-d", "-x"])
@pytest.mark.parametrize("script", ["", "exit 1", "kill $(cat supervise/pid); exit 0"])
def test_what_was_told_to_end_ends_nothing(tree: Tree, word: str, script: str) -> None:
    """Also by a control script in place of the signal."""
    path = essential(tree, "main", READY)
    if script:
        (path / "control").mkdir()
        (path / "control/t").write_text(f"#!/bin/sh\n{script}\n")
        (path / "control/t").chmod(0o755)
    scanner = svscan(tree, "-e")
    first = await_pid(path)
    is_ready(path)
    tree.svc("-dx" if word == "-x" else word, path)
    if word == "-t":
        await_pid(path, other_than=first)
    elif word == "-d":
        await_down(path)
    else:
        until(lambda: not pid_of(path), "it has ended")
    tree.drain(scanner)
    assert not tree.lines("essential")


def test_a_run_that_was_asked_for_once_counts(tree: Tree) -> None:
    path = essential(tree, "main", GO.format("exit 3"))
    (path / "down").touch()
    scanner = svscan(tree, "-e")
    until((path / "supervise/ok").exists, "it is supervised")
    tree.svc("-o", path)
    is_ready(path)
    assert scanner.poll() is None
    (path / "go").touch()
    assert scanner.wait(GENEROUS) == 3


def test_the_finish_script_is_run_before_all_end(tree: Tree) -> None:
    path = essential(tree, "main", GO.format("exit 9"))
    (path / "finish").write_text('#!/bin/sh\necho "$1" >finished\nexit 125\n')
    (path / "finish").chmod(0o755)
    (path / "go").touch()
    assert svscan(tree, "-e").wait(GENEROUS) == 9
    assert (path / "finished").read_text() == "9\n"


def test_the_first_end_counts(tree: Tree) -> None:
    """The second one ends since it was told to, by its own status."""
    first = essential(tree, "first", GO.format("exit 5"))
    trap = "#!/bin/sh\ntrap 'exit 6' TERM\n: >ready\nwhile :; do sleep 0.02; done\n"
    second = essential(tree, "second", trap)
    scanner = svscan(tree, "-e")
    is_ready(first, second)
    (first / "go").touch()
    assert scanner.wait(GENEROUS) == 5
    assert len(tree.lines("essential")) == 1


@pytest.mark.parametrize("options", [(), ("-e",)])
def test_neither_without_the_option_nor_for_a_log(tree: Tree, options: tuple[str, ...]) -> None:
    """A log that dies is started again, as ever."""
    path = tree.make("main", GO.format("exit 4"), "#!/bin/sh\nexec cat >/dev/null\n")
    part = path / "log" if options else path
    (part / "essential").touch()
    (tree.scan / "main").symlink_to(path)
    scanner = svscan(tree, *options)
    is_ready(path)
    first = await_pid(part)
    if options:
        tree.svc("-k", part)
    else:
        (path / "go").touch()
    await_pid(part, other_than=first)
    tree.drain(scanner)


def test_told_by_term_first_it_ends_with_0(tree: Tree) -> None:
    path = essential(tree, "main", READY)
    scanner = svscan(tree, "-e")
    is_ready(path)
    tree.drain(scanner)


LAST = """#!/bin/sh
trap 'ls ../*/gone 2>/dev/null >seen; : >gone; exit 0' TERM
: >ready
while :; do sleep 0.02; done
"""
OTHER = (
    "#!/bin/sh\ntrap 'sleep 0.3; : >gone; exit 0' TERM\n: >ready\nwhile :; do sleep 0.02; done\n"
)


@pytest.mark.parametrize("ends", ["TERM", "essential"])
def test_the_last_ones_wait_for_all_others(tree: Tree, ends: str) -> None:
    last = [tree.make(name, LAST) for name in ("a-last", "m-last", "z-last")]
    for path in last:
        (path / "down-last").touch()
        (tree.scan / path.name).symlink_to(path)
    others = [tree.add(name, OTHER, "#!/bin/sh\nexec cat >got\n") for name in ("b", "y")]
    main = essential(tree, "main", GO.format("exit 8"))
    scanner = svscan(tree, "-e")
    is_ready(*last, *others, main)
    if ends == "TERM":
        tree.drain(scanner)
    else:
        (main / "go").touch()
        assert scanner.wait(GENEROUS) == 8
    for path in last:
        seen = {Path(line).parent.name for line in (path / "seen").read_text().splitlines()}
        assert {"b", "y"} <= seen


@pytest.mark.parametrize("deaf", ["last", "other", "both"])
def test_what_does_not_end_is_killed_in_its_turn(tree: Tree, deaf: str) -> None:
    last = tree.make("last", DEAF if deaf != "other" else LAST)
    (last / "down-last").touch()
    (tree.scan / "last").symlink_to(last)
    other = tree.add("other", DEAF if deaf != "last" else READY)
    scanner = svscan(tree, "-g", "1")
    is_ready(last, other)
    scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(GENEROUS) == 0
    killed = {line.split()[2] for line in tree.lines("did not end within")}
    assert killed == {"last", "other"} if deaf == "both" else killed == {deaf}


def test_the_last_ones_have_their_time_where_others_took_almost_all(tree: Tree) -> None:
    """The others end a moment before they would be killed, and the last ones after that."""
    slow = (
        "#!/bin/sh\ntrap 'sleep {}; : >gone; exit 0' TERM\n: >ready\nwhile :; do sleep 0.02; done\n"
    )
    last = tree.make("last", slow.format(2.5))
    (last / "down-last").touch()
    (tree.scan / "last").symlink_to(last)
    other = tree.add("other", slow.format(1))
    scanner = svscan(tree, "-g", "3")
    is_ready(last, other)
    tree.drain(scanner)
    assert (other / "gone").exists() and (last / "gone").exists()
    assert not tree.lines("did not end within")


def test_only_last_ones(tree: Tree) -> None:
    path = tree.make("last", READY)
    (path / "down-last").touch()
    (tree.scan / "last").symlink_to(path)
    scanner = svscan(tree)
    is_ready(path)
    tree.drain(scanner)
