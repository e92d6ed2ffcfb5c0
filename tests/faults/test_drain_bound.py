"""A drain ends, whatever a service and its log do; what did not end in time is named."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.disks import enlarge, on_small_disk
from helpers.hosted import Hosted
from helpers.processes import comm, kill, runs
from helpers.services import await_in_place, await_pid, is_supervised, pid_of, status_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import GENEROUS, until

GRACE = 2

DEAF = "#!/bin/sh\ntrap '' TERM\n: >ready\nwhile :; do sleep 0.1; done\n"
QUIET = "#!/bin/sh\n: >ready\nexec sleep 1000\n"
STUBBORN = DEAF.replace(":", "echo up\n:", 1)
STOPPED = "#!/bin/sh\necho up\ntrap '' TERM CONT\nwhile :; do kill -STOP $$; done\n"
STRAY = """\
#!/bin/sh
(trap '' TERM HUP; exec setsid sh -c 'echo $$ >stray; : >ready; exec sleep 1000' </dev/null) &
exec sleep 1000
"""
SERVICES = {"quiet": QUIET, "stubborn": STUBBORN, "stopped": STOPPED, "stray": STRAY}
"""How a service behaves when it is to end."""

KILLED = {"stubborn", "stopped"}
"""Those that only KILL ends."""

LOGS = {
    "none": None,
    "own": "#!/bin/sh\nexec /usr/bin/multilog ./main\n",
    "hosted": "#!/bin/sh\nexec {commands}/multilog ./main\n",
    "deaf": DEAF,
    "stopped": "#!/bin/sh\ntrap '' TERM CONT\nwhile :; do kill -STOP $$; done\n",
}
"""How a log service does."""

WITH_TRAPS = ("deaf", "stopped")
"""The logs that have traps."""


def svscan(tree: Tree, prefix: Sequence[str] = (), grace: int = GRACE) -> subprocess.Popen[bytes]:
    """Start svscan with a bound of its own."""
    words = [str(tree.commands / "svscan"), "-g", str(grace), str(tree.scan)]
    return tree.start([*prefix, *words])


def log_script(tree: Tree, log: str) -> str | None:
    """The run script of that kind of log, None for no log."""
    script = LOGS[log]
    return script and script.format(commands=tree.commands)


def named(tree: Tree, name: str, what: str = "killed") -> bool:
    """Tell whether there is just one line that names a part."""
    line = f"svscan: warning: {name} did not end within {GRACE} seconds: {what}"
    return [one.startswith(line) for one in tree.lines(f": {name} did")] == [True]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("stay", [False, True], ids=["ends", "stays"])
def test_whatever_services_and_their_logs_do(tree: Tree, log: str, stay: bool) -> None:
    """All kinds of services at once, beside each other, with one kind of log."""
    script = log_script(tree, log)
    paths = {name: tree.add(name, run, script) for name, run in SERVICES.items()}
    scanner = svscan(tree)
    pids = [await_pid(path) for path in paths.values()]
    await_in_place(*paths.values())
    if log in WITH_TRAPS:
        await_in_place(*(path / "log" for path in paths.values()))
    stray = int((paths["stray"] / "stray").read_text())
    for name in KILLED:
        if log in ("own", "hosted"):
            current = paths[name] / "log/main/current"
            until(lambda: current.exists() and current.read_text() == "up\n", "it runs")  # noqa: B023
    if stay:
        scanner.send_signal(signal.SIGUSR1)
        parts = [part for path in paths.values() for part in (path, path / "log")]
        until(lambda: not any(map(is_supervised, parts)), "all is down")
        scanner.send_signal(signal.SIGTERM)
    else:
        scanner.send_signal(signal.SIGTERM)
        scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert not any(map(runs, pids))
    assert runs(stray), "not ours to end"
    kill(stray, signal.SIGKILL)
    until(lambda: not tree.processes(), "nothing is left")
    holds = tree.lines("stray has left a process that holds the pipe to its log")
    assert len(holds) == (log != "none")
    late = {name for name in SERVICES if tree.lines(f": {name} did not end")}
    assert late == KILLED
    assert all(named(tree, name) for name in KILLED)
    late_logs = {name for name in SERVICES if tree.lines(f": {name}/log did not end")}
    assert late_logs == (set(SERVICES) if log in WITH_TRAPS else set())
    assert all(named(tree, f"{name}/log") for name in late_logs)


def test_what_is_not_held_up_is_not_hurried(tree: Tree) -> None:
    """A service that needs longer than the bound of another svscan has it, without one."""
    path = tree.add("s", DEAF.replace("''", "'sleep 3; echo closed >closed; exit'"))
    scanner = svscan(tree, grace=0)
    await_in_place(path)
    tree.drain(scanner)
    assert (path / "closed").exists()
    assert not tree.lines("did not end")


def test_svscan_answers_during_a_drain(tree: Tree) -> None:
    path = tree.add("s", STUBBORN)
    scanner = svscan(tree, grace=1000)
    pid = await_pid(path)
    await_in_place(path)
    scanner.send_signal(signal.SIGTERM)
    until(lambda: (now := status_of(path)) and now.termed, "told")
    tree.svc("-k", path)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert not runs(pid)
    assert not tree.lines("did not end")


@pytest.mark.root
@pytest.mark.parametrize("kind", ["hosted", "own"])
def test_a_full_disk_under_a_log(hosted: Hosted, kind: str) -> None:
    """The next svscan brings every line into the log, those in the pipe included."""
    tree = hosted.tree
    log = hosted.add("s", "./main")
    if kind == "own":
        (log / "run").write_text(own(tree, "./main"))
    (log / "main").mkdir()
    disk = tree.start([*on_small_disk(log / "main"), "sleep", "1000"])
    until(lambda: comm(disk.pid) == "sleep", "mounted")
    inside = ["nsenter", f"--mount=/proc/{disk.pid}/ns/mnt"]
    lines = [b"%06d %s\n" % (n, b"x" * 90) for n in range(1200)]
    scanner = svscan(tree, inside)
    await_pid(log)
    hosted.write("s", b"".join(lines))
    until(lambda: tree.lines("unable to write"), "the disk is full")
    close_pipes(hosted)
    scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert named(tree, "s/log")
    assert not is_supervised(log)
    enlarge(disk.pid, log / "main")
    after = svscan(tree, inside)
    main = Path(f"/proc/{disk.pid}/root{log / 'main'}")
    until(lambda: said(main).endswith(lines[-1]), "all that was in the pipe")
    if kind == "hosted":
        assert said(main) == b"".join(lines)
    tree.drain(after)


def own(tree: Tree, actions: str) -> str:
    """A log service that is not hosted."""
    return f"#!/bin/sh\ntrue\nexec {tree.commands}/multilog {actions}\n"


def close_pipes(hosted: Hosted) -> None:
    for fd in hosted.pipes.values():
        os.close(fd)
    hosted.pipes.clear()


def said(main: Path) -> bytes:
    """What is in all files of a log, in their order."""
    files = [*sorted(main.glob("@*")), main / "current"]
    return b"".join(file.read_bytes() for file in files if file.exists())


@pytest.mark.parametrize("kind", ["hosted", "own"])
def test_a_log_directory_that_was_removed(hosted: Hosted, kind: str) -> None:
    tree = hosted.tree
    log = hosted.add("s", "s4096 n5 ./main")
    if kind == "own":
        (log / "run").write_text(own(tree, "s4096 ./main"))
    scanner = svscan(tree)
    hosted.write("s", b"first\n")
    hosted.arrives("s", b"first\n")
    for file in (log / "main").iterdir():
        file.unlink()
    (log / "main").rmdir()
    hosted.write("s", b"".join(b"%03d\n" % n for n in range(3000)))
    close_pipes(hosted)
    scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert not is_supervised(log)
    until(lambda: not tree.processes(), "nothing is left")


def test_a_log_host_that_does_not_answer(hosted: Hosted) -> None:
    """Its account can stop it: what was said is in the journal or pipe, and comes later."""
    tree = hosted.tree
    logs = {name: hosted.add(name, "./main") for name in ("a", "b")}
    scanner = svscan(tree)
    for name in logs:
        hosted.write(name, b"before\n")
        hosted.arrives(name, b"before\n")
    host = hosted.host("a")
    kill(host, signal.SIGSTOP)
    lines = b"".join(b"%d\n" % n for n in range(5000))
    for name in logs:
        hosted.write(name, lines)
    close_pipes(hosted)
    scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert not runs(host)
    assert all(named(tree, f"{name}/log") for name in logs)
    after = svscan(tree)
    for name in logs:
        hosted.arrives(name, b"4999\n")
        assert said(logs[name] / "main") == b"before\n" + lines
        assert not (logs[name].parent / "supervise/pipe.unread").exists()
    tree.drain(after)


@pytest.mark.parametrize("stay", [False, True], ids=["ends", "stays"])
@pytest.mark.parametrize("log", ["none", "own", "hosted"])
def test_what_even_kill_does_not_end_is_left_to_the_next(tree: Tree, log: str, stay: bool) -> None:
    """A process in D state; here its signals are lost, as that state can't be had at will."""
    script = log_script(tree, log)
    path = tree.add("s", SLEEP, script)
    other = tree.add("other", SLEEP, script)
    words = ["strace", "-D", "-qq", "-o", "/dev/null", "-e", "inject=kill:retval=0"]
    scanner = svscan(tree, words)
    pid = await_pid(path)
    await_pid(other)
    if log != "none":
        until(lambda: pid_of(path / "log"), "log up")
    scanner.send_signal(signal.SIGUSR1 if stay else signal.SIGTERM)
    if stay:
        until(lambda: not is_supervised(path) and not is_supervised(path / "log"), "all let go")
        scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert runs(pid)
    assert named(tree, "s", f"left running, process {pid}")
    assert named(tree, "other", "left running, process ")
    after = svscan(tree)
    until(lambda: is_supervised(path), "supervised again")
    assert await_pid(path) == pid, "adopted"
    tree.drain(after)
    assert not runs(pid)


def test_the_bound_is_kept(tree: Tree) -> None:
    """Each part that does not end costs its seconds once, not one after another."""
    for n, log in itertools.product(range(4), WITH_TRAPS):
        tree.add(f"{log}{n}", STUBBORN, LOGS[log])
    scanner = svscan(tree)
    for path in tree.scan.iterdir():
        await_in_place(path, path / "log")
    begun = time.monotonic()
    scanner.send_signal(signal.SIGTERM)
    assert scanner.wait(timeout=GENEROUS) == 0
    assert time.monotonic() - begun < GENEROUS / 2
    late = {path.name for path in tree.scan.iterdir() if named(tree, path.name)}
    assert len(late) == 8
