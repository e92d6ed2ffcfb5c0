"""How tests wait: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

GENEROUS = 60.0
"""Seconds after which something that should happen soon has gone wrong."""

MOMENT = 0.003
"""Seconds between two looks at whether it has happened."""


def until(
    condition: Callable[[], T], what: str, seconds: float = GENEROUS, pause: float = MOMENT
) -> T:
    """Return the first true value of ``condition``; fail, saying ``what``, if none comes in time.

    The condition is looked at every ``pause`` seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        if result := condition():
            return result
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(pause)
