"""Logs in a log host: what signals, slow disks, full disks and kills do to them, and to others."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from helpers.disks import enlarge, on_small_disk
from helpers.hosted import Hosted
from helpers.logs import content
from helpers.processes import kill, killed, opened, runs
from helpers.services import await_down, await_pid, pid_of, status_of
from helpers.tree import ENVIRONMENT, SLEEP, Tree
from helpers.waiting import until

from slashservice.supervise.platform import linux

SERVICES = 200
SECONDS = 8.0
"""How many logs are written to, and how long, while svscan and its host are being killed."""


def test_one_process_runs_them_all(hosted: Hosted) -> None:
    for name in ("a", "b", "c"):
        hosted.add(name, "t ./main")
    hosted.tree.svscan()
    assert len({hosted.host(name) for name in ("a", "b", "c")}) == 1
    for name in ("a", "b", "c"):
        hosted.write(name, b"hello from %s\n" % name.encode())
        hosted.arrives(name, b" hello from %s\n" % name.encode())
    assert oct((hosted.directories["a"] / "main").stat().st_mode) == "0o40700"
    assert oct((hosted.directories["a"] / "main/current").stat().st_mode) == "0o100644"


@pytest.mark.root
def test_files_belong_to_the_account(hosted: Hosted) -> None:
    """Also where the account could not reach the directory by path."""
    log = hosted.add("a", "./main")
    (log / "run").write_text(
        f"#!/bin/sh\nexec {hosted.tree.commands}/setuidgid nobody"
        f" {hosted.tree.commands}/multilog t ./main\n"
    )
    (log / "main").mkdir(mode=0o700)
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(log / "main", nobody.pw_uid, nobody.pw_gid)
    log.parent.chmod(0o700)
    hosted.tree.svscan()
    host = hosted.host("a")
    hosted.write("a", b"x\n")
    hosted.arrives("a", b" x\n")
    about = (log / "main/current").stat()
    assert (about.st_uid, about.st_gid) == (nobody.pw_uid, nobody.pw_gid)
    assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}" in Path(f"/proc/{host}/status").read_text()


def test_a_script_that_is_not_plain_is_run(hosted: Hosted) -> None:
    hosted.add("a", "./main")
    log = hosted.add("b", "./main")
    (log / "run").write_text((log / "run").read_text().replace("exec ", ""))
    log = hosted.add("c", "./main")
    (log / "run").write_text("#!/bin/sh\nexec /usr/bin/multilog ./main\n")
    hosted.tree.svscan()
    pids = {name: await_pid(hosted.directories[name]) for name in ("a", "b", "c")}
    hosted.host("a")
    assert len(set(pids.values())) == 3
    for name in ("a", "b", "c"):
        hosted.write(name, b"x\n")
        hosted.arrives(name, b"x\n")


def test_every_signal_acts_on_its_log_alone(hosted: Hosted) -> None:
    for name in ("a", "b"):
        hosted.add(name, "./main")
    hosted.tree.svscan()
    host = hosted.host("a")
    log, tree = hosted.directories["a"], hosted.tree
    main = log / "main"

    def old(code: str) -> list[Path]:
        return sorted(main.glob(f"@*.{code}"))

    hosted.write("a", b"1\n")
    hosted.arrives("a", b"1\n")
    tree.svc("-p", log)
    until(lambda: status_of(log).paused, "paused")  # type: ignore[union-attr]
    hosted.write("b", b"first\n")
    hosted.arrives("b", b"first\n")  # so the host has seen to what came before
    hosted.write("a", b"2\n")
    hosted.write("b", b"second\n")
    hosted.arrives("b", b"second\n")
    assert hosted.current("a") == b"1\n"
    tree.svc("-c", log)
    hosted.arrives("a", b"1\n2\n")

    tree.svc("-a", log)
    until(lambda: [path.read_bytes() for path in old("s")] == [b"1\n2\n"], "rotated")
    hosted.write("a", b"3\n")
    hosted.arrives("a", b"3\n")

    def again(before: bytes) -> bytes:
        """Wait until the logger was started anew; return when that was, as a stamp."""
        until(lambda: started() not in (before, b""), "started again")
        return started()

    def started() -> bytes:
        now = status_of(log)
        return now.stamp if now and now.pid else b""

    hosted.write("a", b"4\nbegun")
    hosted.arrives("a", b"4\n")
    when = started()
    tree.svc("-t", log)
    hosted.write("a", b" and ended\nafter\n")
    hosted.arrives("a", b"3\n4\nbegun and ended\nafter\n")
    when = again(when)

    for letter, said in ((b"k", b"5\n"), (b"h", b"6\n"), (b"i", b"7\n"), (b"q", b"8\n")):
        with (log / "supervise/control").open("wb", buffering=0) as control:
            control.write(letter)
        when = again(when)
        hosted.write("a", said)
        hosted.arrives("a", said)
    assert [path.read_bytes() for path in old("u")][1:] == [b"5\n", b"6\n", b"7\n"]
    assert hosted.host("a") == host and pid_of(hosted.directories["b"]) == host
    assert hosted.current("b") == b"first\nsecond\n"

    tree.svc("-d", log)
    await_down(log)
    assert main.joinpath("current").stat().st_mode & 0o777 == 0o744
    hosted.write("a", b"9\n")
    tree.svc("-u", log)
    hosted.arrives("a", b"8\n9\n")


def test_what_is_wanted_of_a_log_outlives_svscan(hosted: Hosted) -> None:
    """Once, paused and down, as of a log with a process of its own; a log that has ended as well.

    The log ``z`` in the same host is the last that svscan begins with.
    """
    logs = {letters: hosted.add(f"s{letters}", "./main") for letters in ("o", "p", "op", "d", "ot")}
    hosted.add("z", "./main")
    svscan = hosted.tree.svscan()
    host = hosted.host("z")
    for letters, log in logs.items():
        await_pid(log)
        hosted.write(log.parent.name, b"a line\n")
        hosted.arrives(log.parent.name, b"a line\n")
        hosted.tree.svc(f"-{letters}", log)
    for _ in range(3):
        for letters, log in logs.items():
            pid = 0 if letters in ("d", "ot") else host
            want = {"o": b"\0", "d": b"d"}.get(letters[0], b"u")
            until(lambda: says(log) == (pid, want, "p" in letters), f"{letters}: so it is")  # noqa: B023
        killed(svscan)
        svscan = hosted.tree.svscan()
        host = hosted.ends_with_us(await_pid(hosted.directories["z"], host))
    hosted.write("sp", b"another\n")
    hosted.write("so", b"another\n")
    hosted.arrives("so", b"another\n")
    assert hosted.current("sp") == b"a line\n"
    hosted.tree.svc("-c", logs["p"], logs["op"])
    hosted.arrives("sp", b"another\n")
    hosted.tree.drain(svscan)


def says(log: Path) -> tuple[int, bytes, bool] | None:
    """Return what the status file says: the pid, what is wanted, and whether it is paused."""
    now = status_of(log)
    return (now.pid, now.want, now.paused) if now else None


def test_a_log_that_starts_while_its_host_ends_gets_a_new_one(hosted: Hosted) -> None:
    """svscan has told the idle host to end, and not heard of its end."""
    log, tree = hosted.add("a", "./main"), hosted.tree
    svscan = tree.svscan()
    host = hosted.host("a")
    hosted.write("a", b"0\n")
    hosted.arrives("a", b"0\n")
    before = len(opened(svscan.pid))
    tree.svc("-d", log)
    await_down(log)
    kill(host, signal.SIGSTOP)
    try:
        until(lambda: not any("socket:" in link for link in opened(svscan.pid)), "told to end")
        tree.svc("-u", log)
        other = await_pid(log, other_than=host)
        hosted.host("a")
        hosted.write("a", b"1\n")
        hosted.arrives("a", b"0\n1\n")
    finally:
        kill(host, signal.SIGCONT)
    until(lambda: not runs(host), "the first host ended")
    tree.svc("-a", log)
    until(lambda: list((log / "main").glob("@*.s")), "svscan can still talk to the second")
    assert hosted.host("a") == other
    until(lambda: len(opened(svscan.pid)) == before, "nothing more is open")


def test_a_processor_that_hangs_delays_no_other(hosted: Hosted) -> None:
    log = hosted.add("a", "'!cat; echo state >&5; echo x > started; exec sleep 1000' ./main")
    hosted.add("b", "./main")
    hosted.tree.svscan()
    hosted.host("a")
    hosted.write("a", b"line\n")
    hosted.arrives("a", b"line\n")
    hosted.tree.svc("-a", log)
    until(lambda: (log / "main/started").exists(), "processor started")
    for number in range(50):
        hosted.write("b", b"%d\n" % number)
        hosted.arrives("b", b"%d\n" % number)
    hosted.tree.svc("-k", log)  # and a logger that waits for it can be killed
    until(lambda: list((log / "main").glob("@*.u")), "begun again")
    hosted.write("a", b"more\n")
    hosted.arrives("a", b"more\n")
    assert content(log / "main") == b"line\nmore\n"


def test_a_processor_works(hosted: Hosted) -> None:
    log = hosted.add("a", "'!tr a-z A-Z; cat <&4 >&5; echo more >&5' ./main")
    hosted.tree.svscan()
    hosted.host("a")
    for number, word in enumerate((b"one", b"two")):
        hosted.write("a", word + b"\n")
        hosted.arrives("a", word + b"\n")
        hosted.tree.svc("-a", log)
        until(lambda: len(list((log / "main").glob("@*.s"))) == number + 1, "processed")  # noqa: B023
    assert content(log / "main") == b"ONE\nTWO\n"
    assert (log / "main/state").read_bytes() == b"more\nmore\n"


def test_a_slow_disk_delays_no_other(hosted: Hosted, tmp_path: Path) -> None:
    """Writes to some logs take for ever, and svscan and all other logs mind nothing of it."""
    slow = ["a", "c", "d"]
    logs = {name: hosted.add(name, "./main") for name in [*slow, "b"]}
    hosted.tree.svscan()
    host = hosted.host("a")
    for name in logs:
        hosted.write(name, b"first\n")
        hosted.arrives(name, b"first\n")
    only = [word for name in slow for word in ("-P", str(logs[name] / "main/current"))]
    delay = ["-e", "trace=write", "-e", "inject=write:delay_enter=600s"]
    tracer = hosted.tree.start(
        ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-p", str(host), *only, *delay]
    )
    tasks = Path(f"/proc/{host}/task")
    until(lambda: all(traced(task) for task in tasks.iterdir()), "strace is there")
    try:
        for name in slow:
            hosted.write(name, b"slow\n")
        for number in range(50):
            hosted.write("b", b"%d\n" % number)
            hosted.arrives("b", b"%d\n" % number)
        hosted.tree.svc("-a", logs["b"])
        until(lambda: list((logs["b"] / "main").glob("@*.s")), "rotated")
        before = await_pid(logs["a"].parent)
        hosted.tree.svc("-t", logs["a"].parent)
        await_pid(logs["a"].parent, before)
        assert [hosted.current(name) for name in slow] == [b"first\n"] * len(slow)
    finally:
        tracer.kill()
        tracer.wait()
    for name in slow:
        hosted.arrives(name, b"first\nslow\n")


def traced(task: Path) -> bool:
    return "TracerPid:\t0\n" not in (task / "status").read_text()


@pytest.mark.root
def test_a_full_disk_stops_that_log_alone(hosted: Hosted) -> None:
    log = hosted.add("a", "s4096 n1000 ./main")
    hosted.add("b", "./main")
    (log / "main").mkdir()
    svscan = hosted.tree.svscan(on_small_disk(log / "main"))
    hosted.host("a")
    inside = Path(f"/proc/{svscan.pid}/root/{log / 'main'}")
    lines = b"".join(b"%d %s\n" % (n, b"x" * 60) for n in range(1500))
    writer = threading.Thread(target=hosted.write, args=("a", lines))
    writer.start()
    try:
        until(lambda: hosted.tree.lines("out of disk space"), "disk full")
        for number in range(20):
            hosted.write("b", b"%d\n" % number)
            hosted.arrives("b", b"%d\n" % number)
        end = time.monotonic() + 11
        until(lambda: time.monotonic() > end, "two more attempts")
        assert len(hosted.tree.lines("out of disk space")) == 1
        enlarge(svscan.pid, log / "main")
    finally:
        writer.join()
    until(lambda: content(inside) == lines, "everything arrived")
    assert len(hosted.tree.lines("out of disk space")) == 1


@pytest.mark.slow
def test_every_line_arrives_once_whoever_is_killed(hosted: Hosted) -> None:
    """Many logs written to at once, svscan and the log host killed again and again."""
    tree, chance = hosted.tree, random.Random(4)
    names = [f"s{number}" for number in range(SERVICES)]
    for name in names:
        hosted.add(name, f"{chance.choice(['t ', ''])}s{chance.choice([4096, 9999])} n9999 ./main")
    svscan = tree.svscan()
    said = dict.fromkeys(names, b"")
    stop = threading.Event()

    def write() -> None:
        count = 0
        while not stop.is_set():
            for name in names:
                text = b"".join(
                    b"%s %d %s\n" % (name.encode(), count + n, b"y" * chance.randrange(100))
                    for n in range(chance.randrange(12))
                )
                count += 12
                said[name] += text
                # Lines also come in parts.
                cut = chance.randrange(len(text) + 1)
                hosted.write(name, text[:cut])
                hosted.write(name, text[cut:])

    def host() -> int:
        now = status_of(hosted.directories[names[0]])
        if now and now.pid:
            hosted.hosts.add((now.pid, linux.started(now.pid)))
        return now.pid if now else 0

    for name in names:
        hosted.write(name, b"")
    writer = threading.Thread(target=write)
    writer.start()
    kills = {"svscan": 0, "host": 0}
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            pause = time.monotonic() + chance.uniform(0.05, 0.6)
            until(lambda: time.monotonic() > pause, "a moment")  # noqa: B023
            pid = host()
            if chance.random() < 0.6 and pid and runs(pid):
                with contextlib.suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
                kills["host"] += 1
            else:
                svscan.kill()
                svscan.wait()
                svscan = tree.svscan()
                kills["svscan"] += 1
    finally:
        stop.set()
        writer.join()
        host()
    assert min(kills.values()) >= 2

    def stamps_off(data: bytes) -> bytes:
        from helpers.logs import STAMP

        return STAMP.sub(b"", data)

    for name in names:
        main = hosted.directories[name] / "main"
        with contextlib.suppress(AssertionError):
            until(lambda: stamps_off(content(main)) == said[name], name)  # noqa: B023
        assert stamps_off(content(main)) == said[name]
    host()


REDIRECTING = [
    "exec 2>&1\nexec {} t ./main\n",
    "exec 2>&1; exec {} t \\\n  ./main\n",
    "exec {} t ./main 2>&1\n",
]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("script", REDIRECTING)
def test_complaints_to_standard_output(tree: Tree, script: str, together: bool) -> None:
    """They go where svscan's own output goes, from a host as well."""
    multilog = str(tree.commands / "multilog")
    log = tree.add("web", SLEEP, "#!/bin/sh\n" + script.format(multilog)) / "log"
    (log / "main").write_text("no directory")
    out, err = tree.root / "out", tree.root / "err"
    with out.open("ab") as one, err.open("ab") as other:
        svscan = subprocess.Popen(
            [tree.commands / "svscan", tree.scan],
            stdin=subprocess.DEVNULL,
            stdout=one,
            stderr=one if together else other,
            env=ENVIRONMENT,
        )
    tree.started.append(svscan)
    until(lambda: b"multilog: " in out.read_bytes(), "it complained there")
    assert err.read_bytes() == b""
    (log / "main").unlink()
    pid = await_pid(log)
    until((log / "main/current").exists, "it logs")
    pid = await_pid(log)
    hosted = b"loghost" in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert hosted


def test_signals_mean_to_a_hosted_svlogd_what_they_mean_to_one_of_its_own(hosted: Hosted) -> None:
    """HUP reads the configuration again, ALRM rotates, TERM ends it; nobody else is concerned."""
    tree = hosted.tree
    for name in ("a", "b"):
        log = hosted.add(name, "./main")
        (log / "run").write_text(f"#!/bin/sh\nexec {tree.commands}/svlogd ./main\n")
        (log / "main").mkdir()
    tree.svscan()
    log = hosted.directories["a"]
    host = hosted.host("a")
    assert host == hosted.host("b")
    hosted.write("a", b"1\n")
    hosted.arrives("a", b"1\n")
    (log / "main/config").write_text("pnow: \n")
    tree.svc("-h", log)

    def is_prefixed() -> bool:
        hosted.write("a", b"2\n")
        return hosted.current("a").endswith(b"now: 2\n")

    until(is_prefixed, "read again")
    tree.svc("-a", log)
    until(lambda: list((log / "main").glob("@*.s")), "rotated")
    before = status_of(log)
    tree.svc("-t", log)
    until(lambda: (now := status_of(log)) and before and now.stamp != before.stamp, "begun anew")
    hosted.write("a", b"3\n")
    hosted.arrives("a", b"now: 3\n")
    hosted.write("b", b"x\n")
    hosted.arrives("b", b"x\n")
    assert hosted.host("a") == hosted.host("b") == host
