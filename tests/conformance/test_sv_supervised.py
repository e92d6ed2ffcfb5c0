"""Our sv on services that run: below runit's runsvdir, and our svscan."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.processes import kill, runs
from helpers.services import (
    RECORDER,
    Outcome,
    await_down,
    await_pid,
    contents,
    in_status,
    is_down,
    is_supervised,
    make_service,
    pid_of,
    run,
    send,
    status_of,
    write_script,
)
from helpers.waiting import GENEROUS, until

STUBBORN = "#!/bin/sh\ntrap '' TERM\n: >ready\nwhile :; do sleep 0.05; done\n"

READER = "#!/bin/sh\nexec cat >/dev/null\n"

NAMES = ("theirs", "ours")

LIMIT = str(int(GENEROUS))


class World(NamedTuple):
    """A scan directory under some supervisor, and the programs to steer it with."""

    supervisor: str
    scan: Path
    process: subprocess.Popen[bytes]
    programs: dict[str, Path]

    def add(self, name: str, script: str = RECORDER, log: bool = False) -> Path:
        """Make a service, and wait until it runs."""
        home = make_service(self.scan.parent / "real" / name, script, READER if log else None)
        (self.scan / name).symlink_to(home)
        await_pid(home)
        if log:
            await_pid(home / "log")
        until(lambda: in_place(home), f"{home} is in place")
        return home

    def sv(self, *words: str | bytes | Path, program: str = "ours") -> Outcome:
        """Run sv."""
        return run(self.programs[program], *words, cwd="/", env=self.env())

    def env(self) -> dict[bytes, bytes]:
        return {b"SVDIR": os.fsencode(self.scan), b"PATH": os.defpath.encode()}

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start our sv, and return it while it runs."""
        argv = [str(self.programs["ours"]), *words]
        return subprocess.Popen(argv, cwd="/", env=self.env(), stdout=-1, stderr=-1)


@pytest.fixture(scope="module", params=["runsvdir", "svscan"])
def world(
    request: pytest.FixtureRequest, oracle: Path, ours: Path, world_dir: Path
) -> Iterator[World]:
    top = world_dir / f"sv-{request.param}"
    (top / "services").mkdir(parents=True)
    (top / "real").mkdir()
    words: dict[str, list[str | Path]] = {
        "runsvdir": [oracle / "runsvdir", "-P"],
        "svscan": [ours / "svscan"],
    }
    process = subprocess.Popen(
        [*words[request.param], top / "services"],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    programs = {"theirs": oracle / "sv", "ours": ours / "sv"}
    try:
        yield World(request.param, top / "services", process, programs)
    finally:
        homes = list((top / "real").iterdir())
        for home in homes:
            (top / "services" / home.name).unlink(missing_ok=True)
            send(home, b"kdkxk")
        for home in homes:
            until(lambda: gone(home), f"{home} is left alone")  # noqa: B023
        process.send_signal(signal.SIGTERM)
        process.wait(GENEROUS)


def gone(home: Path) -> bool:
    """Have a service end, and tell whether it has."""
    send(home, b"kx")
    return not is_supervised(home)


def plain(words: bytes) -> bytes:
    """Return what sv says, with pids, times and the names of services made equal."""
    words = re.sub(rb"\(pid \d+\) \d+s", b"(pid P) Ns", words)
    words = re.sub(rb": \d+s", b": Ns", words)
    return re.sub(rb"(theirs|ours)[a-z0-9-]*", b"NAME", words)


STEPS = [
    *("up", "down", "once", "pause", "hup", "alarm", "interrupt", "quit", "1", "2", "term", "kill"),
    *("start", "stop", "reload", "restart", "try-restart", "check", "force-stop", "force-reload"),
    *("force-restart", "status", "T", "D"),
]


@pytest.mark.parametrize("ending", ["nothing", "finish"])
def test_both_say_the_same(world: World, ending: str) -> None:
    """Any commands, one after another, each to a service of its own."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    homes = {name: world.add(f"{name}-walk-{ending}", log=True) for name in NAMES}
    if ending == "finish":
        for home in homes.values():
            write_script(home / "finish", "#!/bin/sh\nsleep 0.05\n")
    done: list[str] = []
    while len(done) < 20:
        step = dice.choice(STEPS)
        now = status_of(homes["ours"])
        assert now is not None
        if step == "once" and world.supervisor == "svscan":
            continue  # theirs waits for ever
        if step == "check" and now.pid and now.want != b"u":
            continue  # that of Debian does not wait for a one-shot to end
        for word in [step, "cont"] if step == "pause" else [step]:
            done.append(word)
            said = {}
            before = plain(world.sv("status", homes["theirs"].name).out).partition(b"; ")[0]
            for name, home in homes.items():
                outcome = world.sv("-w", "20", word, home.name, program=name)
                until(lambda: settled(home), f"{done} is over")  # noqa: B023
                said[name] = outcome.status, plain(outcome.out), outcome.err
            theirs = said["theirs"][1]
            # It takes how it was before for what was asked, or how it is on the way there.
            if theirs != b"ok: %b\n" % before and not theirs.startswith(b"ok: finish: "):
                assert said["ours"] == said["theirs"], f"{done} (seed {seed})"


def in_place(home: Path) -> bool:
    """Tell whether the process of a service is where TERM, and no other signal, ends it."""
    pid = pid_of(home)
    said = contents(home / "signals")
    return pid != 0 and ((home / "ready").exists() or b"start %d\n" % pid in said)


def settled(home: Path) -> bool:
    """Tell whether nothing is under way."""
    now = status_of(home)
    if now is None or now.termed:
        return False
    return in_place(home) if now.pid else now.want != b"u"


def test_a_restart_is_over_when_another_process_runs(world: World) -> None:
    home = world.add("again")
    for command in ("restart", "restart", "force-restart", "try-restart", "restart"):
        before = in_status(home)
        outcome = world.sv("-w", LIMIT, command, "again")
        assert outcome.status == 0, outcome
        now = int(re.findall(rb"pid (\d+)", outcome.out)[0])
        assert now != before
        assert runs(now)


def test_once_and_exit_have_an_end(world: World) -> None:
    home = world.add("ending", log=True)
    outcome = world.sv("-w", LIMIT, "once", "ending")
    assert (outcome.status, outcome.out[:16]) == (0, b"ok: run: ending:")
    assert status_of(home).want != b"u"  # type: ignore[union-attr]
    pid = pid_of(home)
    outcome = world.sv("-w", LIMIT, "exit", "ending")
    assert outcome == Outcome(0, b"ok: ending: runsv not running\n", b"")
    assert not runs(pid)
    assert await_pid(home, other_than=pid), "it is still linked, so it comes back"
    world.sv("exit", "ending")
    until(lambda: pid_of(home) != pid, "it obeys though nobody waits")


def test_a_one_shot(world: World) -> None:
    home = world.add("shot")
    world.sv("-w", LIMIT, "down", "shot")
    write_script(home / "run", "#!/bin/sh\necho x >>runs\n")
    for number in (1, 2):
        outcome = world.sv("-w", LIMIT, "once", "shot")
        assert outcome.status == 0, outcome
        until(lambda: contents(home / "runs") == b"x\n" * number, "it has run")  # noqa: B023
        await_down(home)
    assert world.sv("check", "shot").out.startswith(b"ok: down: shot:")


def test_time_is_up(world: World) -> None:
    home = world.add("stubborn", STUBBORN)
    pid = pid_of(home)
    late = b"timeout: run: stubborn: (pid P) Ns, want down, got TERM"
    assert world.sv("-w", "0", "stop", "stubborn").status == 1
    until(lambda: status_of(home).termed, "TERM is sent")  # type: ignore[union-attr]
    outcome = world.sv("-w", "0", "stop", "stubborn", "./stubborn", "nowhere")
    lines = sorted(plain(outcome.out).splitlines())
    assert (outcome.status, len(lines), lines[-1]) == (3, 3, late)
    assert pid_of(home) == pid
    outcome = world.sv("-w", "0", "force-stop", "stubborn")
    assert (outcome.status, plain(outcome.out)) == (1, late.replace(b"timeout", b"kill") + b"\n")
    await_down(home)
    assert world.sv("-w", LIMIT, "start", "stubborn").status == 0
    assert runs(in_status(home))


@pytest.mark.parametrize("world", ["runsvdir"], indirect=True)
def test_the_supervisor_dies_meanwhile(world: World) -> None:
    """The end of svscan is in tests/faults/test_sv_killed.py."""
    home = world.add("orphaned", STUBBORN)
    daemon = pid_of(home)
    waiting = world.start("-w", LIMIT, "stop", "orphaned")
    until(lambda: status_of(home).termed, "TERM is sent")  # type: ignore[union-attr]
    (world.scan / "orphaned").rename(world.scan.parent / "aside")
    (world.scan.parent / "aside").unlink()
    supervisor = int(Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1])
    kill(supervisor, signal.SIGKILL)
    try:
        out, _ = waiting.communicate(timeout=GENEROUS)
        # The link has gone as well, which may be seen first.
        assert re.match(rb"fail: orphaned: (runsv not running|unable to change to)", out)
        assert waiting.returncode == 1
    finally:
        kill(daemon, signal.SIGKILL)


def test_the_service_dies_meanwhile(world: World) -> None:
    """A restart is over though the new process was killed, and another one came."""
    home = world.add("fragile", STUBBORN)
    first = pid_of(home)
    waiting = world.start("-w", LIMIT, "restart", "fragile")
    until(lambda: status_of(home).termed, "TERM is sent")  # type: ignore[union-attr]
    kill(first, signal.SIGKILL)
    out, err = waiting.communicate(timeout=GENEROUS)
    assert (waiting.returncode, err) == (0, b"")
    assert out.startswith(b"ok: run: fragile: (pid ")
    assert b"(pid %d)" % first not in out


CHECK = """\
#!/bin/sh
echo heard 2>/dev/null
echo "$? $(pwd -P) $(cat ../answer)" >>checked
exit "$(cat ../answer)"
"""


def answers(home: Path, text: str) -> None:
    """Have the check end so. The file is never empty: the check may be reading it."""
    (home / "answer.new").write_text(text)
    (home / "answer.new").rename(home.parent / "answer")


@pytest.fixture
def checked(world: World) -> Iterator[Path]:
    home = world.add("checked") if not (world.scan / "checked").exists() else None
    home = home or world.scan.parent / "real/checked"
    write_script(home / "check", CHECK)
    answers(home, "1\n")
    yield home
    (home.parent / "answer").unlink()


@pytest.mark.parametrize("command", ["start", "restart", "check", "force-restart"])
def test_a_check_script(world: World, checked: Path, command: str) -> None:
    (checked / "checked").unlink(missing_ok=True)
    waiting = world.start("-w", LIMIT, command, "checked")
    until(lambda: contents(checked / "checked").count(b"\n") > 1, "it is asked again")
    assert waiting.poll() is None
    answers(checked, "0\n")
    out, err = waiting.communicate(timeout=GENEROUS)
    assert (waiting.returncode, err) == (0, b"")
    assert out.startswith(b"ok: run: checked: ")
    printed, there, _ = contents(checked / "checked").splitlines()[0].split()
    assert there == os.fsencode(checked)
    assert printed == b"0", "what it prints goes nowhere"


def test_a_check_script_that_fails(world: World, checked: Path) -> None:
    outcome = world.sv("-w", "0", "start", "checked")
    assert (outcome.status, outcome.out[:23]) == (1, b"timeout: run: checked: ")
    theirs = world.sv("-w", "0", "start", "checked", program="theirs")
    assert (plain(outcome.out), outcome.status) == (plain(theirs.out), theirs.status)


def test_a_check_script_that_hangs_ends_with_the_waiting(world: World, checked: Path) -> None:
    write_script(checked / "check", "#!/bin/sh\necho $$ >pid\nexec sleep 1000\n")
    outcome = world.sv("-w", "0", "check", "checked")
    assert outcome.status == 1
    pid = int(contents(checked / "pid"))
    until(lambda: not runs(pid), "the script is ended")


@pytest.mark.parametrize("kind", ["no program", "a directory", "no interpreter"])
def test_a_check_that_cannot_be_run(world: World, checked: Path, kind: str) -> None:
    (checked / "check").unlink()
    if kind == "a directory":
        (checked / "check").mkdir()
    else:
        write_script(checked / "check", "#!/nowhere/sh\n")
        (checked / "check").chmod(0o644 if kind == "no program" else 0o755)
    try:
        mine, theirs = (world.sv("start", "checked", program=one) for one in ("ours", "theirs"))
        assert mine.err == theirs.err
        assert mine.err.startswith(b"warning: unable to run checked/check: ")
        assert (mine.status, plain(mine.out)) == (theirs.status, plain(theirs.out))
    finally:
        if kind == "a directory":
            (checked / "check").rmdir()


def test_as_an_init_script(world: World, tmp_path: Path) -> None:
    home = world.add("scripted")
    scripts = {name: tmp_path / name / "scripted" for name in NAMES}
    for name, script in scripts.items():
        script.parent.mkdir()
        script.symlink_to(world.programs[name])
    statuses = set()
    for words in ("status", "stop", "status", "start", "status", "restart", "force-reload",
                  "reload", "try-restart", "status", "-w 9 stop", "", "bogus", "starting", "s",
                  "-z status", "status nowhere"):  # fmt: skip
        outcomes = []
        for name in NAMES:
            outcome = run(scripts[name], *words.split(), cwd="/", env=world.env())
            until(lambda: settled(home), "it has come to rest")
            outcomes.append((outcome.status, plain(outcome.out), outcome.err))
            statuses.add(outcome.status)
        assert outcomes[1] == outcomes[0], words
    assert statuses == {0, 2, 3}
    world.sv("-w", LIMIT, "up", "scripted")
    (home / "supervise/status").rename(home / "status")
    nowhere = {b"SVDIR": b"/nowhere"}
    for name in NAMES:
        assert run(scripts[name], "status", cwd="/", env=world.env()).status == 4
        assert run(scripts[name], "stop", cwd="/", env=nowhere).status == 1
        assert run(scripts[name], "status", cwd="/", env=nowhere).status == 1
    (home / "status").rename(home / "supervise/status")


def test_a_supervise_that_is_a_link(world: World) -> None:
    """Debian and Void have it below /run."""
    home = make_service(world.scan.parent / "real/split", RECORDER)
    (world.scan.parent / "run").mkdir()
    (home / "supervise").symlink_to("../../run/supervise.split")
    (world.scan / "split").symlink_to(home)
    before = await_pid(home)
    until(lambda: in_place(home), "it is in place")
    assert world.sv("-w", LIMIT, "restart", "split").status == 0
    assert in_status(home) != before
    assert world.sv("-w", LIMIT, "stop", "split").out.startswith(b"ok: down: split: ")
    assert is_down(home)


def test_many_names(world: World) -> None:
    names = [f"many{number}" for number in range(40 if world.supervisor != "svscan" else 200)]
    for name in names:
        home = make_service(world.scan.parent / "real" / name, "#!/bin/sh\nexec sleep 1000\n")
        (world.scan / name).symlink_to(home)
    homes = [world.scan.parent / "real" / name for name in names]
    before = {home: await_pid(home) for home in homes}
    for command, word in (("restart", b"run"), ("stop", b"down"), ("start", b"run")):
        outcome = world.sv("-w", LIMIT, command, *names)
        assert (outcome.status, outcome.err) == (0, b"")
        lines = outcome.out.splitlines()
        assert len(lines) == len(names)
        assert all(line.startswith(b"ok: " + word) for line in lines)
    assert all(in_status(home) not in (0, before[home]) for home in homes)
    assert world.sv("status", *["nowhere"] * 120).status == 99
