"""svlog on logs whose account put something else there, or which are merely closed."""

from __future__ import annotations

import fcntl
import gzip
import os
import resource
import socket
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.waiting import GENEROUS

SECRET = "not for everybody"
LABEL = "@400000006b0187ca00000000"
NAMES = ("current", "previous", f"{LABEL}.s", f"{LABEL}.gz", f"{LABEL}\x1b[2J.s")


@pytest.fixture
def place() -> Iterator[Path]:
    with logs.scratch() as made:
        made.chmod(0o755)
        yield made


@pytest.fixture
def scan(place: Path) -> Path:
    """Three services with logs; the one in the middle is the one that something happens to."""
    for name in ("a", "m", "z"):
        main = place / "scan" / name / "log/main"
        main.mkdir(parents=True)
        (main / "lock").touch()
        (main / "current").write_text(f"{LABEL} line of {name}\n")
    return place / "scan"


def run(
    ours: Path, *arguments: str | Path, user: str | None = None, memory: int | None = None
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.run(
        [ours / "svlog", *arguments],
        capture_output=True, check=False, timeout=GENEROUS, preexec_fn=limit, user=user,
        encoding="utf-8", errors="surrogateescape",
    )  # fmt: skip


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero: whoever reads it never ends


def listening(path: Path) -> None:
    short = Path(f"/proc/self/fd/{os.open(path.parent, os.O_RDONLY)}")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(short / path.name))
    os.close(int(short.name))


def secret(path: Path) -> Path:
    file = path.parents[4] / "secret"
    file.write_text(SECRET + "\n")
    return file


KINDS: dict[str, Callable[[Path], object]] = {
    "fifo": fifo,
    "directory": Path.mkdir,
    "device": device,
    "socket": listening,
    "link": lambda path: path.symlink_to(secret(path)),
    "relative link": lambda path: path.symlink_to(os.path.relpath(secret(path), path.parent)),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "damaged": lambda path: path.write_bytes(gzip.compress(os.urandom(9000))[:-5000]),
}


@pytest.mark.root
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_of_a_log(kind: str, name: str, scan: Path, ours: Path) -> None:
    """It is named in one line, nothing waits, and the others are shown."""
    if kind == "damaged" and name == "current":
        return  # a file that is being written is never compressed, and is taken as it is
    path = scan / "m/log/main" / name
    path.unlink(missing_ok=True)
    if name == "previous":
        (path.parent / "current").write_bytes(b"")  # else nobody looks at it
    KINDS[kind](path)
    for options in (["-a"], ["-n", "3"], ["-s", "1d"], ["-a", "-r"]):
        if kind == "damaged" and options != ["-a"]:
            continue
        if options == ["-s", "1d"] and name.startswith("@"):
            continue  # too old to be looked at
        done = run(ours, *options, scan)
        assert done.returncode == 111, done
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"svlog: warning: unable to read {scan}/m/log/main/")
        assert "\x1b" not in done.stderr
        assert SECRET not in done.stdout
        if options != ["-s", "1d"]:
            for other in "az" if name in NAMES[:2] else "amz":
                assert f"line of {other}\n" in done.stdout


@pytest.mark.root
@pytest.mark.parametrize("closed", ["current", "log/main", "log", "."])
def test_what_is_closed_to_the_user(closed: str, scan: Path, ours: Path) -> None:
    path = scan / "m/log/main/current" if closed == "current" else scan / "m" / closed
    path.chmod(0o600 if closed == "current" else 0o700)
    done = run(ours, "-a", scan, user="nobody")
    assert done.returncode == 111
    assert done.stderr.startswith(f"svlog: warning: unable to read {scan}/m")
    assert done.stderr.endswith(": access denied\n")
    assert done.stderr.count("\n") == 1
    assert [line[-9:] for line in done.stdout.splitlines()] == ["line of a", "line of z"]


@pytest.mark.root
def test_a_script_that_is_closed_to_the_user(scan: Path, ours: Path) -> None:
    """It may name a log elsewhere; so it is not said that there is none."""
    script = scan / "x/log/run"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o700)
    done = run(ours, scan / "x", user="nobody")
    said = f"svlog: warning: unable to read {script}: access denied\nsvlog: fatal: no log found\n"
    assert (done.returncode, done.stdout, done.stderr) == (111, "", said)


@pytest.mark.root
def test_the_supervisors_directory_is_no_closed_log(scan: Path, ours: Path) -> None:
    for folder in (scan / "m/supervise", scan / "m/log/supervise"):
        folder.mkdir(mode=0o700)
    done = run(ours, "-a", scan, user="nobody")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 3)


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_file_that_is_leased(name: str, scan: Path, ours: Path) -> None:
    path = scan / "m/log/main" / name
    (path.parent / "current").write_bytes(b"")
    path.write_text("leased\n")
    with path.open("r+") as holder:
        fcntl.fcntl(holder, fcntl.F_SETSIG, 0)
        fcntl.fcntl(holder, fcntl.F_NOTIFY, 0)
        import signal

        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        try:
            fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            done = run(ours, "-a", scan)
        finally:
            fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            signal.signal(signal.SIGIO, before)
    assert done.returncode == 111
    assert done.stderr == f"svlog: warning: unable to read {path}: temporary failure\n"
    assert "line of a\n" in done.stdout
    assert "line of z\n" in done.stdout


def test_a_run_script_that_is_a_fifo(scan: Path, ours: Path) -> None:
    os.mkfifo(scan / "m/log/run")
    done = run(ours, "-a", scan)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 3)


def test_a_directory_may_be_a_link(scan: Path, ours: Path) -> None:
    (scan / "m/log/main").rename(scan.parent / "elsewhere")
    (scan / "m/log/main").symlink_to(scan.parent / "elsewhere")
    done = run(ours, "-a", scan)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 3)


@pytest.mark.parametrize("line", [b"x" * 1_000_000 + b"\n", b"\0" * 1_000_000])
@pytest.mark.parametrize("options", [["-a"], ["-n", "1"]])
@pytest.mark.parametrize("parts", [1, 3])
def test_little_that_holds_much(
    line: bytes, options: list[str], parts: int, place: Path, ours: Path
) -> None:
    """Lines of a million bytes or one without an end, far more than there is memory."""
    log = place / "log"
    log.mkdir()
    with (log / f"{LABEL}.gz").open("wb") as file:
        for _ in range(parts):
            packer = zlib.compressobj(1, wbits=31)
            for _ in range(300 // parts):
                file.write(packer.compress(line))
            file.write(packer.flush())
        assert file.tell() < 4_000_000
    (log / "current").write_text("the last\n")
    command = [str(ours / "svlog"), *options, str(log)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (200_000_000, 200_000_000))

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        size, end = 0, b""
        while piece := process.stdout.read(1 << 20):
            size += len(piece)
            end = piece[-9:]
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert end == b"the last\n"
    if options == ["-a"]:
        assert size >= 300_000_000


def test_a_terminal_is_not_steered(scan: Path, ours: Path) -> None:
    """Escape sequences are shown in words there, and are as they are in a pipe."""
    evil = b"\x1b]0;title\x07 \x9b31m \xc2\x9b2J \xe2\x80\xaetxt.exe \x7f\r\xff \xc3\xa4\tend"
    (scan / "m/log/main/current").write_bytes(evil + b"\n")
    shown = (
        rb"\x1b]0;title\x07 \x9b31m \x9b2J \u202etxt.exe \x7f\r\xff ".replace(b"\\r", rb"\r")
        + b"\xc3\xa4\tend"
    )
    piped = subprocess.run([ours / "svlog", "-a", scan / "m"], capture_output=True, check=True)
    assert piped.stdout == evil + b"\n"
    main, side = os.openpty()
    try:
        options = ["-a", "--color=never"]
        subprocess.run([ours / "svlog", *options, scan / "m"], stdout=side, check=True)
        assert os.read(main, 10_000).expandtabs() == shown.expandtabs() + b"\r\n"
    finally:
        os.close(main)
        os.close(side)


def test_a_time_beyond_all_calendars(scan: Path, ours: Path) -> None:
    stamps = ["@" + digit * 24 for digit in "0478f"] + ["9999999999999.000000"]
    (scan / "m/log/main/current").write_text("".join(f"{stamp} x\n" for stamp in stamps))
    for options in (["-a"], ["-a", "-r"]):
        done = run(ours, *options, scan / "m")
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", len(stamps))
