"""What a chain took out of the environment is nowhere in the process that it became."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.both import Both
from helpers.processes import kill
from helpers.waiting import GENEROUS, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.root

SECRET = b"hunter2-correct-horse"

SPY = f"""
import os, re, sys
secret = {SECRET.decode()!r}[1:].encode()  # our own words do not hold it in one piece
for pid in sys.argv[1:]:
    for name in ("environ", "cmdline"):
        try:
            if secret in open(f"/proc/{{pid}}/{{name}}", "rb").read():
                print(name)
        except OSError:
            pass
    try:
        maps = open(f"/proc/{{pid}}/maps").readlines()
        memory = open(f"/proc/{{pid}}/mem", "rb", 0)
    except OSError:
        continue
    print("looked")
    for line in maps:
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        try:
            memory.seek(start)
            if secret in memory.read(end - start):
                print("memory", line.split()[-1])
        except (OSError, OverflowError, ValueError):
            pass
"""
"""Looks for the secret in processes, and prints each place where it is."""

ENDS = {
    "multilog": ["multilog", "t", "./log"],
    "readproctitle": ["readproctitle", "errors:", "." * 40],
    "tai64n": ["tai64n"],
    "svscan": ["svscan", "scan"],
    "supervise": ["supervise", "service"],
    "fghack": ["fghack", "/bin/sleep", "600"],
}
"""Commands of daemontools that stay. All but the last are there for as long as we write."""

takes_out = st.sampled_from(
    [
        ["envdir", "drop"],
        ["envdir", "other"],
        ["envdir", "given", "envdir", "drop"],
        ["envdir", "rest"],
        ["envdir", "given", "envdir", "other"],
    ]
)
changes_account = st.just(["setuidgid", "nobody"])
harmless = st.sampled_from(
    [[], ["pgrphack"], ["softlimit", "-c0"], ["envuidgid", "daemon"], ["softlimit", "-o50"]]
)


def find(pid: int) -> set[str]:
    """Return where the account ``nobody`` finds the secret in a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spy = subprocess.run(
        [sys.executable, "-ISc", SPY, str(pid), *children],
        user="nobody", group="nogroup", extra_groups=[],
        capture_output=True, text=True, check=True, timeout=GENEROUS,
    )  # fmt: skip
    return set(spy.stdout.splitlines())


def seen(
    both: Both, programs: Path, line: Sequence[str], end: str, more: dict[str, str]
) -> set[str]:
    """Run a chain with the commands of ``programs``; return where the secret is at its end."""
    process = subprocess.Popen(
        [programs / line[0], *line[1:], *ENDS[end]],
        cwd=both.work,
        env={"PATH": f"{programs}:/usr/bin:/bin", **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        name = Path(f"/proc/{process.pid}/comm")
        until(lambda: name.read_text().strip() == end, f"{line} has come to {end}")
        if end in ("svscan", "supervise"):
            until(lambda: (both.work / "service/supervise/ok").exists(), "it supervises")
        return find(process.pid)
    finally:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.wait()
        for child in map(int, children):  # as C's svscan leaves its supervise
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def programs(both: Both, ours: Path, oracle: Path) -> tuple[Path, Path]:
    """Our commands and those of C, and beside them the files that the chains name."""
    content = {
        "drop/SECRET": b"",
        "other/SECRET": b"x\n",
        "given/SECRET": SECRET + b"\n",
        "rest/SECRET": b"x\n" + SECRET,
    }
    for name, data in content.items():
        (both.work / name).parent.mkdir(exist_ok=True)
        (both.work / name).parent.chmod(0o755)
        (both.work / name).write_bytes(data)
        (both.work / name).chmod(0o644)
    for name in ("log", "scan", "service"):
        (both.work / name).mkdir()
        (both.work / name).chmod(0o777)
    (both.work / "service/down").touch()
    (both.work / "scan/service").symlink_to("../service")
    return ours, oracle


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first=harmless,
    taken=takes_out,
    between=harmless,
    account=changes_account,
    last=harmless,
    end=st.sampled_from(sorted(ENDS)),
    dropped_first=st.booleans(),
)
def test_what_was_taken_out_is_gone(
    both: Both,
    programs: tuple[Path, Path],
    first: list[str],
    taken: list[str],
    between: list[str],
    account: list[str],
    last: list[str],
    end: str,
    dropped_first: bool,
) -> None:
    """Neither ``/proc`` nor the memory shows it to the account, as with C."""
    steps = [account, between, taken] if dropped_first else [taken, between, account]
    line = [*first, *(word for step in steps for word in step), *last]
    more = {"SECRET": os.fsdecode(SECRET), "A": "1"}
    assert seen(both, programs[1], line, end, more) <= {"looked"}
    assert seen(both, programs[0], line, end, more) <= {"looked"}


@pytest.mark.parametrize("end", ENDS)
def test_chpst_takes_out_as_well(both: Both, programs: tuple[Path, Path], end: str) -> None:
    for directory in ("drop", "other", "rest"):
        line = ["chpst", "-e", directory, "-u", "nobody"]
        more = {"SECRET": os.fsdecode(SECRET)}
        assert seen(both, programs[0], line, end, more) <= {"looked"}


def test_the_account_sees_what_was_left_to_it(both: Both, programs: tuple[Path, Path]) -> None:
    """So these tests look in the right place."""
    line, more = ["setuidgid", "nobody"], {"SECRET": os.fsdecode(SECRET)}
    for commands in programs:
        assert {"looked", "environ"} < seen(both, commands, line, "multilog", more)


def test_under_limits_that_no_interpreter_could_live_under(
    both: Both, programs: tuple[Path, Path]
) -> None:
    """The process can't be a new one. It is hidden instead."""
    line = ["softlimit", "-m300000", "envdir", "drop", "setuidgid", "nobody"]
    more = {"SECRET": os.fsdecode(SECRET)}
    assert seen(both, programs[0], line, "multilog", more) == set()
