"""Ends of svscan: drained, hurried, left, as PID 1, and with services that don't cooperate."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.processes import catches, is_copy, kill, killed, runs, state_of
from helpers.services import await_in_place, await_pid, is_supervised, pid_of, status_of
from helpers.tree import MULTILOG, SLEEP, Tree
from helpers.waiting import until

from slashservice.supervise.protocol import scan_directory

CLOSING = """\
#!/bin/sh
trap 'for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo closing $n; done
    exit 0' TERM
echo up
while :; do sleep 0.1; done
"""


SLOW = """\
#!/bin/sh
trap 'trap "" TERM; : >closing; read go <go; : >closed; exit 0' TERM
: >started
while :; do sleep 0.1; done
"""
"""Takes as long to close as the test wants it to.

It does not wait for input: a signal just before the shell's ``read`` would wait for that, too.
"""


def current(path: Path) -> list[str]:
    try:
        return (path / "log/main/current").read_text().splitlines()
    except FileNotFoundError:
        return []


def slow(tree: Tree, name: str) -> Path:
    path = tree.make(name, SLOW)
    os.mkfifo(path / "go")
    (tree.scan / name).symlink_to(path)
    return path


def let_go(path: Path) -> None:
    def reader() -> int:
        try:
            return os.open(path / "go", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody waits for it (yet)
            return 0

    fd: int = until(reader, "it waits to be let go")
    os.write(fd, b"go\n")
    os.close(fd)


def test_what_services_say_while_they_close_is_in_their_logs(tree: Tree) -> None:
    paths = [tree.add(f"s{n}", CLOSING, MULTILOG) for n in range(10)]
    svscan = tree.svscan()
    until(lambda: all(current(path) for path in paths), "all up")
    tree.drain(svscan)
    for path in paths:
        assert current(path) == ["up", *(f"closing {n}" for n in range(1, 21))]
        assert (path / "log/main/current").stat().st_mode & 0o777 == 0o744, "not closed cleanly"
        assert not is_supervised(path)
    assert not tree.processes()


def test_a_second_term_hurries_nothing(tree: Tree) -> None:
    path = slow(tree, "slow")
    svscan = tree.svscan()
    until((path / "started").exists, "up")
    for _ in range(3):
        svscan.send_signal(signal.SIGTERM)
        until((path / "closing").exists, "closing")
        until(lambda: state_of(svscan.pid) == "S", "svscan has seen to it")
        assert svscan.poll() is None
    let_go(path)
    assert svscan.wait(timeout=30) == 0
    assert (path / "closed").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("seen", [0, 7, 15])
@pytest.mark.parametrize("hosted", [False, True])
def test_in_the_first_scan_after_a_kill(
    tree: Tree, hosted: bool, seen: int, number: signal.Signals
) -> None:
    """It brings down what the killed one has left, and starts nothing."""
    log = f"#!/bin/sh\nexec {tree.commands}/multilog ./main\n" if hosted else MULTILOG
    run = "#!/bin/sh\necho up >>starts\necho up\nexec sleep 1000\n"
    paths = [tree.add(f"s{index:02}", run, log) for index in range(24)]
    fresh = [tree.make(f"t{index:02}", run, log) for index in range(8)]
    svscan = tree.svscan()
    pids = [await_pid(path) for path in paths]
    pids += [await_pid(path / "log") for path in paths]
    killed(svscan)
    for path in fresh:
        (tree.scan / path.name).symlink_to(path)
    slowly = ["-e", "trace=flock", "-e", "inject=flock:delay_enter=20000"]
    svscan = tree.svscan(["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", *slowly])
    until(lambda: is_supervised(paths[seen]), "it is seen")
    svscan.send_signal(number)
    until(lambda: not any(map(runs, pids)), "all is down")
    if number == signal.SIGUSR1:
        svscan.send_signal(signal.SIGTERM)
    assert svscan.wait(timeout=30) == 0
    until(lambda: not tree.processes(), "nothing is left")
    assert not any((path / "starts").exists() for path in fresh)
    svscan = tree.svscan()
    for path in (*paths, *fresh):
        await_pid(path)
    for path in paths:
        until(lambda: current(path) == ["up", "up"], "its log has both")  # noqa: B023
        assert (path / "starts").read_text() == "up\nup\n"
    tree.drain(svscan)


def test_told_to_drain_while_another_one_runs_which_is_killed(tree: Tree) -> None:
    paths = [tree.add(f"s{number}", SLEEP, MULTILOG) for number in range(3)]
    first = tree.svscan()
    pids = [await_pid(part) for path in paths for part in (path, path / "log")]
    second = tree.svscan()
    until(lambda: catches(second.pid, signal.SIGUSR1), "it has started")
    second.send_signal(signal.SIGUSR1)
    killed(first)
    until(lambda: not any(map(runs, pids)), "all is down")
    assert second.poll() is None
    tree.drain(second)
    assert not tree.processes()


@pytest.mark.parametrize("program", ["svscan", "supervise"])
def test_killed_while_draining_the_next_goes_on_with_what_was_wanted(
    tree: Tree, program: str
) -> None:
    path = slow(tree, "slow")
    words = [str(tree.commands / program), str(tree.scan if program == "svscan" else path)]
    first = tree.start(words)
    until((path / "started").exists, "up")
    first.send_signal(signal.SIGTERM)
    until((path / "closing").exists, "closing")
    killed(first)
    closing = status_of(path)
    assert closing
    second = tree.start(words)
    until(lambda: is_supervised(path), "supervised again")
    for name in ("started", "closing"):
        (path / name).unlink()
    let_go(path)
    await_pid(path, other_than=closing.pid)
    until((path / "started").exists, "up again")
    assert (path / "closed").exists(), "closed in peace"
    second.send_signal(signal.SIGTERM)
    until((path / "closing").exists, "closing")
    let_go(path)
    assert second.wait(timeout=30) == 0


def test_killed_while_a_service_closes_the_next_does_not_send_term_again(tree: Tree) -> None:
    path = slow(tree, "slow")
    run = path / "run"
    run.write_text(SLOW.replace('trap "" TERM', 'trap ": >again; exit 1" TERM'))
    first = tree.svscan()
    until((path / "started").exists, "up")
    tree.svc("-d", path)
    until((path / "closing").exists, "closing")
    until(lambda: (now := status_of(path)) and now.termed, "svscan has noted it")
    killed(first)
    second = tree.svscan()
    until(lambda: is_supervised(path), "supervised again")
    until(lambda: state_of(second.pid) == "S", "svscan has seen to it")
    let_go(path)
    until(lambda: not pid_of(path), "down")
    assert (path / "closed").exists(), "closed in peace"
    assert not (path / "again").exists()
    tree.drain(second)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGQUIT", "SIGUSR1", "SIGHUP"])
def test_a_signal_is_obeyed_from_when_the_pid_is_known(tree: Tree, name: str) -> None:
    """Also before there are handlers: svscan is held back right after it wrote the pid."""
    words = ["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=/^rename"]
    svscan = tree.svscan([*words, "-e", "inject=/^rename:delay_exit=3s:when=1"])
    until(lambda: scan_directory.running(bytes(tree.scan)), "pid")
    svscan.send_signal(signal.Signals[name])
    if name in ("SIGTERM", "SIGQUIT"):
        assert svscan.wait(timeout=30) == 0
    else:
        tree.drain(svscan)


def test_quit_leaves_all_to_be_adopted(tree: Tree) -> None:
    plain = tree.add("plain")
    logged = tree.add("logged", SLEEP, MULTILOG)
    parts = (plain, logged, logged / "log")
    first = tree.svscan()
    pids = [await_pid(part) for part in parts]
    first.send_signal(signal.SIGQUIT)
    assert first.wait(timeout=30) == 0
    assert all(runs(pid) for pid in pids)
    second = tree.svscan()
    assert [await_pid(part) for part in parts] == pids
    kill(pids[0], signal.SIGKILL)
    await_pid(plain, other_than=pids[0])
    tree.drain(second)
    assert not any(runs(pid) for pid in pids)


def test_supervise_quits_and_adopts(tree: Tree) -> None:
    path = tree.make("s")
    first = tree.start([str(tree.commands / "supervise"), str(path)])
    pid = await_pid(path)
    tree.drain(first, signal.SIGQUIT)
    assert runs(pid)
    second = tree.start([str(tree.commands / "supervise"), str(path)])
    assert await_pid(path) == pid
    tree.drain(second)
    assert not runs(pid)


def test_usr1_drains_and_stays(tree: Tree) -> None:
    path = tree.add("s", SLEEP, MULTILOG)
    svscan = tree.svscan()
    await_pid(path)
    svscan.send_signal(signal.SIGUSR1)
    until(lambda: not is_supervised(path) and not is_supervised(path / "log"), "drained")
    assert svscan.poll() is None
    late = tree.add("late")
    svscan.send_signal(signal.SIGHUP)
    tree.drain(svscan)
    assert not (late / "supervise").exists(), "started although draining"


def test_hup_looks_again_where_the_kernel_tells_nothing(tree: Tree) -> None:
    deaf = ["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=inotify_init1"]
    svscan = tree.svscan([*deaf, "-e", "inject=inotify_init1:error=EMFILE"])
    until(lambda: scan_directory.running(bytes(tree.scan)), "svscan up")
    until(lambda: catches(svscan.pid, signal.SIGHUP), "svscan obeys")
    told = tree.add("told")
    svscan.send_signal(signal.SIGHUP)
    await_pid(told)
    await_pid(tree.add("untold"))  # by the scan every five seconds
    tree.drain(svscan)


def test_a_stray_that_holds_the_pipe_does_not_hold_up_the_end(tree: Tree) -> None:
    run = "#!/bin/sh\n/usr/bin/setsid sleep 1000 </dev/null &\necho $! >stray\nexec sleep 1000\n"
    path = tree.add("s", run, MULTILOG)
    svscan = tree.svscan()
    await_pid(path / "log")
    stray = until(lambda: await_pid(path) and (path / "stray").exists(), "up") and int(
        until((path / "stray").read_text, "stray")
    )
    tree.drain(svscan)
    assert runs(stray), "not ours to end"
    assert not is_supervised(path / "log")


def test_a_log_that_dies_of_every_line_gets_all_of_them(tree: Tree) -> None:
    log = '#!/bin/sh\nIFS= read -r line || exit 0\necho "$line" >>all\nkill -9 $$\n'
    run = "#!/bin/sh\ntrap 'echo b; echo c; exit' TERM\necho a\nwhile :; do sleep 0.1; done\n"
    path = tree.add("s", run, log)
    svscan = tree.svscan()
    until((path / "log/all").exists, "up")
    tree.drain(svscan)
    assert (path / "log/all").read_text() == "a\nb\nc\n"


@pytest.mark.parametrize(
    "log",
    [
        "no interpreter",
        "#!/bin/sh\nkill -STOP $$\n",
        "#!/bin/sh\ntrap '' TERM\n: >ready\nexec cat\n",
    ],
    ids=["can't be run", "stopped", "deaf to TERM"],
)
def test_a_log_that_does_not_read_does_not_hold_up_the_end(tree: Tree, log: str) -> None:
    path = tree.add("s", "#!/bin/sh\necho something\nexec sleep 1000\n", log)
    svscan = tree.svscan()
    await_pid(path)
    until(lambda: is_supervised(path / "log"), "log supervised")
    if log.startswith("#!"):
        await_in_place(path / "log")
    tree.drain(svscan)
    assert not tree.processes()


def test_paused_and_down_services_end_too(tree: Tree) -> None:
    paused, down = tree.add("paused", SLEEP, MULTILOG), tree.add("down", SLEEP, MULTILOG, down=True)
    svscan = tree.svscan()
    for path in (paused, paused / "log", down / "log"):
        await_pid(path)
    tree.svc("-p", paused)
    until(lambda: state_of(pid_of(paused)) == "T", "paused")
    tree.drain(svscan)
    assert not tree.processes()


@pytest.mark.root
def test_as_pid_1(tree: Tree) -> None:
    orphans = "for n in 1 2 3 4 5; do (sleep 0.01 &); done"
    path = tree.add("s", f"#!/bin/sh\n{orphans}\necho up\nexec sleep 1000\n", MULTILOG)
    unshare = tree.svscan(["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    until(lambda: current(path), "up")
    (pid,) = children(unshare.pid)

    def only_the_parts() -> bool:
        return len(children(pid)) == 2 and "Z" not in map(state_of, children(pid))

    until(only_the_parts, "orphans reaped")
    kill(pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):  # it may have ended by the first
        kill(pid, signal.SIGTERM)
    assert unshare.wait(timeout=30) == 0
    assert current(path) == ["up"]
    assert not tree.processes()


def children(pid: int) -> list[int]:
    """Return the children of a process, dead ones among them."""
    ps = ["/usr/bin/ps", "-o", "pid=", "--ppid", str(pid)]
    return [int(word) for word in subprocess.run(ps, capture_output=True).stdout.split()]


@pytest.mark.root
def test_as_pid_1_a_signal_is_kept_from_the_first_line_on(tree: Tree) -> None:
    """As soon as the signal is blocked, TERM drains: before svscan itself is even loaded."""
    for _ in range(5):
        unshare = tree.svscan(
            ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        )
        until(lambda: children(unshare.pid), "started")  # noqa: B023
        (pid,) = children(unshare.pid)

        def keeps_term(pid: int = pid) -> bool:
            if is_copy(pid):
                return False  # of unshare(1), which blocks it for a moment
            text = Path(f"/proc/{pid}/status").read_text()
            sets = [line.split()[1] for line in text.splitlines() if line[:6] in KEPT]
            return any(int(word, 16) >> (signal.SIGTERM - 1) & 1 for word in sets)

        until(keeps_term, "TERM is blocked, or caught")
        os.kill(pid, signal.SIGTERM)
        assert unshare.wait(timeout=30) == 0


KEPT = ("SigBlk", "SigCgt")
"""In proc(5): the signals that are blocked, and those that are caught."""


@pytest.mark.root
def test_as_pid_1_services_get_no_signal_blocked(tree: Tree) -> None:
    tree.add("a", "#!/bin/sh\ngrep SigBlk /proc/self/status >mask\nexec sleep 987\n")
    unshare = tree.svscan(["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    mask = tree.scan / "a/mask"
    until(lambda: mask.exists() and mask.read_text(), "it says what is blocked")
    assert int(mask.read_text().split()[1], 16) == 0
    (pid,) = children(unshare.pid)
    os.kill(pid, signal.SIGTERM)
    assert unshare.wait(timeout=30) == 0
