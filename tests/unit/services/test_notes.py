"""``pid`` and ``stat`` never tell of a process before, whatever can't be written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise import tai
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services import notes
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.notes import Notes

STAMP = tai.now()


class Failing:
    """The ``os`` of a process of which some calls, by their numbers, find no space."""

    def __init__(self, which: set[int]) -> None:
        self.which = which
        self.called = 0

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in ("open", "write", "pwrite", "rename", "ftruncate"):
            return real

        def call(*arguments: object, **keywords: object) -> object:
            self.called += 1
            if self.called in self.which:
                raise OSError(errno.ENOSPC, "")
            return real(*arguments, **keywords)

        return call


def status(pid: int) -> Status:
    return Status(STAMP, pid, False, b"u")


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=8), st.sets(st.integers(1, 60)))
def test_it_says_what_is_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, pids: list[int], which: set[int]
) -> None:
    directory = ServiceDirectory(bytes(tmp_path_factory.mktemp("service")), b"service")
    directory.acquire(b"life", 1000)
    told = Notes(directory)
    path = Path(os.fsdecode(directory.at(b"supervise/pid")))
    patch = pytest.MonkeyPatch()
    patch.setattr(notes, "os", Failing(which))
    try:
        for pid in pids:
            told.tell(status(pid))
            assert not path.exists() or path.read_text() == (f"{pid}\n" if pid else "")
            assert not [*path.parent.glob("*.new")]
    finally:
        patch.undo()
        directory.release()


def test_no_file_of_somebody_else_is_written_to(
    directory: ServiceDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where the name leads to one by a link of either kind, nor to what is no file."""
    path = Path(os.fsdecode(directory.at(b"supervise/pid")))
    other = tmp_path / "other"
    other.write_text("theirs")
    monkeypatch.setattr(notes, "os", Failing({*range(1, 100, 2)}))
    makers: list[Callable[[Path], object]] = [
        lambda path: path.symlink_to(other),
        lambda path: path.hardlink_to(other),
        os.mkfifo,
    ]
    for make in makers:
        path.unlink(missing_ok=True)
        make(path)
        told = Notes(directory)
        told.tell(status(7))
        assert other.read_text() == "theirs"


FILL = """\
import os, sys
from slashservice.supervise import tai
from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.notes import Notes
os.mkdir("service")
directory = ServiceDirectory(os.fsencode(os.path.abspath("service")), b"service")
directory.acquire(b"life", 1000)
told = Notes(directory)
def tell(pid):
    told.tell(Status(tai.now(), pid, False, b"u"))
    try:
        print(repr(open("service/supervise/pid").read()))
    except FileNotFoundError:
        print(None)
tell(7593)
try:
    with open("filler", "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
except OSError:
    pass
for pid in (7604, 80001, 9, 0):
    tell(pid)
os.unlink("filler")
tell(10)
"""


@pytest.mark.root
def test_on_a_disk_that_is_full(tmp_path: Path) -> None:
    mounted = 'mount -t tmpfs -o size=64k none "$1" && cd "$1" && exec "$2" -c "$3"'
    words = ["unshare", "--mount", "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, FILL]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.split("\n")
    assert told[0] == repr("7593\n")
    for line, pid in zip(told[1:4], (7604, 80001, 9), strict=True):
        assert line in (repr(f"{pid}\n"), "None")
    assert told[4] in (repr(""), "None")
    assert told[5] == repr("10\n")
