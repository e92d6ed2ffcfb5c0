"""What all Unix systems do alike: pipes, signals by name, how many descriptors one may have."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

PASSING = frozenset(
    (
        errno.EAGAIN,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOLCK,
        errno.ENOMEM,
        errno.ENOSPC,
    )
)
"""Errors that say nothing of what was asked for: a later attempt may find it as it is."""

RESERVE = 32
"""Descriptors kept free for what is open only for a moment: the last service must start too."""


def may_pass(error: OSError) -> bool:
    """Tell whether an error says that the system, or the disk, is in trouble now."""
    return error.errno in PASSING


def close(fd: int) -> None:
    """Close a descriptor. The file system may report an earlier error then; it is closed."""
    try:
        os.close(fd)
    except OSError:
        pass


def pipe() -> tuple[int, int]:
    """Make a pipe whose ends never block and are closed at an exec; return them.

    ``os.pipe2`` would do it in one call, but macOS lacks it.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


def both_ends(write_end: int) -> int:
    """Return a descriptor for both ends of a pipe, that does not wait, in place of its own.

    Where there is no way to one, it is the same one.
    """
    try:
        found = os.open(b"/proc/self/fd/%d" % write_end, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        os.set_blocking(write_end, False)
        return write_end
    os.close(write_end)
    return found


def is_readable(fd: int, seconds: float) -> bool:
    """Wait until ``fd`` can be read or has come to its end, ``seconds`` at most; tell whether."""
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    try:
        return bool(poll.poll(int(seconds * 1000)))
    except OSError:  # no memory
        return False


def inheritable_descriptors() -> set[int]:
    """Return our open descriptors that a program which we exec would get."""
    try:
        candidates = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        candidates = list(range(256))
    return {fd for fd in candidates if _is_inheritable(fd)}


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False  # it was open to list the others


def close_all_but(kept: set[int]) -> None:
    """Close every descriptor that is not ``kept``."""
    if _CLOSES_ONE_BY_ONE:
        for fd in map(int, os.listdir("/dev/fd")):
            if fd not in kept:
                _close_range(fd, fd + 1)
        return
    low = 0
    for fd in sorted(kept):
        _close_range(low, fd)
        low = fd + 1
    _close_range(low, descriptor_limit())


def _close_range(low: int, high: int) -> None:
    # An empty range that ends at 0 would close all.
    if low < high:
        os.closerange(low, high)


def _closes_one_by_one() -> bool:
    """Tell whether this kernel can't close a range in one call (Linux before 5.9).

    It would be asked a million times where a million descriptors are allowed.
    """
    system, _, release, *_ = os.uname()
    major, _, minor = release.partition(".")
    digits = minor.partition(".")[0].partition("-")[0]
    version = (int(major), int(digits)) if major.isdigit() and digits.isdigit() else (0, 0)
    return system == "Linux" and version < (5, 9)


_CLOSES_ONE_BY_ONE = _closes_one_by_one()


def has_room(fd: int, limit: int) -> bool:
    """Tell whether ``RESERVE`` descriptors are left above ``fd``, of ``limit`` in all."""
    return fd + RESERVE <= limit


def descriptor_limit() -> int:
    """Return how many descriptors we may have."""
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def set_descriptor_limit(soft: int, hard: int) -> None:
    """Set both limits on descriptors. Raises ``OSError`` or ``ValueError``."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def raise_descriptor_limit() -> tuple[int, int]:
    """Take as many descriptors as we may; return how many we had before, and have now."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        set_descriptor_limit(hard, hard)
    except (OSError, ValueError):
        return soft, soft
    return soft, hard


def make_fifo(path: bytes) -> None:
    """Make a FIFO that only our account may use, unless it is there already."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass


def signal_called(word: bytes) -> int:
    """Return the signal that a number or a name means, ``TERM`` or ``sigterm``; 0 if none."""
    if word.isdigit():
        number = int(word[:4])
        return number if number in _signal.valid_signals() else 0
    name = word.decode("ascii", "replace").upper()
    if "_" in name:
        return 0  # the module has other names with it
    number = getattr(_signal, name if name.startswith("SIG") else "SIG" + name, 0)
    return number if isinstance(number, int) and number in _signal.valid_signals() else 0
