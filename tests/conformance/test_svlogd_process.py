"""svlogd as a process, beside runit's: words, signals, configurations, processors, UDP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.running import Running
from helpers.waiting import GENEROUS, until

RUNIT = Path("/usr/bin/svlogd")

LABEL = re.compile(rb"@[0-9a-f]{24}")


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        yield made


@pytest.fixture(params=["theirs", "ours"])
def program(request: pytest.FixtureRequest, ours: Path) -> Path:
    """Both programs, one after the other: what is asserted of ours must be true of runit's."""
    return RUNIT if request.param == "theirs" else ours / "svlogd"


@pytest.fixture
def where(place: Path) -> Path:
    (place / "x" / "d").mkdir(parents=True)
    return place / "x"


def configure(where: Path, *lines: str) -> None:
    (where / "d/config").write_text("".join(line + "\n" for line in lines))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def said(errors: bytes) -> list[bytes]:
    return [line for line in LABEL.sub(b"@", errors).splitlines() if b"sigchild" not in line]


WORDS: list[list[str]] = [
    [],
    ["-x", "d"],
    ["-r"],
    ["-r", "", "d"],
    ["-r", "ab", "d"],
    ["-b", "1000", "d"],
    ["-b1001", "d"],
    ["-l", "2000", "d"],
    ["-l", "0", "-b", "0", "d"],
    ["-lx", "-bx", "d"],
    ["-l5x", "-b6", "d"],
    ["-tttt", "d"],
    ["-R", "", "d"],
    ["--", "d"],
    ["-", "d"],
    ["d", "-t"],
    ["nowhere"],
    ["file"],
    ["file/d"],
    ["nowhere", "d"],
    ["d", "d"],
    ["-v", "d"],
    ["-v", "d", "nowhere"],
    ["d/", "./e"],
    ["directory/current"],
    ["unreadable", "e"],
    ["d\udcff"],
]


def world(place: Path) -> None:
    """Make what the words name."""
    for name in ("d", "e", "directory/current", "unreadable/config"):
        (place / name).mkdir(parents=True)
    (place / "file").touch()


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_words(words: list[str], place: Path, ours: Path) -> None:
    seen = []
    for name, program in (("c", RUNIT), ("ours", ours / "svlogd")):
        (place / name).mkdir()
        world(place / name)
        done = subprocess.run(
            [program, *words],
            input=b"\ta line\n",
            stderr=subprocess.PIPE,
            cwd=place / name,
            check=False,
            timeout=GENEROUS,
        )
        errors = done.stderr.replace(b"usage: /usr/bin/svlogd", b"usage: svlogd")
        seen.append((done.returncode, errors, logs.picture(place / name)))
    assert seen[1] == seen[0]


LINES = ["u1.2.3", "u", "U300.1.2.3x", "u1.2.3.4:", "u1.2.3.4:x", "ux.1.1.1", "u1.2.3.4:65536"]


@pytest.mark.parametrize("line", LINES)
def test_addresses_that_are_none(line: str, where: Path, program: Path) -> None:
    configure(where, line)
    done = subprocess.run([program, "d"], input=b"x\n", capture_output=True, cwd=where, check=True)
    value = line[1:]
    if line[0] == "U" or line.endswith("65536"):
        assert done.stderr == b""
    elif ":" in line:
        port = value.partition(":")[2]
        assert done.stderr == b"svlogd: warning: unable to scan port number: %s\n" % port.encode()
    else:
        assert done.stderr == b"svlogd: warning: unable to scan ip address: %s\n" % value.encode()


@pytest.mark.parametrize("stdin", ["closed", "for writing"])
def test_input_that_cannot_be_read(stdin: str, where: Path, program: Path) -> None:
    redirection = "<&-" if stdin == "closed" else "0>file"
    words = ["sh", "-c", f'exec "$0" d {redirection}', str(program)]
    done = subprocess.run(words, capture_output=True, cwd=where, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith(b"svlogd: warning: unable to read standard input: ")


def test_term_when_idle(program: Path, where: Path) -> None:
    with Running(program, ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        assert mode(where / "d/current") == 0o644
        svlogd.signal(signal.SIGTERM)
        os.write(svlogd.fifo, b"for the next\n")
        assert svlogd.end() == (0, b"")
        assert svlogd.current() == b"abc\n"
        assert mode(where / "d/current") == 0o744
        assert os.read(svlogd.fifo, 100) == b"for the next\n"


def test_alarm(program: Path, where: Path) -> None:
    with Running(program, ["d"], where) as svlogd:
        svlogd.signal(signal.SIGALRM)  # nothing to rotate
        svlogd.write(b"abc\nde")
        svlogd.signal(signal.SIGALRM)
        until(lambda: svlogd.old() == [b"abc\n"] and svlogd.waits(), "rotated")
        assert svlogd.current() == b""
        assert mode(where / "d/current") == 0o644
        svlogd.write(b"f\n")
        svlogd.write(b"z" * 1200)
        svlogd.signal(signal.SIGALRM)
        until(lambda: len(svlogd.old()) == 2 and svlogd.waits(), "rotated twice")
        svlogd.write(b"\nend\n")
        svlogd.signal(signal.SIGTERM)
        assert svlogd.end() == (0, b"")
        assert svlogd.old() == [b"abc\n", b"def\n" + b"z" * 1200]
        assert svlogd.current() == b"\nend\n"


def test_hangup(program: Path, where: Path) -> None:
    with Running(program, ["-v", "d"], where) as svlogd:
        svlogd.write(b"one\n")
        configure(where, "p> ", "-*x*", "U127.0.0.1.9")
        svlogd.signal(signal.SIGHUP)
        until(svlogd.waits, "opened again")
        configure(where, "p> ", "-*x*")
        svlogd.signal(signal.SIGHUP)
        until(svlogd.waits, "opened again")
        svlogd.write(b"two\nxyz\n")
        (where / "d/config").unlink()
        svlogd.signal(signal.SIGHUP)
        until(svlogd.waits, "opened again")
        svlogd.write(b"xyz\n")
        svlogd.signal(signal.SIGTERM)
        status, errors = svlogd.end()
        assert status == 0
        again = b"svlogd: info: append: d/current"
        close, read = b"svlogd: info: close: d", b"svlogd: info: read: d/config"
        hangup = b"svlogd: info: sighangup received."
        assert said(errors) == [
            b"svlogd: info: new: d/current",
            *[hangup, close, read, again] * 2,
            *[hangup, close, again],
            *[b"svlogd: info: sigterm received.", close],
        ]
        assert svlogd.current() == b"one\n> two\nxyz\n"


def test_no_directory_after_hangup(program: Path, where: Path) -> None:
    with Running(program, ["d"], where) as svlogd:
        svlogd.write(b"one\n")
        (where / "d").rename(where / "e")
        svlogd.signal(signal.SIGHUP)
        status, errors = svlogd.end()
        assert status == 111
        assert errors.splitlines() == [
            b"svlogd: warning: unable to open log directory: d: file does not exist",
            b"svlogd: fatal: no functional log directories.",
        ]
        assert (where / "e/current").read_bytes() == b"one\n"
        assert mode(where / "e/current") == 0o744


def test_a_directory_that_comes_later(program: Path, where: Path) -> None:
    with Running(program, ["d", "e"], where) as svlogd:
        svlogd.write(b"one\n")
        (where / "e").mkdir()
        svlogd.signal(signal.SIGHUP)
        until((where / "e/current").exists, "opened")
        svlogd.write(b"two\n")
        svlogd.signal(signal.SIGTERM)
        missing = b"svlogd: warning: unable to open log directory: e: file does not exist\n"
        assert svlogd.end() == (0, missing)
        assert (where / "e/current").read_bytes() == b"two\n"
        assert svlogd.current() == b"one\ntwo\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1])
def test_other_signals_end_it(program: Path, where: Path, number: int) -> None:
    with Running(program, ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        svlogd.signal(number)
        assert svlogd.end() == (-number, b"")
        assert svlogd.current() == b"abc\n"
        assert mode(where / "d/current") == 0o644


def test_an_age(program: Path, where: Path) -> None:
    configure(where, "t1")
    with Running(program, ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        until(lambda: svlogd.old() == [b"abc\n"], "rotated")
        svlogd.write(b"def\n")
        until(lambda: svlogd.old() == [b"abc\n", b"def\n"], "rotated again")


def test_a_processor_runs_beside(program: Path, where: Path) -> None:
    os.mkfifo(where / "go")
    configure(where, "!cat ../go; cat <&4; tr a-z A-Z; echo state >&5")
    with Running(program, ["-v", "d"], where) as svlogd:
        svlogd.write(b"abc\n")
        svlogd.signal(signal.SIGALRM)
        until(lambda: len(svlogd.old()) == 2, "processor runs")
        svlogd.write(b"meanwhile\n")
        assert svlogd.current() == b"meanwhile\n"
        (where / "go").write_bytes(b"go\n")
        until(lambda: svlogd.old() == [b"go\nABC\n"] and svlogd.waits(), "processed")
        until((where / "d/state").read_bytes, "state is there")
        (old,) = (where / "d").glob("@*")
        assert old.suffix == ".s" and mode(old) == 0o744
        svlogd.signal(signal.SIGALRM)
        until(lambda: len(svlogd.old()) == 3, "processor runs")
        svlogd.signal(signal.SIGTERM)
        (where / "go").write_bytes(b"")
        status, errors = svlogd.end()
        assert status == 0
        assert svlogd.old() == [b"go\nABC\n", b"state\nMEANWHILE\n"]
        assert said(errors)[-3:] == [
            b"svlogd: info: sigterm received.",
            b"svlogd: info: processed: d/@.s",
            b"svlogd: info: close: d",
        ]


def test_a_processor_that_fails_once(program: Path, where: Path) -> None:
    configure(where, "!cat; test -e ../again || { touch ../again; exit 3; }")
    with Running(program, ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        svlogd.signal(signal.SIGALRM)
        until(lambda: [p.suffix for p in (where / "d").glob("@*")] == [".s"], "processed")
        svlogd.signal(signal.SIGTERM)
        assert svlogd.end() == (0, b"svlogd: warning: processor failed, restart: d\n")
        assert svlogd.old() == [b"abc\n"]


def received(listener: socket.socket, lines: int) -> list[bytes]:
    return [logs.plain(listener.recv(70_000)) for _ in range(lines)]


@pytest.mark.parametrize("letter", ["u", "U"])
def test_udp(letter: str, program: Path, where: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(GENEROUS)
        port = listener.getsockname()[1]
        configure(where, f"{letter}127.0.0.1:{port}", "pweb: ", "-*no*")
        with Running(program, ["-tt", "-l", "20", "d"], where) as svlogd:
            svlogd.write(b"abc\nno\n" + b"x" * 25 + b"\n" + b"y" * 20 + b"\n\n")
            stamp = b"0000-00-00_00:00:00.00000 web: "
            texts = [b"abc", b"x" * 20 + b"...", b"y" * 20 + b"...", b""]
            assert received(listener, 4) == [stamp + text + b"\n" for text in texts]
            kept = [b"abc", b"x" * 25, b"y" * 20, b""] if letter == "u" else []
            until(
                lambda: (
                    logs.plain(svlogd.current()) == b"".join(stamp + text + b"\n" for text in kept)
                ),
                "written",
            )


def test_udp_that_cannot_be_sent(program: Path, where: Path) -> None:
    configure(where, "u255.255.255.255:9", "p> ")
    with Running(program, ["-b", "2000", "d"], where) as svlogd:
        svlogd.write(b"abc\n" + b"x" * 1200 + b"\ndef\n")
        failed = b"warning: failure sending through udp: "
        assert svlogd.current() == b"".join(
            (
                *(failed, b"> abc\n> abc\n"),
                *(failed, b"> ", b"x" * 1000, b"...\n> ", b"x" * 1200, b"\n"),
                *(failed, b"> def\n> def\n"),
            )
        )


def test_alerts(program: Path, where: Path) -> None:
    (where / "e").mkdir()
    configure(where, "ea*", "-b*", "pd: ")
    (where / "e/config").write_text("e*\nEab*\n")
    with Running(program, ["-l", "10", "d", "e"], where) as svlogd:
        svlogd.write(b"abc\nb\na\n" + b"a" * 10 + b"\n" + b"a" * 12 + b"\n")
        svlogd.signal(signal.SIGTERM)
        status, errors = svlogd.end()
        ten = b"a" * 10 + b"..."
        assert errors.splitlines() == [
            *[b"d: abc", b"b", b"d: a", b"a"],
            *[b"d: " + ten, ten] * 2,
        ]
        assert status == 0
