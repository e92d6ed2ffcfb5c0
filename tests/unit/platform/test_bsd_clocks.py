"""Which process is which on the BSDs and macOS, however the clock is set, and after a boot."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import bsd_kernel
from helpers.bsd_kernel import SECOND, Kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.supervise.platform import bsd
from slashservice.supervise.protocol import record

BOOTED = 1_700_000_000_654_321


class Machine:
    """A machine with a kernel and a ``/var/run``, in this process.

    Its next life is as like the last one as can be: the same pids, each started as long after the
    boot; by the clock at the same time, too, if it has no clock that runs on without power.
    """

    def __init__(self, system: str, folder: Path) -> None:
        self.system = system
        self.folder = folder
        self.lives = 0
        self.uptime = 0
        self.processes: dict[int, int] = {}
        self.account = 0
        self.boot(BOOTED)

    def boot(self, at: int) -> None:
        """Let its kernel start at that Unix time, and its rc have emptied ``/var/run``."""
        self.lives += 1
        self.kernel = Kernel(self.system, at, f"{self.lives:032x}")
        for path in self.folder.iterdir():
            path.unlink()
        messages = self.folder / "dmesg.boot"
        messages.touch()
        os.utime(messages, ns=(0, (at + self.lives) * 1000))

    def reboot(self, away: int, clock: bool) -> None:
        """Boot it, after ``away`` microseconds without power."""
        if clock:
            self.boot(self.kernel.boottime() + self.uptime + away)
        else:
            self.boot(BOOTED)

    def output(self, *words: str) -> bytes:
        """Do as a program does: the clock goes on while it runs."""
        self.uptime += 1234
        program, *rest = words
        if program == "sysctl":
            return self.kernel.sysctl(rest)[1].encode()
        assert program == "ps"
        started = self.processes
        return self.kernel.ps(rest, lambda pid: ("S", started[pid]) if pid in started else None)[
            1
        ].encode()

    def monotonic(self) -> float:
        """Tell the seconds since the boot; it takes a while, as the machine has much to do."""
        self.uptime += 7000
        return self.uptime / SECOND

    def fork(self) -> int:
        """Start a process; return its pid."""
        pid = len(self.processes) + 100
        self.processes[pid] = self.uptime
        return pid


@contextmanager
def machine(system: str) -> Iterator[Machine]:
    """Have ``bsd`` run on a machine, and records made by it."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        made = Machine(system, Path(folder))
        moving = made.kernel.starts_move
        clocks = SimpleNamespace(
            monotonic=made.monotonic,
            time=lambda: (made.kernel.boottime() + made.uptime) / SECOND,
            strptime=time.strptime,
        )
        patch.setattr(bsd, "time", clocks)
        patch.setattr(bsd, "_output", made.output)
        patch.setattr(bsd, "PLATFORM", system)
        patch.setattr(bsd, "_STARTS_MOVE", moving)
        patch.setattr(bsd, "STARTS_VARY_BY", 2 if moving else 0)
        patch.setattr(bsd, "_EMPTIES_RUN", system != "darwin")
        patch.setattr(bsd, "KEPT", f"{folder}/slashservice.life")
        patch.setattr(bsd, "MESSAGES", f"{folder}/dmesg.boot")
        patch.setattr(bsd, "os", Files(made))
        patch.setattr(record, "system", bsd)
        yield made


class Files:
    """``os``, for which what we make belongs to root, and the account is the machine's."""

    def __init__(self, made: Machine) -> None:
        self._made = made

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def geteuid(self) -> int:
        return self._made.account

    def stat(self, path: str) -> object:
        found = os.stat(path)
        return SimpleNamespace(st_uid=0, st_ino=7, st_mtime_ns=found.st_mtime_ns)

    def fstat(self, fd: int) -> object:
        return SimpleNamespace(st_uid=0, st_mode=os.fstat(fd).st_mode)


def is_adopted(made: bytes) -> bool:
    """Tell whether the next supervisor takes the process of a record for its daemon."""
    found = record.parse(made)
    assert found
    return record.same_life(found.life, record.life()) and found.runs() > 0


EXAMPLES = 40
"""Of each property on each system."""

YEARS = 10 * 365 * 86400 * SECOND

waits = st.integers(0, 3 * SECOND) | st.integers(0, 1000 * 86400 * SECOND)
steps = st.integers(-3 * SECOND, 3 * SECOND) | st.integers(-YEARS, YEARS)
passing = st.lists(st.tuples(waits, steps), max_size=4)

systems = pytest.mark.parametrize("system", bsd_kernel.SYSTEMS)
accounts = pytest.mark.parametrize("account", [0, 1000], ids=["root", "a user"])


def go_through(made: Machine, events: list[tuple[int, int]]) -> None:
    for wait, step in events:
        made.uptime += wait
        made.kernel.step(made.uptime, step)


@systems
@accounts
@settings(max_examples=EXAMPLES)
@given(passing, passing, passing)
def test_a_process_is_adopted_however_the_clock_was_set(
    system: str,
    account: int,
    before: list[tuple[int, int]],
    between: list[tuple[int, int]],
    after: list[tuple[int, int]],
) -> None:
    """It is set before svscan starts, between that and the start of a daemon, and after it."""
    with machine(system) as made:
        made.account = account
        go_through(made, before)
        life = record.life()
        go_through(made, between)
        pid = made.fork()
        go_through(made, between)
        line = record.of(pid, life).line()
        go_through(made, after)
        assert record.life() == life
        assert is_adopted(line)
        del made.processes[pid]
        assert not is_adopted(line)
        made.uptime += 4 * SECOND
        made.processes[pid] = made.uptime
        assert not is_adopted(line), "another process with its pid"


@systems
@accounts
@settings(max_examples=EXAMPLES)
@given(passing, passing, waits.map(lambda time: time + 1), st.booleans())
def test_nothing_of_another_life_is_adopted(
    system: str,
    account: int,
    before: list[tuple[int, int]],
    after: list[tuple[int, int]],
    away: int,
    clock: bool,
) -> None:
    """The next life has a process with the same pid, that started as long after the boot."""
    with machine(system) as made:
        made.account = account
        go_through(made, before)
        line = record.of(made.fork(), record.life()).line()
        go_through(made, after)
        made.reboot(away, clock)
        assert not is_adopted(line)


@systems
@settings(max_examples=EXAMPLES)
@given(passing)
def test_who_has_no_name_yet_is_known_by_those_who_have(
    system: str, after: list[tuple[int, int]]
) -> None:
    """A user's svscan runs before root's; each reads what the other has recorded."""
    with machine(system) as made:
        made.account = 1000
        users = record.of(made.fork(), record.life()).line()
        made.account = 0
        go_through(made, after)
        roots = record.of(made.fork(), record.life()).line()
        go_through(made, after)
        for made.account in (0, 1000):
            assert is_adopted(users)
            assert is_adopted(roots)


def test_a_clock_that_is_set_while_ps_runs_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine("openbsd7") as made:
        made.uptime += 60 * SECOND
        pid = made.fork()
        before = bsd.started(pid)
        asked = []

        def output(*words: str) -> bytes:
            asked.append(words)
            if len(asked) == 1:
                made.kernel.step(made.uptime, 3600 * SECOND)
            return made.output(*words)

        monkeypatch.setattr(bsd, "_output", output)
        assert abs(bsd.started(pid) - before) <= bsd.STARTS_VARY_BY
        assert len(asked) == 2


@pytest.mark.parametrize("content", [b"", b"0" * 32 + b"\n", b"words\n", b"a" * 31 + b"\n"])
def test_a_damaged_name_is_none(content: bytes) -> None:
    with machine("netbsd10") as made:
        Path(bsd.KEPT).write_bytes(content)
        assert bsd.boot() == bsd.boot() == bsd._stamp()
        made.reboot(1, clock=False)
        assert len(bsd.boot()) == 32


def test_without_any_file_there_is_the_time_of_the_boot() -> None:
    with machine("netbsd10") as made:
        made.account = 1000
        Path(bsd.MESSAGES).unlink()
        assert b"2023" in bsd.boot()


def test_a_name_that_others_can_write_is_none() -> None:
    with machine("netbsd10"):
        name = bsd.boot()
        assert os.stat(bsd.KEPT).st_mode & 0o777 == 0o644
        assert os.listdir(os.path.dirname(bsd.KEPT)).count("slashservice.life") == 1
        os.chmod(bsd.KEPT, 0o666)
        assert bsd.boot() != name
