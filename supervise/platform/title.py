"""Showing something in the title of this process, where ``ps`` looks."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def shower(length: int, behind: int = 0) -> Callable[[bytes], object]:
    """Return a function that puts bytes in place of an argument of ours, which has ``length``.

    It is the last one, but for ``behind`` bytes of the command line.

    The kernel tells where the arguments of a process lie (proc(5), ``stat``, field 49), and
    lets it write to its own memory as to a file. Where there is no such file, setproctitle(3)
    shows the title.
    """
    try:
        with open("/proc/self/stat", "rb", buffering=0) as stat:
            fields = stat.read().rpartition(b")")[2].split()
        start = int(fields[46]) - 1 - length - behind  # field 49; the first here is field 3
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
