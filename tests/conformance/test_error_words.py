"""What the commands say of every error there is, as the C ones do.

``strace`` makes one system call of a program fail in the way we choose.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.services import Outcome, run

from slashservice.supervise.error_words import WORDS, words_of

POINTS = [
    ("svok", "chdir", "service"),
    ("svok", "openat", "supervise/ok"),
    ("svc -u", "openat", "."),
    ("svc -u", "chdir", "service"),
    ("svc -u", "openat", "supervise/control"),
    ("svc -u", "write", "service/supervise/control"),
    ("svc -u", "fchdir", "."),
    ("svstat", "openat", "."),
    ("svstat", "chdir", "service"),
    ("svstat", "newfstatat", "down"),
    ("svstat", "openat", "supervise/ok"),
    ("svstat", "openat", "supervise/status"),
    ("svstat", "fchdir", "."),
    ("supervise", "chdir", "service"),
    ("svscan", "chdir", "service"),
]
"""A command, one of its system calls, and the file by which that call is known."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory with a ``service`` in it that seems to be supervised."""
    (tmp_path / "service/supervise").mkdir(parents=True)
    # A stamp to come, which is shown as 0 seconds.
    (tmp_path / "service/supervise/status").write_bytes(b"\x50" + bytes(17))
    held = []
    for name in ("ok", "control"):
        os.mkfifo(tmp_path / "service/supervise" / name)
        held.append(os.open(tmp_path / "service/supervise" / name, os.O_RDWR))
    yield tmp_path
    for fd in held:
        os.close(fd)


def failing(call: str, error: str, path: str, *command: str | Path, cwd: Path) -> Outcome:
    """Run a command with its system call on ``path`` failing by ``error``."""
    strace = ["strace", "--quiet=all", "-o", "trace", f"--trace-path={path}"]
    inject = [f"--trace={call}", f"--inject={call}:error={error}"]
    outcome = run(*strace, *inject, *command, cwd=cwd)
    assert b"(INJECTED)" in (cwd / "trace").read_bytes(), "the call was not made"
    return outcome


def test_words_of_every_error(oracle: Path, place: Path) -> None:
    said = {}
    for number in range(1, max(errno.errorcode) + 2):
        outcome = failing("chdir", str(number), "service", oracle / "svok", "service", cwd=place)
        start, end = b"svok: fatal: unable to chdir to service: ", b"\n"
        assert outcome.err.startswith(start)
        said[number] = outcome.err.removeprefix(start).removesuffix(end)
    known = {number: words for number, words in said.items() if words != b"unknown error"}
    assert {number: words_of(number) for number in known} == known
    assert len(known) == len(WORDS)
    for number in said.keys() - known.keys():
        # Here we differ: the C one doesn't say what it does not know.
        assert words_of(number) == os.strerror(number).lower().encode()


@pytest.mark.parametrize(("command", "call", "path"), POINTS)
def test_every_call_may_fail(
    oracle: Path, ours: Path, place: Path, command: str, call: str, path: str
) -> None:
    name, *words = command.split()
    for error in ("ENOENT", "ENXIO", "EAGAIN", "EIO"):
        theirs, mine = (
            failing(call, error, path, where / name, *words, "service", cwd=place)
            for where in (oracle, ours)
        )
        assert mine == theirs, error


def test_output_may_fail(oracle: Path, ours: Path, place: Path) -> None:
    # The C one does not look, and scripts take no answer for an answer.
    for where, expected in (
        (oracle, Outcome(0, b"", b"")),
        (ours, Outcome(111, b"", b"svstat: fatal: unable to write output: out of disk space\n")),
    ):
        assert run("sh", "-c", 'exec "$0" service >/dev/full', where / "svstat", cwd=place) == (
            expected
        )


def test_nobody_reads_the_output(oracle: Path, ours: Path, place: Path) -> None:
    for where in (oracle, ours):
        reader, writer = os.pipe()
        os.close(reader)
        words = [str(where / "svstat"), "service"]
        with open(writer, "wb") as out:
            done = subprocess.run(words, cwd=place, stdout=out, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b""), where
