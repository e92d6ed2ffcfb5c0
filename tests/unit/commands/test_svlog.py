"""svlog: which logs, which lines, in what order and shape; and following across rotations."""

from __future__ import annotations

import errno
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import logs
from helpers.waiting import GENEROUS, until

from slashservice.supervise import tai
from slashservice.supervise.logs import following as followed
from slashservice.supervise.logs import shower as showing
from slashservice.supervise.logs.choice import Choice
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.reader import LogReader
from slashservice.supervise.logs.shower import TextShower
from slashservice.supervise.logs.stamps import stamp_time
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.logs.svlog_arguments import LONG, Wishes

NOON = 1_795_262_400  # 2026-11-21 12:00:00 UTC
ENVIRONMENT = {"TZ": "UTC", "PATH": os.environ["PATH"]}


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


def stamped(second: float, text: str) -> bytes:
    return tai.label(tai.pack(NOON * 10**9 + int(second * 1e9))) + b" " + text.encode() + b"\n"


def make_log(directory: Path, current: bytes, **old: bytes) -> Path:
    directory.mkdir(parents=True)
    (directory / "current").write_bytes(current)
    for name, data in old.items():
        label = tai.label(tai.pack((NOON + int(name[1:])) * 10**9)).decode()
        (directory / f"{label}.s").write_bytes(data)
    return directory


def run(ours: Path, *arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [ours / "svlog", *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def service(place: Path) -> Path:
    lines = [stamped(n, f"line {n}") for n in range(30)]
    make_log(
        place / "web/log/main",
        b"".join(lines[20:]),
        _9=b"".join(lines[:10]),
        _19=b"".join(lines[10:20]),
    )
    return place / "web"


def test_the_last_lines(service: Path, ours: Path) -> None:
    status, out, err = run(ours, service)
    assert (status, err) == (0, "")
    assert out == "".join(f"2026-11-21 12:00:{n}.000 line {n}\n" for n in range(20, 30))
    assert run(ours, "-n3", service)[1].count("\n") == 3
    assert run(ours, "--lines=25", service)[1].splitlines()[0].endswith("line 5")
    assert run(ours, "-n", "0", service)[1] == ""
    assert run(ours, "-n", "1000", service)[1] == run(ours, "-a", service)[1]
    assert run(ours, "-a", service)[1].count("\n") == 30


def test_since(service: Path, ours: Path) -> None:
    out = run(ours, "--since", "2026-11-21 12:00:15", service)[1]
    assert [line.split()[-1] for line in out.splitlines()] == [str(n) for n in range(15, 30)]


def test_pattern(service: Path, ours: Path) -> None:
    assert run(ours, "-a", "--grep", "LINE .5$", "-i", service)[1].count("\n") == 2
    assert run(ours, "-a", "-g", "LINE .5$", service)[1] == ""
    assert run(ours, "-a", "-v", "-g", "[1-9]", service)[1] == "2026-11-21 12:00:00.000 line 0\n"


def test_raw(service: Path, ours: Path) -> None:
    out = run(ours, "-r", "-n1", service)[1]
    assert out.encode() == stamped(29, "line 29")


def test_several_services_in_the_order_of_time(place: Path, ours: Path) -> None:
    make_log(place / "s/a/log/main", stamped(1, "one") + stamped(3, "three"))
    make_log(place / "s/long/log/main", stamped(2, "two") + b"no stamp\n" + stamped(4, "four"))
    expected = [
        "2026-11-21 12:00:01.000 a    one",
        "2026-11-21 12:00:02.000 long two",
        "long no stamp",
        "2026-11-21 12:00:03.000 a    three",
        "2026-11-21 12:00:04.000 long four",
    ]
    for option in ("-a", "-n5"):
        assert run(ours, option, place / "s")[1].splitlines() == expected
        assert run(ours, option, place / "s/a", place / "s/long")[1].splitlines() == expected
    assert run(ours, "-n2", place / "s")[1].splitlines() == expected[-2:]


def test_logs_that_the_run_script_names(place: Path, ours: Path) -> None:
    make_log(place / "elsewhere/x", b"x\n")
    make_log(place / "s/log/main", b"main\n")
    make_log(place / "s/log/other", b"other\n")
    script = place / "s/log/run"
    script.write_text(f"#!/bin/sh\nexec multilog t ./main {place}/elsewhere/x\n")
    assert sorted(run(ours, place / "s")[1].splitlines()) == ["s/main main", "s/x    x"]
    script.write_text("#!/bin/sh\nexec multilog t $UNKNOWN\n")
    assert sorted(run(ours, place / "s")[1].splitlines()) == ["s/main  main", "s/other other"]


def test_compressed_files(place: Path, ours: Path) -> None:
    base = os.open(place, os.O_RDONLY)
    for name, command in (("g", b"!gzip"), ("z", b"!zstd")):
        logger = Logger([b"s4096", b"n100", command, b"./" + name.encode()])
        carry_out(logger.start(base))
        carry_out(logger.feed(b"".join(b"line %d\n" % n for n in range(2000))))
        carry_out(logger.finish())
        assert len(list((place / name).glob("@*"))) > 3
        out = run(ours, "-a", place / name)[1]
        assert out == "".join(f"line {n}\n" for n in range(2000))
    os.close(base)


def test_colours(service: Path, ours: Path) -> None:
    out = run(ours, "--color=always", "-n1", service)[1]
    assert out == "\x1b[2m2026-11-21 12:00:29.000\x1b[0m line 29\n"
    make_log(service.parent / "b/log/main", b"x\n")
    assert "\x1b[36mb  \x1b[0m x\n" in run(ours, "-c", "always", "-a", service.parent)[1]
    assert "\x1b" not in run(ours, service.parent)[1]


@pytest.mark.parametrize(
    "arguments", [[], ["-x", "d"], ["-n", "many", "d"], ["-c", "red", "d"], ["--nothing", "d"]]
)
def test_misuse(arguments: list[str], ours: Path) -> None:
    status, out, err = run(ours, *arguments)
    assert (status, out) == (100, "")
    assert "svlog: usage: svlog " in err


def test_trouble(service: Path, ours: Path) -> None:
    assert run(ours, "/nowhere")[::2] == (
        111,
        "svlog: warning: no log in /nowhere\nsvlog: fatal: no log found\n",
    )
    assert run(ours, "-g", "(", service)[0] == 111
    assert run(ours, "-s", "yesterday-ish", service)[::2] == (
        111,
        "svlog: fatal: not a time: yesterday-ish\n",
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ours / "svlog", service], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 111


def test_stamps() -> None:
    assert stamp_time(stamped(0.25, "x")) == NOON * 10**9 + 250_000_000
    assert stamp_time(b"1795262400.250000 x") == NOON * 10**9 + 250_000_000
    for line in (
        b"",
        b"x",
        b"@400000006b01 x",
        b"12.5 x",
        b"1795262400.25 x",
        b"@" + b"z" * 24 + b" x",
    ):
        assert stamp_time(line) in (None, 0)


@pytest.mark.parametrize("processor", [[], [b"!gzip"], [b"!cat"]])
def test_following_across_rotations(processor: list[bytes], place: Path) -> None:
    """However the reader's looks and the logger's rotations interleave, each line comes once."""
    base = os.open(place, os.O_RDONLY)
    logger = Logger([b"s4096", b"n1000", *processor, b"./d"])
    carry_out(logger.start(base))
    reader = LogReader(bytes(place / "d"), b"d")
    text = [b"line %d %s" % (n, b"x" * (n % 50)) for n in range(1500)]
    seen: list[bytes] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.extend(line[2] for line in reader.new_lines())
        seen.extend(line[2] for line in reader.new_lines())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for at in range(0, len(text), 13):
            carry_out(logger.feed(b"".join(line + b"\n" for line in text[at : at + 13])))
    finally:
        done.set()
        thread.join()
    carry_out(logger.finish())
    os.close(base)
    assert seen == text


class Interrupted(LogReader):
    """A reader that finds no new lines at first, and then the logger goes on."""

    def __init__(self, directory: Path, *steps: Callable[[], object]) -> None:
        super().__init__(bytes(directory), b"d")
        self.steps = list(steps)

    def new_lines(self) -> Iterator[tuple[int | None, bytes, bytes]]:
        yield from super().new_lines()
        if self.steps:
            self.steps.pop(0)()


@pytest.mark.parametrize("last", ["previous", "linked", "named", "named and one more"])
def test_a_file_gets_its_name_just_while_it_is_looked_for(last: str, place: Path) -> None:
    def logger_goes_on() -> None:
        if last != "previous":
            (log / f"{stamps[2]}.s").hardlink_to(log / "previous")
        if last.startswith("named"):
            (log / "previous").unlink()
        if last.endswith("more"):
            (log / "previous").write_bytes(stamped(3, "three"))

    stamps = [tai.label(tai.pack((NOON + n) * 10**9)).decode() for n in range(5)]
    expected = [b"one", b"two"] + [b"three"] * last.endswith("more")
    for way in ("lines", "last_lines"):
        log = make_log(place / way, b"", _1=stamped(1, "one"))
        (log / "previous").write_bytes(stamped(2, "two"))
        reader = Interrupted(log, logger_goes_on)
        found = reader.lines() if way == "lines" else reader.last_lines(len(expected))
        assert [line[2] for line in found] == expected
        if (log / "previous").exists():
            (log / "previous").rename(log / f"{stamps[len(expected)]}.s")
        (log / "current").write_bytes(stamped(4, "four"))
        assert [line[2] for line in reader.new_lines()] == [b"four"]


def test_a_file_is_rotated_while_it_is_read(place: Path) -> None:
    log = make_log(place / "log", stamped(1, "one"))
    reader = LogReader(bytes(log), b"log")
    found = reader.lines()
    assert next(found)[2] == b"one"
    (log / "current").rename(log / "previous")
    assert list(found) == []
    for number, word in ((2, "two"), (3, "three")):
        stamp = tai.label(tai.pack((NOON + number) * 10**9)).decode()
        (log / ("previous" if number == 2 else "current")).rename(log / f"{stamp}.s")
        (log / "current").write_bytes(stamped(number, word))
        assert [line[2] for line in reader.new_lines()] == [word.encode()]


def test_since_holds_for_a_file_being_finished(place: Path) -> None:
    log = make_log(place / "log", b"")
    (log / "previous").write_bytes(stamped(1, "one") + stamped(2, "two"))
    found = LogReader(bytes(log), b"log", Choice(since=(NOON + 2) * 10**9)).lines()
    assert [line[2] for line in found] == [b"two"]


@pytest.mark.parametrize("instead", [None, "a file"])
def test_a_directory_that_is_removed_has_no_more_lines(instead: str | None, place: Path) -> None:
    for current in (b"", stamped(2, "two")):
        log = make_log(place / "log", current, _1=stamped(1, "one"))
        reader = LogReader(bytes(log), b"log")
        assert len(list(reader.lines())) == 1 + bool(current)
        shutil.rmtree(log)
        if instead:
            log.write_text(instead)
        assert list(reader.new_lines()) == list(reader.lines()) == reader.last_lines(5) == []
        log.unlink(missing_ok=True)


def test_following_as_a_process(place: Path, ours: Path) -> None:
    log = make_log(place / "a/log/main", stamped(1, "one"))
    make_log(place / "b/log/main", b"")
    command = [str(ours / "svlog"), "-f", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == b"2026-11-21 12:00:01.000 a one\n"
            with (log / "current").open("ab") as current:
                current.write(stamped(2, "two"))
                current.flush()
                assert process.stdout.readline() == b"2026-11-21 12:00:02.000 a two\n"
                current.write(stamped(3, "three"))
            (log / "current").rename(log / (tai.label(tai.now()).decode() + ".s"))
            (log / "current").write_bytes(stamped(4, "four"))
            assert process.stdout.readline() == b"2026-11-21 12:00:03.000 a three\n"
            assert process.stdout.readline() == b"2026-11-21 12:00:04.000 a four\n"
        finally:
            process.terminate()
    assert process.returncode == -15


class Following:
    """A process that follows, of which each line is waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def line(self) -> list[str]:
        """Return the words of the next line, without its time."""
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], GENEROUS)[0]
        return self.process.stdout.readline().decode().split()[2:]

    def watches(self) -> int:
        """Return how many directories the kernel tells it about."""
        found = 0
        for info in Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                found += info.read_text().count("inotify wd:")
        return found


@contextmanager
def following(ours: Path, *words: str | Path, **environment: str) -> Iterator[Following]:
    """Run ``svlog -f``, and end it."""
    with subprocess.Popen(
        [str(ours / "svlog"), "-f", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**ENVIRONMENT, **environment},
        bufsize=0,
    ) as process:
        try:
            yield Following(process)
        finally:
            process.kill()


def say(log: Path, word: str) -> None:
    """Have a service say something now, in a log that is made if it is not there."""
    log.mkdir(parents=True, exist_ok=True)
    with (log / "current").open("ab") as current:
        current.write(tai.label(tai.now()) + b" " + word.encode() + b"\n")


@pytest.mark.parametrize("scanned", ["a directory", "a pattern"])
def test_services_that_come_and_go_while_they_are_followed(
    scanned: str, place: Path, ours: Path
) -> None:
    scan = place / "s"
    say(scan / "a1/log/main", "begun")
    word = str(scan) if scanned == "a directory" else "a*"
    with following(ours, word, SVDIR=str(scan)) as log:
        assert log.line() == ["begun"]
        until(lambda: log.watches() == 2, "that it watches the services and the log")
        say(scan / "a2/log/main", "of a new one")
        assert log.line() == ["a2", "of", "a", "new", "one"]
        say(scan / "a1/log/main", "still")
        assert log.line() == ["a1", "still"]
        say(scan / "a2/log/main", "the last")
        (scan / "a2").rename(place / "gone")
        assert log.line() == ["a2", "the", "last"]
        until(lambda: log.watches() == 2, "that it lets go of what is gone")
        say(place / "gone/log/main", "meanwhile")
        (place / "gone").rename(scan / "a2")
        assert log.line() == ["a2", "meanwhile"]
        say(scan / "a1/log/main", "end")
        assert log.line() == ["a1", "end"]


def test_services_are_waited_for(place: Path, ours: Path) -> None:
    assert run(ours, place)[0] == 111
    with following(ours, place) as log:
        say(place / "a/log/main", "the first")
        assert log.line() == ["the", "first"]


def test_a_new_log_without_stamps_is_followed(place: Path, ours: Path) -> None:
    say(place / "s/a/log/main", "begun")
    with following(ours, place / "s") as log:
        assert log.line() == ["begun"]
        make_log(place / "s/b/log/main", b"1 no stamp\n")
        assert log.line() == ["no", "stamp"]
        with (place / "s/b/log/main/current").open("ab") as current:
            current.write(b"1 nor here\n")
        assert log.line() == ["nor", "here"]


@pytest.mark.parametrize("left", [b"", b"one\ntw", b"one\n"])
def test_a_file_that_is_cut_while_it_is_followed(left: bytes, place: Path) -> None:
    """What is new in it comes; nothing comes twice if only the end of a line was taken back."""
    log = make_log(place / "log", b"one\ntwo and more")
    reader = LogReader(bytes(log), b"log")
    assert [line[2] for line in reader.new_lines()] == [b"one"]
    (log / "current").write_bytes(left)
    assert [line[2] for line in reader.new_lines()] == []
    with (log / "current").open("ab") as current:
        current.write(b"o\n")
    expected = left[4:] + b"o"
    assert [line[2] for line in reader.new_lines()] == [expected]
    reader.close()


def test_names_and_patterns_of_names(place: Path, ours: Path) -> None:
    for name in ("web1", "web2", "db", ".web3"):
        make_log(place / name / "log/main", name.encode() + b"\n")

    def names(*words: str) -> tuple[int, list[str], str]:
        done = subprocess.run(
            [ours / "svlog", *words],
            capture_output=True, text=True, env={**ENVIRONMENT, "SVDIR": str(place)}, check=False,
        )  # fmt: skip
        return done.returncode, [line.split()[-1] for line in done.stdout.splitlines()], done.stderr

    assert names("web*") == (0, ["web1", "web2"], "")
    assert names("-u", "web[2-9]", "-u", "db") == (0, ["web2", "db"], "")
    assert names("web1", "web?", "db")[1] == ["web1", "web2", "db"]
    assert names("x*")[::2] == (111, "svlog: warning: no log in x*\nsvlog: fatal: no log found\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["-s", "1h", "-U", "2h"], 111),
        (["-f", "-U", "1h"], 100),
        (["-U", "never"], 111),
        (["-n", "9" * 30], 0),
        (["--until", "now", "--json"], 0),
        (["--help"], 100),
    ],
)
def test_what_goes_together(words: list[str], status: int, service: Path, ours: Path) -> None:
    found, _, said = run(ours, *words, service)
    assert (found, said.count("\n") > 0) == (status, bool(status))
    assert "internal error" not in said


def test_help(ours: Path) -> None:
    status, out, said = run(ours, "--help")
    assert (status, said) == (0, "")
    for option in LONG:
        assert option.decode() in out or option == b"--colour"


def test_after_two_dashes_all_are_directories(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes = Wishes([b"--all", b"--", b"--raw", b"-f", b"--"])
    assert wishes.directories == [b"--raw", b"-f", b"--"]
    assert (wishes.all, wishes.raw, wishes.follow) == (True, False, False)


class Enough(BaseException):
    """Ends what would go on for ever."""


class NoRoom:
    """A watcher of a kernel that takes no more directories."""

    tells_names = True

    def add(self, path: bytes, what: int) -> None:
        raise OSError(errno.ENOSPC, "")


@pytest.mark.parametrize("watcher", [None, NoRoom()])
def test_following_what_the_kernel_does_not_report(
    watcher: object,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    log = make_log(place / "log", b"one\n")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise Enough
        with (log / "current").open("ab") as file:
            file.write(b"after %d\n" % len(slept))

    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic, time_ns=time.time_ns)
    monkeypatch.setattr(followed, "kernel_watcher", lambda: watcher)
    monkeypatch.setattr(followed, "time", clock)
    reader = LogReader(bytes(log), b"log")
    shower = TextShower(Wishes([b"log"]), [reader])
    with pytest.raises(Enough):
        followed.Follower([reader], shower, lambda: [reader], [], 0).run()
    assert slept == [followed.SECONDS_BETWEEN_LOOKS] * 3
    assert capfdbinary.readouterr().out == b"one\nafter 1\nafter 2\n"
    os.close(reader._fd)


def test_many_lines_are_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first are shown before the last are read."""
    written: list[bytes] = []
    monkeypatch.setattr(showing, "write_all", lambda fd, data: written.append(data))
    reader = LogReader(b"log", b"log")
    shower = TextShower(Wishes([b"log"]), [reader])
    lines = [(0, b"", b"line %d" % number, reader) for number in range(2 * showing.AT_ONCE + 5)]
    shower.show(iter(lines))
    assert [part.count(b"\n") for part in written] == [showing.AT_ONCE, showing.AT_ONCE, 5]
    assert b"".join(written) == b"".join(b"%s\n" % line[2] for line in lines)
