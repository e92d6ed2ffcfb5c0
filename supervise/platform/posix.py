"""What all Unix systems do alike: pipes, and how many descriptors a process may have."""

from __future__ import annotations

import os

RESERVE = 32
"""Descriptors kept free for what is open only for a moment: the last service must start too."""


def pipe() -> tuple[int, int]:
    """Make a pipe whose ends never block and are closed at an exec; return them.

    ``os.pipe2`` would do it in one call, but macOS lacks it.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


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
