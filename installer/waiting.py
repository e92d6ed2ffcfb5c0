"""Say what is waited for, ever more rarely, for as long as it takes.

Init systems call what uses this while a machine stops: the standard library only, and fast.
"""

from __future__ import annotations

import time

from slashservice.installer import streams
from slashservice.supervise.protocol.client import wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST_WORD = 1.0
"""Seconds after which it is said what is waited for. Each later word comes after twice the time."""

SAID_AT_MOST = 8
"""Services that one line names."""


def listed(found: Sequence[str]) -> str:
    """Put what runs into a few words."""
    more = len(found) - SAID_AT_MOST
    return ", ".join(found[:SAID_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def say(line: str) -> None:
    """Say what is waited for, on standard error."""
    streams.complain(f"slashservice: {line}\n")


def wait_telling(condition: Callable[[], object], limit: float, words: Callable[[], str]) -> bool:
    """Wait as ``wait_for`` does, and say ``words()`` after a second, and then ever more rarely."""
    end = time.monotonic() + limit
    pause = FIRST_WORD
    while True:
        if wait_for(condition, min(pause, end - time.monotonic())):
            return True
        if time.monotonic() >= end:
            return False
        say(words())
        pause *= 2
