"""``readproctitle WORD... DOTS``: show what standard input says in the process title.

Its input is shifted through its last argument, where ``ps`` shows it. The first three dots
stay. Exit status 0 at the end of input, 111 if it can't be read, 100 and silence if the last
argument is shorter than five bytes.
"""

from __future__ import annotations

import os

from slashservice.supervise.messages import MISUSE, TROUBLE, Quit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


KEPT = 3
SHORTEST = 5


def main(argv: Sequence[bytes]) -> int:
    """Read until the end of input."""
    if not argv or len(argv[-1]) < SHORTEST:
        raise Quit(MISUSE)
    title = b"." * len(argv[-1])
    show = shower(len(title))
    show(title)
    while True:
        try:
            data = os.read(0, 65536)
        except OSError:
            return TROUBLE
        if not data:
            return 0
        title = shift(title, data)
        show(title)


def shift(title: bytes, data: bytes) -> bytes:
    """Return ``title`` with ``data`` shifted in from the right, behind the dots that stay."""
    room = len(title) - KEPT
    return title[:KEPT] + (title[KEPT:] + data.replace(b"\0", b""))[-room:]


def shower(length: int) -> Callable[[bytes], object]:
    """Return a function that puts bytes in place of our last argument, which has ``length``.

    The kernel tells where the arguments of a process lie (proc(5), ``stat``, field 49), and
    lets it write to its own memory as to a file. Where there is no such file, setproctitle(3)
    shows the title.
    """
    try:
        with open("/proc/self/stat", "rb", buffering=0) as stat:
            fields = stat.read().rpartition(b")")[2].split()
        start = int(fields[46]) - 1 - length  # field 49; the first here is field 3
        memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
    except (OSError, IndexError):
        return _setproctitle()
    return lambda title: os.pwrite(memory, title, start)


def _show_nothing(title: bytes) -> None:
    """There is nothing to show it with."""


def _setproctitle() -> Callable[[bytes], object]:
    import ctypes

    function = getattr(ctypes.CDLL(None), "setproctitle", None)
    if function is None:
        return _show_nothing
    return lambda title: function(b"-%s", b"readproctitle " + title)
