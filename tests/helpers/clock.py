"""A clock that tests set."""

from __future__ import annotations


class Clock:
    """Monotonic seconds that stand still unless told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
