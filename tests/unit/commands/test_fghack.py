"""fghack's pipe: where a limit forbids it, and when it can't be read."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from slashservice.supervise.chain.pending import Pending
from slashservice.supervise.commands import fghack
from slashservice.supervise.messages import Quit


@pytest.mark.parametrize("end", [0, 1])
def test_a_limit_that_has_no_room_for_the_pipe(end: int, pending: Pending) -> None:
    """One descriptor too few or two: nothing is left open, and the words are C's."""
    free = os.pipe()
    for fd in free:
        os.close(fd)
    pending.soft_limits().waiting[resource.RLIMIT_NOFILE] = free[end]
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Quit) as caught:
        fghack.main([b"true"])
    assert os.listdir("/proc/self/fd") == before
    assert caught.value.status == 111
    expected = b"fghack: fatal: unable to create pipe: process cannot open more files\n"
    assert caught.value.line == expected


def test_a_limit_that_has_just_enough_room(pending: Pending) -> None:
    free = os.pipe()
    for fd in free:
        os.close(fd)
    pending.soft_limits().waiting[resource.RLIMIT_NOFILE] = free[1] + 1
    ends = fghack.pipe()
    assert ends == free
    for fd in ends:
        os.close(fd)


def test_what_can_not_be_read_is_not_waited_for(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IsADirectoryError) as caught:
        os.read(fd, 1)
    assert caught.value.errno == errno.EISDIR
    fghack.wait_for_end(fd)
    os.close(fd)
