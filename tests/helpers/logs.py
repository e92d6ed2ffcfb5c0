"""What the tests of the loggers share: running one on given input, and looking at the result."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.waiting import GENEROUS

from slashservice.supervise import messages
from slashservice.supervise.logs.logger import BLOCK, Logger
from slashservice.supervise.logs.steps import carry_out

SHM = Path("/dev/shm")
"""Where fsync costs nothing."""

STAMP = re.compile(rb"(?m)^@[0-9a-f]{24} |^\d{4}-\d\d-\d\d[_T]\d\d:\d\d:\d\d\.\d{5} ")
FIGURE = re.compile(rb"[0-9a-f]")
NAME = re.compile(r"^@[0-9a-f]{24}\.")


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory of its own, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as made:
        yield Path(made)


def run_program(
    program_path: Path | str, script: Sequence[bytes], packets: Sequence[bytes] | bytes, cwd: Path
) -> tuple[int, bytes]:
    """Run a multilog on a file's bytes, or on packets that it reads one at a time."""
    argv = [os.fsencode(program_path), *script]
    if isinstance(packets, bytes):
        with tempfile.TemporaryFile() as stdin:
            stdin.write(packets)
            stdin.seek(0)
            done = subprocess.run(argv, stdin=stdin, stderr=subprocess.PIPE, cwd=cwd, check=False)
        return done.returncode, done.stderr
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with (
        ours,
        subprocess.Popen(argv, stdin=theirs.fileno(), stderr=subprocess.PIPE, cwd=cwd) as process,
    ):
        theirs.close()
        sender = threading.Thread(target=_send, args=(ours, packets))
        sender.start()
        _, errors = process.communicate(timeout=GENEROUS)
        sender.join()
    return process.returncode, errors


def _send(to: socket.socket, packets: Sequence[bytes]) -> None:
    try:
        for packet in packets:
            to.sendall(packet)
        to.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass


def run_here(
    script: Sequence[bytes],
    packets: Sequence[bytes] | bytes,
    cwd: Path,
    make: Callable[[Sequence[bytes]], Logger] = Logger,
) -> tuple[int, bytes]:
    """Do what ``run_program`` does with our logger, inside this process."""
    if isinstance(packets, bytes):
        packets = [packets[at : at + BLOCK] for at in range(0, len(packets), BLOCK)]
    with tempfile.TemporaryFile() as errors, standard_error(errors.fileno()):
        logger = make(script)
        base = os.open(cwd, os.O_RDONLY)
        umask = os.umask(0o022)
        try:
            carry_out(logger.start(base))
            for packet in packets:
                carry_out(logger.feed(packet))
            carry_out(logger.finish())
            status = 0
        except messages.Quit as quit_:
            messages.complain(quit_.line)
            status = quit_.status
        finally:
            os.umask(umask)
            logger.release()
            os.close(base)
        errors.seek(0)
        return status, errors.read()


@contextmanager
def standard_error(fd: int) -> Iterator[None]:
    """Let descriptor 2 be ``fd`` for a while."""
    before = os.dup(2)
    os.dup2(fd, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def plain(data: bytes) -> bytes:
    """Return ``data`` with the figures of all time stamps the same."""
    return STAMP.sub(lambda found: FIGURE.sub(b"0", found[0]), data)


def picture(cwd: Path) -> dict[str, tuple[str, bytes]]:
    """Return the type, mode and content of everything below ``cwd``, time left out.

    Finished logs are called by their place in the order of age.
    """
    seen = {}
    for directory in [cwd, *(path for path in sorted(cwd.rglob("*")) if path.is_dir())]:
        old = sorted(path.name for path in directory.iterdir() if NAME.match(path.name))
        for path in sorted(directory.iterdir()):
            name = path.name
            if name in old:
                name = f"@{old.index(name):03d}{name[25:]}"
            about = path.stat()
            content = plain(path.read_bytes()) if path.is_file() else b""
            where = str(path.parent.relative_to(cwd) / name)
            seen[where] = (f"{about.st_mode:o}", content)
    return seen


def content(directory: Path) -> bytes:
    """All that is in a log, oldest first, also while it is being written and rotated."""
    while True:
        files = parts(directory)
        try:
            text = b"".join(path.read_bytes() for path in files.values())
        except FileNotFoundError:
            continue
        if parts(directory) == files:
            return text


def parts(directory: Path) -> dict[int, Path]:
    """The files of a log by their inodes, oldest first, one that has two names but once."""
    old = sorted(path for path in directory.iterdir() if path.name[0] == "@")
    found: dict[int, Path] = {}
    for path in [*old, directory / "previous", directory / "current"]:
        with contextlib.suppress(FileNotFoundError):
            found.setdefault(path.stat().st_ino, path)
    return found


def unpacked(directory: Path) -> bytes:
    """All that is in a log, compressed or not."""
    pieces = []
    for path in sorted(directory.glob("@*")):
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            data = subprocess.run(
                ["zstd", "-dc"], input=data, capture_output=True, check=True
            ).stdout
        pieces.append(data)
    return b"".join(pieces) + (directory / "current").read_bytes()


def run_well(cwd: Path, script: Sequence[bytes], packets: Sequence[bytes] | bytes) -> bytes:
    """Run our logger, which must end well; return what it said."""
    status, errors = run_here(script, packets, cwd)
    assert status == 0
    return errors
