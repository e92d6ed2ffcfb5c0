"""How a service ends, while its supervisor is killed: before each system call, and at any moment.

No finish script is lost or run twice, none overlaps a run, no timeout is forgotten, and what has
failed for good stays down.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.processes import kill, runs
from helpers.services import contents, is_supervised, pid_of, status_of, write_script
from helpers.tree import Tree
from helpers.waiting import until

from slashservice.supervise.protocol import deaths

SEED = int(os.environ.get("SLASHSERVICE_SEED", "0")) or random.randrange(1, 1 << 32)
"""Printed by a failing test; put it into the environment to have the same again."""

RUN = """\
#!/bin/sh
echo run $$ >>trace
trap 'echo end $$ {code} >>trace; exit {code}' TERM
trap 'echo end $$ 9 >>trace; kill -9 $$' INT
{body}
"""

WAIT = "while :; do read -r x <>quiet; done"

STUBBORN = """\
#!/bin/sh
trap '' TERM
echo run $$ >>trace
while :; do read -r x <>quiet; done
"""

FINISH = """\
#!/bin/sh
echo finish $1 $2 $3 $4 >>trace
{body}
echo done $4 >>trace
exit {code}
"""

LIFE = re.compile(
    r"(?:run (?P<pid>\d+)\n(?:end (?P=pid) \d+\n)?finish -?\d+ \d+ \S+ (?P=pid)\ndone (?P=pid)\n"
    r"|finish -1 15 \S+ (?P<early>\d+)\ndone (?P=early)\n)*"
    r"(?:run \d+\n)?\Z"
)
"""What a trace looks like whatever happens: a finish script for each run, and then the next run.

TERM may come before a run script has said anything.
"""


class Case(NamedTuple):
    """A service, what is done to it, and what it must come to."""

    run: str
    finish: str
    files: dict[str, str]
    order: str
    settled: Callable[[Path], bool]


def trace(path: Path) -> str:
    return os.fsdecode(contents(path / "trace"))


def is_down(path: Path) -> bool:
    now = status_of(path)
    return is_supervised(path) and now is not None and now.pid == 0


def ended(path: Path) -> bool:
    return is_down(path) and trace(path).endswith("\n") and "run" in trace(path)


def finished(path: Path) -> bool:
    return ended(path) and "done" in trace(path).splitlines()[-1]


def has_finished(path: Path) -> bool:
    """Tell whether it was finished; svscan brings back what has exited."""
    return "done" in trace(path)


def runs_again(path: Path) -> bool:
    """Tell whether it was finished, and started again."""
    found = trace(path)
    now = status_of(path)
    started = found.splitlines()[-1:] == [f"run {now.pid}"] if now else False
    return "done" in found and started


def has_failed(path: Path) -> bool:
    """Tell whether it stays down; or was started again, as nobody was told how it ended."""
    if finished(path) and (path / "supervise/failed").exists():
        return True
    last = deaths.read(os.fsencode(path / "supervise/deaths"), 1)
    return runs_again(path) and last[0].status == deaths.UNKNOWN


def has_failed_to_finish(path: Path) -> bool:
    """Tell whether it stays down. The exit code of a finish script is in memory for a moment."""
    return has_failed(path) or runs_again(path)


def is_lost(path: Path) -> bool:
    """Tell whether the order was taken, and then svscan killed before it was on record."""
    now = status_of(path)
    done = now is None or now.want == b"d" or now.termed or not runs(now.pid)
    return is_supervised(path) and not done and "end" not in trace(path).splitlines()[-1]


PLAIN = RUN.format(code=3, body=WAIT)
QUICK = FINISH.format(code=0, body="")
SLOW = FINISH.format(code=0, body="sleep 0.2")

CASES = {
    "it dies": Case(PLAIN, QUICK, {}, "kill", runs_again),
    "it dies, and finish takes a while": Case(PLAIN, SLOW, {}, "kill", runs_again),
    "down": Case(PLAIN, QUICK, {}, "d", finished),
    "exit": Case(PLAIN, QUICK, {}, "dx", has_finished),
    "down by another signal": Case(PLAIN, QUICK, {"down-signal": "SIGINT\n"}, "d", finished),
    "down by kill": Case(STUBBORN, QUICK, {"timeout-kill": "200\n"}, "d", finished),
    "term, then kill": Case(STUBBORN, QUICK, {"timeout-kill": "200\n"}, "t", runs_again),
    "run fails for good": Case(PLAIN.replace("3", "100"), QUICK, {}, "kill", has_failed),
    "finish fails for good": Case(
        PLAIN, FINISH.format(code=125, body=""), {}, "kill", has_failed_to_finish
    ),
    "down, with control scripts": Case(
        PLAIN,
        QUICK,
        {"control/t": "#!/bin/sh\nsleep 0.1\nexit 1\n", "control/d": "#!/bin/sh\nexit 0\n"},
        "d",
        finished,
    ),
}

KERNEL = tuple(map(int, os.uname().release.split(".")[:2]))

CALLS = ("openat", "pwrite64", "rename", "clone", "kill")


def give(path: Path, order: str) -> None:
    """Do what the case says: kill the process, or send letters."""
    if order == "kill":
        os.kill(pid_of(path), signal.SIGTERM)
        return
    control = os.open(path / "supervise/control", os.O_WRONLY)
    os.write(control, order.encode())
    os.close(control)


def make(tree: Tree, name: str, case: Case) -> Path:
    path = tree.make(name, case.run)
    os.mkfifo(path / "quiet")
    for file, text in case.files.items():
        (path / file).parent.mkdir(exist_ok=True)
        write_script(path / file, text)
    write_script(path / "finish", case.finish)
    (tree.scan / name).symlink_to(path)
    return path


def well(path: Path) -> None:
    """Check all that holds at any time."""
    found = trace(path)
    assert LIFE.match(found), found
    pids = [line.split()[1] for line in found.splitlines() if line.startswith("run")]
    noted = [str(death.pid) for death in deaths.read(os.fsencode(path / "supervise/deaths"))]
    assert len(noted) == len(set(noted)), "no death is noted twice"
    assert set(noted) >= set(pids[:-1]), "each death is noted"


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_killed_before_each_call(tree: Tree, name: str) -> None:
    case = CASES[name]
    struck = sum(kill_at_each(tree, case, call) for call in CALLS)
    assert struck >= 3


def kill_at_each(tree: Tree, case: Case, call: str) -> int:
    """Kill svscan at its first ``call``, then at the second, as long as there are."""
    for number in count(1):
        path = make(tree, f"{call}{number}", case)
        first = tree.svscan()
        until(lambda: "run" in trace(path) and pid_of(path), "up")  # noqa: B023
        inject = f"inject={call}:signal=KILL:when={number}"
        words = ["/usr/bin/strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        tracer = tree.start([*words, "-p", str(first.pid)])
        about = Path(f"/proc/{first.pid}/status")
        until(lambda: b"TracerPid:\t0\n" not in about.read_bytes(), "traced")  # noqa: B023
        give(path, case.order)
        until(lambda: first.poll() is not None or case.settled(path), "killed, or done")  # noqa: B023
        survived = first.poll() is None
        tracer.terminate()
        tracer.wait()
        if survived:
            first.kill()
        first.wait()
        second = tree.svscan()
        until(lambda: is_supervised(path), "supervised")  # noqa: B023
        if not survived and case.order != "kill" and is_lost(path):
            give(path, case.order)
        until(lambda: case.settled(path), f"before {call} {number}: settled")  # noqa: B023
        well(path)
        tree.drain(second)
        well(path)
        (tree.scan / path.name).unlink()
        if survived:
            break
    return number - 1


@pytest.mark.slow
def test_a_finish_script_that_hangs_is_killed_by_the_next(tree: Tree) -> None:
    """Its time begins anew, but it has a limit."""
    hangs = FINISH.format(code=0, body=WAIT)
    case = Case(PLAIN, hangs, {"timeout-finish": "300\n"}, "d", finished)
    path = make(tree, "hangs", case)
    first = tree.svscan()
    until(lambda: "run" in trace(path) and pid_of(path), "up")
    first.send_signal(signal.SIGSTOP)
    first.send_signal(signal.SIGCONT)
    give(path, "d")
    until(lambda: "finish" in trace(path), "it hangs")
    kill(first.pid, signal.SIGKILL)
    first.wait()
    second = tree.svscan()
    until(lambda: is_down(path), "killed")
    assert trace(path).count("finish") == 1
    assert not tree.workers(path) or until(lambda: not tree.workers(path), "gone")
    tree.drain(second)


@pytest.mark.slow
def test_killed_at_any_moment(tree: Tree) -> None:
    rng = random.Random(SEED)
    print("seed", SEED)
    body = """\
sleep "0.$(od -An -N1 -tu1 /dev/urandom | tr -d " ")"
c=$(cat code)
echo end $$ $c >>trace
[ $c = 9 ] && kill -9 $$
exit $c
"""
    paths = []
    for number in range(12):
        finish = FINISH.format(code=0, body=f"sleep 0.0{number}")
        code = rng.choice([0, 1, 3, 9, 111])
        case = Case(RUN.format(code=3, body=body), finish, {"code": f"{code}\n"}, "", ended)
        paths.append(make(tree, f"s{number}", case))
    for _ in range(25):
        scanner = tree.svscan()
        until(lambda: all(map(is_supervised, paths)), "supervised")
        end = time.monotonic() + rng.uniform(0, 0.7)
        until(lambda: time.monotonic() > end, "some time")  # noqa: B023
        scanner.kill()
        scanner.wait()
    scanner = tree.svscan()
    until(lambda: all(map(is_supervised, paths)), "supervised")
    for path in paths:
        give(path, "o")
    until(lambda: all(map(finished, paths)), "all down")
    known = 0
    for path in paths:
        well(path)
        assert trace(path).count("run") > 3
        ends = dict(re.findall(r"end (\d+) (\d+)", trace(path)))
        for code, low, pid in re.findall(r"finish (-?\d+) (\d+) \S+ (\d+)", trace(path)):
            said = (code, low)
            truth = ("-1", "9") if ends[pid] == "9" else (ends[pid], "0")
            assert said in (truth, ("-1", "0")), "the truth, or nothing"
            known += said == truth
    assert known > 12
    tree.drain(scanner)
    assert not any(runs(pid_of(path)) for path in paths)


@pytest.mark.parametrize("end", ["exit 0", "exit 7", "exit 255", "kill -9 $$", "kill -14 $$"])
def test_how_an_adopted_one_ended_is_told(tree: Tree, end: str) -> None:
    """Its parent is PID 1 by then; since Linux 6.15 others are told, too."""
    path = tree.add("service", f"#!/bin/sh\necho run $$ >>trace\nread -r x <>quiet\n{end}\n")
    os.mkfifo(path / "quiet")
    (path / "down").touch()
    first = tree.svscan()
    until(lambda: is_supervised(path), "supervised")
    give(path, "o")
    until(lambda: trace(path), "up")
    first.kill()
    first.wait()
    second = tree.svscan()
    until(lambda: is_supervised(path) and pid_of(path), "adopted")
    with (path / "quiet").open("w") as quiet:
        quiet.write("\n")
    until(lambda: is_down(path), "dead")
    (death,) = deaths.read(os.fsencode(path / "supervise/deaths"))
    word, number = end.replace("kill -", "signal ").split()[:2]
    assert death.words() in (f"{word} {number}".encode(), b"unknown")
    if KERNEL >= (6, 15):
        assert death.words() != b"unknown"
    assert death.seconds is not None
    tree.drain(second)


@pytest.mark.parametrize("whole", [False, True])
def test_a_drain_kills_what_has_had_its_time(tree: Tree, whole: bool) -> None:
    """With flag-timeout-killpg, its process group as well."""
    run = "#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! >>child\nsleep 1000 &\nwait\nwait\nwait\n"
    path = tree.make("service", run)
    (path / "timeout-kill").write_text("200\n")
    if whole:
        (path / "flag-timeout-killpg").touch()
    (tree.scan / "service").symlink_to(path)
    scanner = tree.svscan()
    until(lambda: contents(path / "child").endswith(b"\n"), "up")
    child = int(contents(path / "child"))
    tree.drain(scanner)
    assert tree.lines("service takes too long: killed")
    (death,) = deaths.read(os.fsencode(path / "supervise/deaths"))
    assert death.words() == b"signal 9"
    if whole:
        until(lambda: not runs(child), "the child as well")
    else:
        assert runs(child)


@pytest.mark.parametrize("letter", ["u", "o"])
def test_what_has_failed_is_started_when_told_so(tree: Tree, letter: str) -> None:
    run = "#!/bin/sh\necho run >>trace\n[ -e well ] || exit 100\nexec sleep 1000\n"
    path = tree.add("service", run)
    scanner = tree.svscan()
    until(lambda: (path / "supervise/failed").exists() and is_down(path), "failed")
    scanner.kill()
    scanner.wait()
    scanner = tree.svscan()
    until(lambda: is_down(path), "it stays down")
    assert tree.lines("service/run has exited 100: it stays down until told to start")
    (path / "well").touch()
    give(path, letter)
    until(lambda: trace(path) == "run\nrun\n", "started once more")
    until(lambda: pid_of(path), "up")
    assert not (path / "supervise/failed").exists()
    tree.drain(scanner)


def test_a_log_that_exits_100_is_started_again(tree: Tree) -> None:
    log = "#!/bin/sh\necho run >>trace\nexit 100\n"
    path = tree.add("service", "#!/bin/sh\nexec sleep 1000\n", log)
    scanner = tree.svscan()
    until(lambda: trace(path / "log").count("run") > 1, "started again")
    tree.drain(scanner)


def test_finish_and_timeouts_of_a_log(tree: Tree) -> None:
    log = "#!/bin/sh\ntrap '' TERM\necho run $$ >>trace\nwhile :; do read -r x <>quiet; done\n"
    path = tree.make("service", "#!/bin/sh\nexec sleep 1000\n", log)
    os.mkfifo(path / "log/quiet")
    (path / "log/timeout-kill").write_text("200")
    write_script(path / "log/finish", QUICK)
    (tree.scan / "service").symlink_to(path)
    scanner = tree.svscan()
    until(lambda: "run" in trace(path / "log"), "up")
    give(path / "log", "d")
    until(lambda: finished(path / "log"), "finished")
    well(path / "log")
    assert "finish -1 9 service/log" in trace(path / "log")
    tree.drain(scanner)


@pytest.mark.parametrize("where", ["finish", "control/t", "timeout-kill"])
def test_where_supervise_is_elsewhere_a_change_is_seen(tree: Tree, where: str) -> None:
    path = tree.make("service", STUBBORN)
    os.mkfifo(path / "quiet")
    (path / "control").mkdir()
    (path / "supervise").symlink_to(tree.root / "elsewhere")
    (tree.scan / "service").symlink_to(path)
    scanner = tree.svscan()
    until(lambda: "run" in trace(path), "up")
    if where == "timeout-kill":
        (path / where).write_text("200\n")
    else:
        write_script(path / where, f"#!/bin/sh\necho {where} >>trace\n")
    # It is looked at a while after the change.
    if where == "finish":
        until(lambda: finish_is_run(path), "run")
    elif where == "control/t":
        until(lambda: told_to_end(path) and where in trace(path), "run", pause=0.2)
    else:
        until(lambda: told_to_end(path) and trace(path).count("run") > 1, "killed", pause=0.2)
    give(path, "dk")
    scanner.kill()


def told_to_end(path: Path) -> bool:
    give(path, "t")
    return True


def finish_is_run(path: Path) -> bool:
    """Have its process die, and tell whether the finish script was run since."""
    give(path, "k")
    now = trace(path).count("run")
    until(lambda: trace(path).count("run") > now, "started again")
    return "finish" in trace(path)
