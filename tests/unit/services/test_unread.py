"""What only svscan has of a pipe to a log is set aside, whatever fails meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from slashservice.supervise.services import unread


def fail(patch: pytest.MonkeyPatch, name: str, number: int) -> Callable[[], bool]:
    """Have that call of ``os`` fail at its ``number``-th time; return what tells whether it did."""
    real: Callable[..., Any] = getattr(os, name)
    calls = count(1)
    failed = []

    def call(*args: Any, **options: Any) -> Any:
        if next(calls) == number:
            failed.append(True)
            raise OSError(errno.EIO, "")
        return real(*args, **options)

    patch.setattr(os, name, call)
    return lambda: bool(failed)


@pytest.mark.parametrize("call", ["open", "fstat"])
def test_whatever_fails_nothing_is_lost_or_left_open(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    path = tmp_path / "unread"
    path.write_bytes(b"")
    try:
        for number in count(1):
            os.write(writer, b"line\n")
            before = os.listdir("/proc/self/fd")
            with monkeypatch.context() as patch:
                has_failed = fail(patch, call, number)
                try:
                    unread.set_aside(reader, os.fsencode(path))
                except OSError:
                    assert has_failed()
            assert os.listdir("/proc/self/fd") == before
            if not has_failed():
                break
        assert number > 1
        assert path.read_bytes() == b"line\n" * number
        assert not unread.is_in(reader)
    finally:
        os.close(reader)
        os.close(writer)
