"""What is seen of other processes: who can write to a pipe."""

from __future__ import annotations

import os
from pathlib import Path

from slashservice.supervise.platform import processes


def test_who_can_write_is_told_and_who_only_reads_is_not(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert processes.writers(os.fsencode(pipe)) == []
        writer = os.open(pipe, os.O_WRONLY)
        found = processes.writers(os.fsencode(pipe))
        os.close(writer)
        assert found == [(os.getpid(), processes.name(os.getpid()))]
        both = os.open(pipe, os.O_RDWR)
        found = processes.writers(os.fsencode(pipe))
        os.close(both)
        assert [pid for pid, _ in found] == [os.getpid()]
        assert processes.writers(os.fsencode(pipe)) == []
    finally:
        os.close(reader)


def test_a_pipe_without_a_name() -> None:
    reader, writer = os.pipe()
    path = os.readlink(b"/proc/self/fd/%d" % reader)
    found = processes.writers(path)
    os.close(writer)
    assert [pid for pid, _ in found] == [os.getpid()]
    assert processes.writers(path) == []
    os.close(reader)
