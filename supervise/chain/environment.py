"""The environment as bytes, entry by entry, exactly as it was handed to this process.

``os.environb`` is not that: it drops duplicates and entries without ``=``, and CPython adds
``LC_CTYPE`` to it when it finds the C locale. A program we exec shall see what a C program
would have passed on. So an environment is a list of raw entries here, in their order:
``b"NAME=value"`` as a rule, but any bytes.
"""

from __future__ import annotations

import os

from slashservice.supervise.chain.pending import PENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


BLOCK = b"/proc/self/environ"
"""The kernel shows there with which environment this process was started."""

COERCED = b"LC_CTYPE=C.UTF-8"
"""CPython appends this to the environment of a process that it finds in the C locale."""


def inherited() -> list[bytes]:
    """Return this process's environment: a new list of its entries, in their order.

    The first command of a chain finds what the process was started with. The later ones find
    what the command before handed over by :func:`hand_over`. Call it before changing the
    account: afterwards the kernel does not show it to us.
    """
    if PENDING.environment is None:
        PENDING.environment = _original()
    return list(PENDING.environment)


def _original() -> list[bytes]:
    """Read the block from the kernel, or from the interpreter's copy where there is no /proc."""
    try:
        fd = os.open(BLOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _from_copy([name + b"=" + value for name, value in os.environb.items()])
    try:
        pieces = []
        while piece := os.read(fd, 65536):
            pieces.append(piece)
    finally:
        os.close(fd)
    return b"".join(pieces).split(b"\0")[:-1]


def _from_copy(entries: list[bytes]) -> list[bytes]:
    """Take out of the interpreter's copy what the interpreter put there itself.

    It appends ``LC_CTYPE`` only in the absence of ``LC_ALL``. An ``LC_CTYPE`` of the user's
    own is lost if it looks the same and comes last: nothing tells the two apart.
    """
    if entries and entries[-1] == COERCED and not get(b"LC_ALL", entries):
        entries.pop()
    return entries


def get(name: bytes, entries: Iterable[bytes]) -> bytes | None:
    """Return the value of the first entry for ``name``, or None."""
    start = name + b"="
    for entry in entries:
        if entry.startswith(start):
            return entry[len(start) :]
    return None


def changed(entries: Sequence[bytes], settings: Iterable[bytes]) -> list[bytes]:
    """Return ``entries`` with ``settings`` applied, in the order that the C commands give.

    A setting ``NAME=value`` takes out the first entry for the name, moves the last entry
    into its place, and appends itself. A setting without ``=`` only takes out. That something
    was taken out is noted in ``PENDING``.
    """
    result = list(entries)
    for setting in settings:
        name, equals, _ = setting.partition(b"=")
        start = name + b"="
        for at, entry in enumerate(result):
            if entry.startswith(start):
                PENDING.taken_out |= entry != setting
                last = result.pop()
                if at < len(result):
                    result[at] = last
                break
        if equals:
            result.append(setting)
    return result


def hand_over(entries: Sequence[bytes]) -> None:
    """Make ``entries`` this process's environment for the next command of a chain.

    The C library's own view (time zone, name service) follows, except that it holds one value
    per name.
    """
    PENDING.environment = list(entries)
    wanted: dict[bytes, bytes] = {}
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if name and equals:
            wanted.setdefault(name, value)
    view = os.environb
    for name in [name for name in view if name and name not in wanted]:
        del view[name]
    for name, value in wanted.items():
        if view.get(name) != value:
            view[name] = value
