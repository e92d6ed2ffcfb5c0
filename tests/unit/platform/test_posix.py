"""Pipes, and how many descriptors there may be."""

from __future__ import annotations

import os
import resource

import pytest

from slashservice.supervise.platform import posix


def test_a_pipe_neither_blocks_nor_is_inherited() -> None:
    ends = posix.pipe()
    for end in ends:
        assert not os.get_blocking(end)
        assert not os.get_inheritable(end)
    os.write(ends[1], b"x")
    assert os.read(ends[0], 2) == b"x"
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    ("trouble", "now"), [(None, 20), (ValueError, 10), (OSError, 10)], ids=["may", "value", "error"]
)
def test_raising_the_limit(
    trouble: type[Exception] | None, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [(10, 20)]

    def setrlimit(number: int, pair: tuple[int, int]) -> None:
        assert number == resource.RLIMIT_NOFILE
        if trouble:
            raise trouble
        limits.append(pair)

    monkeypatch.setattr(resource, "getrlimit", lambda number: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert posix.raise_descriptor_limit() == (10, now)
    assert posix.descriptor_limit() == now


def test_room_is_kept() -> None:
    assert posix.has_room(100 - posix.RESERVE, 100)
    assert not posix.has_room(101 - posix.RESERVE, 100)
