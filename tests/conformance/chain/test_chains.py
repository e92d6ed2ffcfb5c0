"""Chains: what goes on in one process has the effects of separate programs, C's for one."""

from __future__ import annotations

import os
import platform
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.both import Both
from helpers.services import contents
from helpers.waiting import GENEROUS, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.supervise.chain import launchers


def execs(both: Both, *argv: str, **keywords: Any) -> list[str]:
    """Run ``argv`` as ours under strace; return the paths of all that was really exec'd."""
    log = both.work / "trace"
    log.touch()
    log.chmod(0o666)
    trace = ["/usr/bin/strace", "-f", "-qq", "-o", str(log), "-e", "trace=execve", "-z"]
    outcome = both.ours(*trace, str(both.link / argv[0]), *argv[1:], **keywords)
    assert outcome.status == 7, outcome
    return [line.split('"')[1] for line in log.read_text().splitlines() if "execve(" in line]


# What each command may be asked; every account, number and file here is fit for C too.
account = st.sampled_from(["nobody", "root", "daemon"])
limits = st.lists(
    st.one_of(
        st.builds("-{}{}".format, st.sampled_from("adm"), st.integers(90_000_000, 10**9)),
        st.builds("-c{}".format, st.integers(0, 2**64 - 1)),
        st.builds("-f{}".format, st.integers(10_000_000, 2**64 - 1)),
        st.builds("-l{}".format, st.integers(0, 10**7)),
        st.builds("-o{}".format, st.integers(12, 60)),
        st.builds("-r{}".format, st.integers(0, 10**7)),
        st.builds("-s{}".format, st.integers(200_000, 10**8)),
        st.builds("-t{}".format, st.integers(100, 10**9)),
        st.builds("-{}=".format, st.sampled_from("acdflmoprst")),
    ),
    max_size=4,
)
chpst_options = st.lists(
    st.one_of(
        st.builds("-u{}".format, st.sampled_from(["nobody", "root:daemon:bin", ":0:5:6"])),
        st.builds("-U{}".format, st.sampled_from(["nobody", "root:daemon:bin", ":65:5:6"])),
        st.builds("-e{}".format, st.sampled_from(["one", "two"])),
        st.builds("-n{}".format, st.integers(-3, 3)),
        st.builds("-o{}".format, st.integers(12, 60)),
        st.builds("-m{}".format, st.integers(90_000_000, 10**9)),
        st.builds("-c{}".format, st.integers(0, 2**64 - 1)),
        st.builds("-b{}".format, st.sampled_from(["zero", "x y"])),
        st.builds("-l{}".format, st.sampled_from(["lock1", "lock2"])),
        st.sampled_from(["-P", "-v", "-0", "-1", "-01"]),
    ),
    max_size=4,
)
link = st.one_of(
    st.builds(lambda name: ["setuidgid", name], account),
    st.builds(lambda name: ["envuidgid", name], account),
    st.builds(lambda name: ["envdir", name], st.sampled_from(["one", "two", "path", "nosuch"])),
    st.builds(lambda words: ["softlimit", *words], limits),
    st.builds(
        lambda option, file: ["setlock", *option, file],
        st.sampled_from([[], ["-n"], ["-x"], ["-nx"]]),
        st.sampled_from(["lock1", "lock2", "lock3", "nosuch/lock"]),
    ),
    st.just(["fghack"]),
    st.just(["pgrphack"]),
    st.builds(lambda words: ["chpst", *words], chpst_options),
)


def hangs(links: list[list[str]]) -> bool:
    """Tell whether a chain would wait for a lock that it holds itself."""
    held: set[str] = set()
    for name, *words in links:
        files = [words[-1]] if name == "setlock" else [w[2:] for w in words if w[:2] == "-l"][-1:]
        waits = name == "chpst" or not any("n" in word for word in words[:-1])
        for file in files:
            if file in held and waits:
                return True
            held.add(file)
    return False


@pytest.fixture(scope="module")
def material(both: Both) -> None:
    """The files that the chains name."""
    for name, variables in {
        "one": {"A": b"1\n", "B": b"", "LC_CTYPE": b"C\n", "UID": b"x\n"},
        "two": {"A": b"", "B": b"\xff two\n", "Z Z": b"z\n"},
        "path": {"PATH": b"/bin:/usr/bin\n"},
    }.items():
        directory = both.work / name
        directory.mkdir()
        directory.chmod(0o755)
        for variable, content in variables.items():
            (directory / variable).write_bytes(content)
            (directory / variable).chmod(0o644)
    for name in ("lock1", "lock2", "lock3"):
        (both.work / name).touch()
        (both.work / name).chmod(0o666)


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=pytest.mark.root)])
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(links=st.lists(link, min_size=2, max_size=5).filter(lambda links: not hangs(links)))
def test_any_chain(both: Both, material: None, user: str | None, links: list[list[str]]) -> None:
    """Whatever is put in a row, the program at the end, or the complaint, is that of C."""
    line = [word for words in links for word in words]
    more = [b"B=0", b"A=0", b"B=1", b"odd"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(both, "skip_unstarted", True)
        both.same(*line, *both.witness(), more=more, user=user)


def test_one_process(both: Both, work: Path) -> None:
    """Of a chain only the first interpreter and the program are exec'd."""
    (work / "env").mkdir()
    line = "softlimit -o100 envdir env envuidgid root pgrphack setlock lock chpst -v fghack"
    assert execs(both, *line.split(), "/bin/sh", "-c", "exit 7") == [
        str(both.link / "softlimit"),
        "/bin/sh",
    ]


@pytest.mark.root
def test_one_process_under_another_account(both: Both, work: Path) -> None:
    line = "setuidgid nobody softlimit -c0 pgrphack"
    assert execs(both, *line.split(), "/bin/sh", "-c", "exit 7") == [
        str(both.link / "setuidgid"),
        "/bin/sh",
    ]


def tiny_program() -> bytes:
    """Make a static program of a page, which ends with status 7 and needs no memory at all."""
    code = {
        "x86_64": bytes.fromhex("bf07000000b83c0000000f05"),
        "aarch64": bytes.fromhex("e00080d2a80b80d2010000d4"),
    }[platform.machine()]
    machine = {"x86_64": 62, "aarch64": 183}[platform.machine()]
    base, size = 0x400000, 120 + len(code)
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    return header + segment + code


@pytest.mark.root
def test_memory_in_which_no_interpreter_starts(both: Both, work: Path) -> None:
    """The promise itself: 300 kB for a chain of ours, in front of a program that can do with it."""
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")
    program = work / "program"
    program.write_bytes(tiny_program())
    program.chmod(0o755)
    limits = ["softlimit", "-m300000"]
    assert both.ours(*limits, "envdir", "env", "setuidgid", "nobody", "./program").status == 7
    assert both.same(*limits, "./program").status == 7
    assert both.ours(*limits, "python3", "-c", "").status != 0
    assert both.ours("chpst", "-m", "300000", "pgrphack", "./program").status == 7


@pytest.mark.parametrize("words", ["-d0", "-a0", "-m0", "-s0", "-f0", "-m1 -s1"])
def test_limits_that_we_could_not_live_under(both: Both, work: Path, words: str) -> None:
    """They do not keep a chain from its end, nor from saying what is wrong there."""
    (work / "env").mkdir()
    line = ["softlimit", *words.split(), "envdir", "env", "pgrphack"]
    outcome = both.ours(*line, "nosuch")
    assert outcome.stderr == b"pgrphack: fatal: unable to run nosuch: file does not exist\n"
    assert outcome.status == 111
    outcome = both.ours(*line, "setuidgid", "nosuch", "true")
    assert outcome.stderr == b"setuidgid: fatal: unknown account nosuch\n"
    (work / "program").write_bytes(b"no program")
    (work / "program").chmod(0o755)
    outcome = both.ours(*line, "./program")
    assert outcome.stderr == b"pgrphack: fatal: unable to run ./program: exec format error\n"


@pytest.mark.parametrize("number", range(5, 12))
def test_descriptors_that_a_later_command_may_not_have(both: Both, work: Path, number: int) -> None:
    """A limit on descriptors is felt by the commands behind it exactly as C's feel it.

    Below five C's programs do not start.
    """
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")
    show = ["/bin/sh", "-c", "exec /usr/bin/find /proc/self/fd -type l -printf '%f\\n'"]
    for line in ("envdir env", "setlock lock", "setlock a setlock b", "fghack", "chpst -e env"):
        both.same("softlimit", f"-o{number}", *line.split(), *show)


@pytest.mark.root
def test_process_limit_binds_the_account(both: Both, work: Path) -> None:
    """The kernel refuses an exec after the account changed under a limit it exceeds."""
    others = [
        subprocess.Popen(["/bin/sleep", "600"], user=54321, group=54321, extra_groups=[])
        for _ in range(2)
    ]
    try:
        line = ["softlimit", "-p1", "chpst", "-u", ":54321:54321", "true"]
        outcome = both.same(*line)
        assert outcome.stderr == b"chpst: fatal: unable to run: true: temporary failure\n"
        assert both.same("softlimit", "-p9", *line[2:]).status == 0
        assert both.same("setuidgid", "nobody", "softlimit", "-p0", "fghack", "true").status == 111
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_limits_as_later_commands_see_them(both: Both, work: Path) -> None:
    for words in (
        "softlimit -o50 softlimit -o= softlimit -c0",
        "softlimit -m200000000 softlimit -d300000000 -a=",
        "softlimit -s1000000 chpst -d 100000000 softlimit -s=",
        "softlimit -f1000000 chpst -f 99999999999 setlock lock",
    ):
        both.same(*words.split(), *both.witness())


def test_argument_list_too_long_for_a_small_stack(both: Both, work: Path) -> None:
    """How much may be passed to an exec depends on the limit on the stack."""
    entries = [b"V%d=%s" % (number, b"v" * 1000) for number in range(1000)]
    for number in (100_000, 8_000_000):
        both.same("softlimit", f"-s{number}", "/bin/true", more=entries)
        both.same("softlimit", f"-s{number}", "pgrphack", "/bin/true", more=entries)


class TestRecognition:
    """A file is one of our commands if it says so to the byte, and not otherwise."""

    def count(self, both: Both, program: Path) -> int:
        line = ["softlimit", "-c0", str(program), "/bin/sh", "-c", "exit 7"]
        return len(execs(both, *line))

    def launcher(self, both: Both, name: str = "pgrphack") -> str:
        return (both._ours / name).read_text()

    def write(self, both: Both, text: str, mode: int = 0o755) -> Path:
        path = both.work / "command"
        path.write_text(text)
        path.chmod(mode)
        return path

    def test_same_text(self, both: Both, work: Path) -> None:
        assert self.count(both, self.write(both, self.launcher(both))) == 2

    def test_link(self, both: Both, work: Path) -> None:
        (work / "other name").symlink_to(both._ours / "pgrphack")
        assert self.count(both, work / "other name") == 2

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("\nrun(", "\n\nrun("),
            ("run('pgrphack')\n", "run('pgrphack')\n# more\n"),
            ("run('pgrphack')\n", "run('pgrphack')"),
            ("import sys\n", "import sys, os\n"),
            ("-ISXutf8", "-ISBXutf8"),
            ("/usr/bin/python3", "/usr/bin/env -S /usr/bin/python3"),
        ],
    )
    def test_other_text(self, both: Both, work: Path, old: str, new: str) -> None:
        text = self.launcher(both)
        assert old in text
        assert self.count(both, self.write(both, text.replace(old, new))) >= 3

    def test_other_code(self, both: Both, work: Path) -> None:
        text = self.launcher(both)
        code = text.split("['")[1].split("']")[0]
        (work / "code").symlink_to(code)
        text = text.replace(f"['{code}']", f"['{work / 'code'}']")
        assert self.count(both, self.write(both, text)) == 3

    def test_not_executable(self, both: Both, work: Path) -> None:
        path = self.write(both, self.launcher(both), 0o644)
        outcome = both.ours("softlimit", "-c0", path, "true")
        assert outcome.stderr.endswith(b"/command: access denied\n")
        assert outcome.status == 111

    @pytest.mark.root
    def test_not_readable_by_the_account(self, both: Both, work: Path) -> None:
        """The kernel runs it, the interpreter can't read it: as it is without a chain."""
        path = self.write(both, self.launcher(both), 0o711)
        outcome = both.ours("setuidgid", "nobody", path, "true")
        assert b"Permission denied" in outcome.stderr

    def test_unknown_command(self, both: Both, work: Path) -> None:
        text = self.launcher(both).replace("pgrphack", "no_such_command")
        outcome = both.ours("softlimit", "-c0", self.write(both, text), "true")
        assert outcome.status == 1  # it is run, and fails by itself

    def test_fifo_in_the_way(self, both: Both, work: Path) -> None:
        os.mkfifo(work / "fifo")
        (work / "fifo").chmod(0o755)
        both.same("softlimit", "-c0", "./fifo", "true")

    def test_first_in_path_wins(self, both: Both, work: Path) -> None:
        (work / "first").mkdir()
        (work / "first" / "pgrphack").write_text("#!/bin/sh\nexit 5\n")
        (work / "first" / "pgrphack").chmod(0o755)
        both.same("softlimit", "-c0", "pgrphack", "true", entries=[b"PATH=first:/usr/bin"])
        outcome = both.ours("softlimit", "-c0", "pgrphack", entries=[b"PATH=first:/usr/bin"])
        assert outcome.status == 5

    def test_unexecutable_before_ours(self, both: Both, work: Path) -> None:
        """An exec that fails on the way leaves nothing behind."""
        (work / "first").mkdir()
        (work / "first" / "pgrphack").write_bytes(b"\x7fELF" + b"\0" * 2000)
        (work / "first" / "pgrphack").chmod(0o644)
        path = b"PATH=first:%s:/bin" % os.fsencode(both.link)
        both.same("softlimit", "-o30", "pgrphack", "setlock", "a", *both.witness(), entries=[path])


class TestNames:
    """What ``ps`` calls the process."""

    def name_while_waiting(self, both: Both, *argv: str) -> str:
        """Return the name of a process that waits for a lock which we hold."""
        import fcntl

        lock = (both.work / "lock").open("w")
        (both.work / "lock").chmod(0o666)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.symlink(both._ours, both._new)
        both._new.rename(both.link)
        process = subprocess.Popen(
            [str(both.link / argv[0]), *argv[1:], "lock", "true"],
            cwd=both.work,
            env={"PATH": f"{both.link}:/bin"},
        )
        try:
            both.await_lock(process.pid)
            return Path(f"/proc/{process.pid}/comm").read_text().strip()
        finally:
            lock.close()
            assert process.wait(GENEROUS) == 0

    def test_alone(self, both: Both, work: Path) -> None:
        assert self.name_while_waiting(both, "setlock") == "setlock"

    def test_in_a_chain(self, both: Both, work: Path) -> None:
        assert self.name_while_waiting(both, "pgrphack", "setlock") == "setlock"

    @pytest.mark.root
    def test_under_another_account(self, both: Both, work: Path) -> None:
        assert self.name_while_waiting(both, "setuidgid", "nobody", "setlock") == "setlock"

    def test_by_a_long_link(self, both: Both, work: Path) -> None:
        (work / "a_name_longer_than_the_kernel_keeps").symlink_to(both._ours / "setlock")
        name = self.name_while_waiting(both, "pgrphack", "./a_name_longer_than_the_kernel_keeps")
        assert name == "a_name_longer_t"


Start = Callable[[str], subprocess.Popen[bytes]]


class TestLongRunning:
    """A chain that ends in a command of ours which stays."""

    @pytest.fixture
    def start(self, both: Both) -> Iterator[Start]:
        """Start a chain; its standard input is a pipe. It is killed at the end."""
        started = []

        def start(line: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [str(both._ours / line.split()[0]), *line.split()[1:]],
                cwd=both.work,
                env={"PATH": f"{both._ours}:/bin", "A": "0"},
                stdin=subprocess.PIPE,
            )
            started.append(process)
            return process

        yield start
        for process in started:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()

    def await_name(self, pid: int, name: str) -> None:
        comm = Path(f"/proc/{pid}/comm")
        until(lambda: comm.read_text() == f"{name}\n", f"the process is {name}")

    def limits(self, pid: int) -> dict[str, str]:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
        return {line[:26].strip(): line[26:47].strip() for line in lines}

    @pytest.mark.root
    def test_it_has_what_the_chain_gave_it(self, start: Start, both: Both, work: Path) -> None:
        (work / "env").mkdir()
        (work / "env" / "A").write_bytes(b"1\n")
        line = "softlimit -o10 -m40000000 -c77 envdir env setuidgid nobody readproctitle x ........"
        process = start(line)
        proc = Path(f"/proc/{process.pid}")
        self.await_name(process.pid, "readproctitle")
        assert process.stdin is not None
        process.stdin.write(b"word")
        process.stdin.flush()
        until(lambda: (proc / "cmdline").read_bytes().endswith(b"....word\0"), "title")
        assert "Uid:\t65534\t65534\t65534\t65534\n" in (proc / "status").read_text()
        limits = self.limits(process.pid)
        assert limits["Max open files"] == "10"
        assert limits["Max core file size"] == "77"
        for name in ("address space", "data size", "stack size"):
            assert limits[f"Max {name}"] == "40000000"
        # The account may look at it, as at any process of its own.
        assert (proc / "environ").stat().st_uid == 65534
        process.stdin.close()
        assert process.wait(GENEROUS) == 0

    def test_memory_too_small_for_the_interpreter(
        self, start: Start, both: Both, work: Path
    ) -> None:
        """It runs all the same, within what it has and some room."""
        process = start("softlimit -m300000 -s1 readproctitle x ........")
        proc = Path(f"/proc/{process.pid}")
        self.await_name(process.pid, "readproctitle")
        assert process.stdin is not None
        process.stdin.write(b"x" * 10_000_000 + b"word")
        process.stdin.flush()
        until(lambda: (proc / "cmdline").read_bytes().endswith(b"xword\0"), "title")
        limits = self.limits(process.pid)
        for name in ("address space", "data size", "stack size"):
            assert 300_000 < int(limits[f"Max {name}"]) < 100_000_000

    @pytest.mark.root
    def test_a_logger(self, start: Start, both: Both, work: Path) -> None:
        """The usual line of a log service, with a limit that C's multilog could live under."""
        (work / "env").mkdir()
        (work / "env" / "A").write_bytes(b"1\n")
        process = start(
            "envdir env softlimit -m3000000 -o20 setuidgid nobody multilog -* +one ./log"
        )
        proc = Path(f"/proc/{process.pid}")
        self.await_name(process.pid, "multilog")
        # It began as envdir, and was never exec'd again.
        assert b"envdir" in (proc / "cmdline").read_bytes()
        assert process.stdin is not None
        process.stdin.write(b"one\ntwo\n")
        process.stdin.flush()
        current = work / "log" / "current"
        until(lambda: contents(current) == b"one\n", "line logged")
        assert current.stat().st_uid == 65534
        assert self.limits(process.pid)["Max open files"] == "20"
        process.stdin.close()
        assert process.wait(GENEROUS) == 0

    def test_services_get_the_limits_as_given(self, start: Start, both: Both, work: Path) -> None:
        """What svscan itself can't bear, the services it starts have all the same."""
        (work / "env").mkdir()
        (work / "env" / "A").write_bytes(b"1\n")
        service = work / "scan" / "service"
        service.mkdir(parents=True)
        run = (
            "#!/bin/sh\ncat /proc/$$/limits >notes; env >>notes; echo end >>notes; exec sleep 60\n"
        )
        (service / "run").write_text(run)
        (service / "run").chmod(0o755)
        process = start("softlimit -m5000000 -o300 envdir env pgrphack svscan scan")
        notes = service / "notes"
        until(lambda: contents(notes).endswith(b"\nend\n"), "service started")
        said = notes.read_text()
        assert "Max address space         5000000 " in said
        assert "Max open files            300 " in said
        assert "\nA=1\n" in said
        assert Path(f"/proc/{process.pid}/comm").read_text() == "svscan\n"
        process.terminate()
        assert process.wait(GENEROUS) == 0


def test_signals_are_reset_for_whoever_comes_next(both: Both, work: Path) -> None:
    """An ignored signal stays ignored through a chain, the interpreter's own do not."""
    line = "envdir . fghack softlimit -o50 pgrphack"
    outcome = both.same(*line.split(), *both.witness(), ignored=[signal.SIGUSR1])
    assert int(outcome.seen["SigIgn"], 16) == 1 << signal.SIGUSR1 - 1


def test_every_command_has_its_module() -> None:
    """The mechanism knows commands by name alone, so each name has to be loadable."""
    from slashservice.supervise.program import load

    assert set(launchers.CHAIN) <= set(launchers.COMMANDS)
    for name in launchers.COMMANDS:
        assert callable(load(name))
