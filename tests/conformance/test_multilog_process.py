"""multilog as a process, beside C: signals, what processors inherit, and trouble of every kind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import logs
from helpers.running import Running
from helpers.waiting import until


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


@pytest.fixture(params=["theirs", "ours"])
def program(request: pytest.FixtureRequest, oracle: Path, ours: Path) -> Path:
    """Both programs, one after the other: what is asserted of ours must be true of C."""
    return (oracle if request.param == "theirs" else ours) / "multilog"


def test_term_when_idle(program: Path, place: Path) -> None:
    with Running(program, ["./d"], place / "x") as multilog:
        multilog.write(b"abc\n")
        multilog.signal(signal.SIGTERM)
        assert multilog.end() == (0, b"")
        assert multilog.current() == b"abc\n"
        assert (multilog.cwd / "d" / "current").stat().st_mode & 0o777 == 0o744


def test_term_in_a_line(program: Path, place: Path) -> None:
    with Running(program, ["./d"], place / "x") as multilog:
        multilog.write(b"abc\nde")
        multilog.signal(signal.SIGTERM)
        os.write(multilog.fifo, b"fg\nfor the next\n")
        assert multilog.end() == (0, b"")
        assert multilog.current() == b"abc\ndefg\n"
        assert os.read(multilog.fifo, 100) == b"for the next\n"


def test_term_in_a_long_line(program: Path, place: Path) -> None:
    with Running(program, ["./d"], place / "x") as multilog:
        multilog.write(b"x" * 1500)
        assert multilog.current() == b"x" * 1500
        multilog.signal(signal.SIGTERM)
        os.write(multilog.fifo, b"y\nfor the next")
        assert multilog.end() == (0, b"")
        assert multilog.current() == b"x" * 1500 + b"y\n"
        assert os.read(multilog.fifo, 100) == b"for the next"


def test_alarm(program: Path, place: Path) -> None:
    with Running(program, ["n5", "./d"], place / "x") as multilog:
        multilog.signal(signal.SIGALRM)  # nothing to rotate
        multilog.write(b"abc\nde")
        multilog.signal(signal.SIGALRM)
        until(lambda: multilog.old() == [b"abc\n"] and multilog.waits(), "rotated")
        assert multilog.current() == b""
        multilog.write(b"f\n")
        assert multilog.current() == b"def\n"
        multilog.write(b"z" * 1200)
        multilog.signal(signal.SIGALRM)
        until(lambda: len(multilog.old()) == 2 and multilog.waits(), "rotated twice")
        multilog.write(b"end\n")
        multilog.signal(signal.SIGTERM)
        assert multilog.end() == (0, b"")
        assert multilog.old() == [b"abc\n", b"def\n" + b"z" * 1200]
        assert multilog.current() == b"end\n"


def test_each_signal_is_heard(program: Path, place: Path) -> None:
    """Also the second, though nothing was written since the first."""
    with Running(program, ["n5", "./d"], place / "x") as multilog:
        multilog.write(b"abc\n")
        multilog.signal(signal.SIGALRM)
        until(lambda: multilog.old() == [b"abc\n"] and multilog.waits(), "rotated")
        multilog.signal(signal.SIGTERM)
        assert multilog.end() == (0, b"")
        assert multilog.current() == b""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1])
def test_other_signals_end_it(program: Path, place: Path, number: int) -> None:
    with Running(program, ["./d"], place / "x") as multilog:
        multilog.write(b"abc\n")
        multilog.signal(number)
        assert multilog.end() == (-number, b"")
        assert multilog.current() == b"abc\n"
        assert (multilog.cwd / "d" / "current").stat().st_mode & 0o777 == 0o644


def test_status_file_keeps_its_inode(program: Path, place: Path) -> None:
    with Running(program, ["=status"], place / "x") as multilog:
        path = multilog.cwd / "status"
        assert path.read_bytes() == b""
        before = path.stat()
        for line in (b"a longer line", b"short", b""):
            multilog.write(line + b"\n")
            assert path.read_bytes() == line.ljust(1001, b"\n")
        assert path.stat().st_ino == before.st_ino
        assert path.stat().st_mode & 0o7777 == 0o600


def test_lines_are_written_at_once(program: Path, place: Path) -> None:
    with Running(program, ["./d", "e"], place / "x") as multilog:
        for number in range(20):
            multilog.write(b"%d\n" % number)
            assert multilog.current() == b"".join(b"%d\n" % n for n in range(number + 1))


CURIOUS = """!
exec 3>&2
{ umask; ulimit -a; env | grep -v ^PWD= | sort; echo "$0 $#"; pwd -P | sed "s,.*/,,"
for fd in 0 1 2 3 4 5 6 7 8 9 10; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; done
grep -E '^(Sig[^Q]|ShdPnd|Uid|Gid|Groups|Umask|NoNewPrivs|Seccomp)' /proc/self/status; } >&2
cat; cat <&4 >&5; echo more >&5
"""


STRICT = 'umask 77; ulimit -n 100; ulimit -c 0; unset PWD OLDPWD; exec "$@"'


def test_what_a_processor_inherits(place: Path, oracle: Path, ours: Path) -> None:
    seen = []
    for name, where in (("c", oracle), ("ours", ours)):
        (place / name).mkdir()
        environment = {"PATH": os.environ["PATH"], "A": "1", "B": "\xff"}
        seen.append(
            subprocess.run(
                ["sh", "-c", STRICT, "sh", where / "multilog", "s4096", CURIOUS, "./d"],
                input=b"line\n" * 2000,
                stderr=subprocess.PIPE,
                cwd=place / name,
                env=environment,
                check=False,
            ).stderr
        )
    assert seen[1] == seen[0]
    assert b"B=" in seen[0] and b"LC_CTYPE" not in seen[0]
    assert logs.picture(place / "ours") == logs.picture(place / "c")


def without_repetition(errors: bytes) -> bytes:
    """Take out what C says too much: of a crash that it failed as well, and an old ``errno``."""
    return re.sub(
        rb"((?:crashed|wait failed for processor) in \./d, pausing)((?:: .*)?)\n.* failed .*",
        lambda found: found[1] + (found[2] if b"wait" in found[1] else b""),
        errors,
    )


def ends_abruptly(directory: Path) -> None:
    """Leave a log directory as a logger that was killed in the middle of things."""
    directory.mkdir()
    for name in ("current", "previous", "processed", "state", "newstate"):
        (directory / name).write_text(name + "\n")
        (directory / name).chmod(0o644)


def ends_processed(directory: Path) -> None:
    ends_abruptly(directory)
    (directory / "processed").chmod(0o744)


def ends_well(directory: Path) -> None:
    directory.mkdir()
    (directory / "current").write_text("current\n")
    (directory / "current").chmod(0o744)


def is_new(directory: Path) -> None:
    pass


PROCESSOR = ["!cat; echo ok >&5"]

Trouble = tuple[str, str, int, Callable[[Path], None], list[str]]
"""System call, name (``/...`` of a descriptor), which of its calls fails, what was there
before, settings."""

TROUBLE: list[Trouble] = [
    ("openat", ".", 1, is_new, []),
    ("openat", "x", 1, is_new, []),
    ("openat", "x", 2, is_new, []),
    ("lseek", "/x", 1, is_new, []),
    ("write", "/x", 1, is_new, []),
    ("mkdir", "./d", 1, is_new, []),
    ("mkdir", "./d", 1, ends_well, []),
    ("openat", "./d", 1, is_new, []),
    ("openat", "lock", 1, is_new, []),
    ("flock", "/d/lock", 1, is_new, []),
    ("newfstatat", "current", 1, ends_well, []),
    ("openat", "current", 1, ends_well, []),
    ("fchmod", "/d/current", 1, ends_well, []),
    ("newfstatat", "processed", 1, ends_abruptly, []),
    ("unlink", "state", 1, ends_abruptly, []),
    ("unlink", "newstate", 1, ends_abruptly, []),
    ("unlink", "processed", 1, ends_abruptly, []),
    ("unlink", "previous", 1, ends_processed, []),
    ("newfstatat", "previous", 1, ends_abruptly, []),
    ("newfstatat", "processed", 2, ends_processed, []),
    ("link", "previous", 1, ends_abruptly, []),
    ("unlink", "previous", 1, ends_abruptly, []),
    ("openat", "state", 1, is_new, []),
    ("openat", "current", 1, is_new, []),
    ("fchmod", "/d/current", 1, is_new, []),
    ("write", "/d/current", 1, is_new, []),
    ("fsync", "/d/current", 1, is_new, []),
    ("rename", "current", 1, is_new, []),
    ("openat", "current", 2, is_new, []),
    ("fchmod", "/d/current", 2, is_new, []),
    ("chmod", "previous", 1, is_new, []),
    ("clone", "", 1, is_new, PROCESSOR),
    ("wait4", "", 1, is_new, PROCESSOR),
    ("openat", "processed", 1, is_new, PROCESSOR),
    ("fsync", "/d/processed", 1, is_new, PROCESSOR),
    ("fchmod", "/d/processed", 1, is_new, PROCESSOR),
    ("openat", "newstate", 1, is_new, PROCESSOR),
    ("fsync", "/d/newstate", 1, is_new, PROCESSOR),
    ("unlink", "previous", 1, is_new, PROCESSOR),
    ("rename", "newstate", 1, is_new, PROCESSOR),
    ("link", "processed", 1, is_new, PROCESSOR),
    ("unlink", "processed", 2, is_new, PROCESSOR),
    ("getdents64", "/d", 1, is_new, []),
    ("fsync", "/d/current", 2, is_new, []),
    ("fchmod", "/d/current", 3, is_new, []),
]

KIN = {
    "unlink": ["unlink", "unlinkat"],
    "rename": ["rename", "renameat", "renameat2"],
    "link": ["link", "linkat"],
    "mkdir": ["mkdir", "mkdirat"],
    "chmod": ["chmod", "fchmodat"],
    "clone": ["clone", "clone3", "fork", "vfork"],
    "newfstatat": ["newfstatat", "stat"],
}
"""System calls for the same thing: by path, and from a directory's descriptor."""


FAIL = "[ -e ../failed ] || { touch ../failed; exit 1; }"
DIE = "[ -e ../died ] || { touch ../died; kill -9 $$; }"
CRASHING = [f"!{FAIL}; {DIE}; cat"]
"""A processor that fails, then dies, then succeeds."""

Observation = tuple[int, bytes, dict[str, tuple[str, bytes]]]


NO_PAUSE = "-einject=clock_nanosleep:retval=0"
"""Has our pauses take no time. C's do: it looks at the clock."""


def attempt(
    program: Path, prepare: Callable[[Path], None], settings: list[str], *strace: str
) -> tuple[Observation, list[str]]:
    """Run ``program`` under ``strace`` with these options, on a log directory made by
    ``prepare``; return all it did, and its system calls.
    """
    with logs.scratch() as place:
        cwd = place / "w"
        cwd.mkdir()
        prepare(cwd / "d")
        tracer = ["strace", "-qq", "-y", "-o", f"{cwd}.trace"]
        done = subprocess.run(
            [*tracer, *strace, program, "=x", "s4096", *settings, "n2", "./d"],
            input=b"a line of some length\n" * 150,
            stderr=subprocess.PIPE,
            cwd=cwd,
            check=False,
        )
        errors = re.sub(rb"@[0-9a-f]{24}", b"@LABEL", without_repetition(done.stderr))
        trace = Path(f"{cwd}.trace").read_text().splitlines()
        return (done.returncode, errors, logs.picture(cwd)), trace


def is_for(line: str, call: str, name: str) -> bool:
    """Tell whether a line of a trace is such a call for ``name`` (``/...`` of a descriptor)."""
    shown = f"<[^>]*{name}>" if name[:1] == "/" else f'"{re.escape(name)}"' if name else ""
    return line.split("(")[0] in KIN.get(call, [call]) and bool(re.search(shown, line))


def place_of(trace: list[str], call: str, name: str, when: int) -> tuple[str, int]:
    """Find a call for ``name`` in a trace; return its own name, and how many of that name
    there are up to it.
    """
    at = [at for at, line in enumerate(trace) if is_for(line, call, name)][when - 1]
    own = trace[at].split("(")[0]
    return own, sum(line.startswith(own + "(") for line in trace[: at + 1])


ATTEMPTS = 10
"""Where a call is in a trace depends, for some, on how long others took."""


class Tampering:
    """Makes calls of one program fail."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.traces: dict[object, list[str]] = {}
        for _, _, _, prepare, settings in TROUBLE:
            if (prepare, bool(settings)) not in self.traces:
                _, trace = attempt(program, prepare, settings, NO_PAUSE)
                self.traces[prepare, bool(settings)] = trace

    def __call__(self, trouble: Trouble) -> Observation:
        call, name, when, prepare, settings = trouble
        # A processor that we don't wait for has to end before the next is started.
        pause = [] if call == "wait4" else [NO_PAUSE]
        trace = self.traces[prepare, bool(settings)]
        for _ in range(ATTEMPTS):
            own, count = place_of(trace, call, name, when)
            inject = f"-einject={own}:error=EIO:when={count}"
            seen, trace_of_it = attempt(self.program, prepare, settings, *pause, inject)
            failed = [line for line in trace_of_it if "EIO" in line]
            if len(failed) == 1 and is_for(failed[0], call, name):
                return seen
            _, trace = attempt(self.program, prepare, settings, NO_PAUSE)
        raise AssertionError(f"{call} for {name} is made now here, now there")


def crash(program: Path) -> Observation:
    seen, _ = attempt(program, is_new, CRASHING, NO_PAUSE)
    return seen


@pytest.fixture(scope="module")
def by_c(oracle: Path) -> Iterator[dict[str, Future[Observation]]]:
    """What C does in each case: all at once, as each takes some five seconds of sleep."""
    tampering = Tampering(oracle / "multilog")
    with ThreadPoolExecutor(len(TROUBLE) + 1) as pool:
        seen = {name_of(trouble): pool.submit(tampering, trouble) for trouble in TROUBLE}
        seen["crash"] = pool.submit(crash, oracle / "multilog")
        yield seen


@pytest.fixture(scope="module")
def by_us(ours: Path) -> Tampering:
    return Tampering(ours / "multilog")


def name_of(trouble: Trouble) -> str:
    call, name, when, prepare, settings = trouble
    return f"{call} {name} {when} {prepare.__name__} {bool(settings)}"


@pytest.mark.parametrize("trouble", TROUBLE, ids=name_of)
def test_trouble(trouble: Trouble, by_c: dict[str, Future[Observation]], by_us: Tampering) -> None:
    """Each call that can fail, made to fail once: the same words, and the same in the end."""
    assert by_us(trouble) == by_c[name_of(trouble)].result()


def test_processor_is_tried_again(by_c: dict[str, Future[Observation]], ours: Path) -> None:
    seen = crash(ours / "multilog")
    assert seen == by_c["crash"].result()
    assert seen[1].count(b"\n") == 2
