"""fghack: wait for a program that puts itself into the background."""

from __future__ import annotations

import fcntl
import os

from slashservice.supervise.chain import environment, pathexec
from slashservice.supervise.chain.pending import PENDING
from slashservice.supervise.messages import fatal, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "fghack"

COPIES = 30
"""Extra copies of the pipe's end for CHILD, because daemons close the first few descriptors."""


def main(argv: Sequence[bytes]) -> int:
    """Be ``fghack CHILD``: end as CHILD did, once nobody holds the pipe it was given."""
    if not argv:
        raise usage(NAME, "fghack child")
    try:
        reading, writing = pipe()
    except OSError as error:
        raise fatal(NAME, b"unable to create pipe", error) from None
    environment.inherited()  # now, while a descriptor is free to read it with
    try:
        child = os.fork()
    except OSError as error:
        raise fatal(NAME, b"unable to fork", error) from None
    if child == 0:
        os.close(reading)
        copy(writing)
        pathexec.run_or_fail(NAME, argv)
    os.close(writing)
    wait_for_end(reading)
    try:
        _, status = os.waitpid(child, 0)
    except OSError as error:
        raise fatal(NAME, b"wait failed", error) from None
    if os.WIFSIGNALED(status):
        raise fatal(NAME, b"child crashed")
    return os.WEXITSTATUS(status)


def pipe() -> tuple[int, int]:
    """Make the pipe, whose end for writing the child inherits. Raises ``OSError``."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        PENDING.allowed(reading)
    except OSError:
        os.close(writing)
        raise
    try:
        PENDING.allowed(writing)
    except OSError:
        os.close(reading)
        raise
    return reading, writing


def copy(fd: int) -> None:
    """Make the copies of ``fd``, or as many as there can be."""
    try:
        for _ in range(COPIES):
            PENDING.allowed(fcntl.fcntl(fd, fcntl.F_DUPFD, 0))
    except OSError:
        pass


def wait_for_end(fd: int) -> None:
    """Read until nobody can write any more, and forget what was read."""
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
